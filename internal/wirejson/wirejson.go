// Package wirejson reads responses. It accepts the sane forms of a scalar that MoneyKit does not
// document, and it names the member that cannot be read, without its value.
package wirejson

import "errors"

// Error says which member of a document cannot be read, and what it should be. It holds no value,
// but the id of the row that the member belongs to.
type Error struct {
	Path string // "transactions.created[3].date"; empty for the document itself
	Row  string // the id of the row, empty if there is none
	Want string // "a date"
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
