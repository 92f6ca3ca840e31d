// Package wirejson reads responses. It accepts undocumented forms of scalars whose meaning is
// clear. Its errors name the member that cannot be read, but not its value.
package wirejson

import "errors"

// Error reports a member of a document that cannot be read. It contains no value from the document
// but the id of the member's row.
type Error struct {
	Path string // "transactions.created[3].date"; empty for the document itself
	Row  string // the id of the row, empty if it has none
	Want string // what the value should be, for example "a date"
}

func (e *Error) Error() string {
	name := e.Path
	if name == "" {
		name = "the document"
	}
	if e.Row != "" {
		name += " of " + e.Row
	}
	return name + " is not " + e.Want
}

// ValueError is the error of an UnmarshalJSON method. It names the expected kind of value.
type ValueError struct{ Want string }

func (e *ValueError) Error() string { return "the value is not " + e.Want }

// ErrSyntax is the error for a document that is not JSON.
var ErrSyntax = errors.New("the document is not valid JSON")
