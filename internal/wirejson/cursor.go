package wirejson

import (
	"bytes"
	"errors"

	"github.com/moneykit/moneykit-go/internal/plain"
)

// maxDepth is how deep objects and arrays may be nested, as in encoding/json.
const maxDepth = 10000

// Cursor reads one JSON document in a single pass. It checks the syntax of all that it reads or
// skips. After the first error its results are meaningless, so a caller may check for errors once,
// at the end.
//
// To read an object:
//
//	for open := c.Open('{', "an object"); open && c.More('}'); {
//		name := c.Name()
//		… // Read or skip the value.
//	}
type Cursor struct {
	data  []byte
	at    int
	depth int
	first bool // An object or array was just opened.
	err   error
	spare []byte // for texts with escapes
	texts texts
}

// NewCursor returns a Cursor at the beginning of data, which must not change while it is read.
func NewCursor(data []byte) *Cursor {
	c := &Cursor{data: data}
	c.texts.init(len(data))
	return c
}

// Kind is a kind of JSON value.
type Kind uint8

// The kinds of values. KindOther is every other kind, and invalid JSON.
const (
	KindOther Kind = iota
	KindNull
	KindString
	KindNumber
)

// Failed reports whether an error has occurred.
func (c *Cursor) Failed() bool { return c.err != nil }

// End returns ErrSyntax if the document is not JSON from its beginning to its end, and otherwise
// the first [*Error].
func (c *Cursor) End() error {
	if c.err == nil && c.peek() == 0 && c.at == len(c.data) {
		return nil
	}
	rest := Cursor{data: c.data}
	if rest.Skip(); rest.err != nil || rest.peek() != 0 || rest.at != len(rest.data) {
		return ErrSyntax
	}
	return c.err
}

// Wrong sets the error to an [*Error] that says what the next value should be, unless there is an
// error already.
func (c *Cursor) Wrong(want string) {
	if c.err == nil {
		c.err = &Error{Want: want}
	}
}

func (c *Cursor) syntax() {
	if c.err == nil {
		c.err = ErrSyntax
	}
}

// Under prepends a member's name, or an index in brackets, to the path of the error.
func (c *Cursor) Under(step string) {
	var e *Error
	if !errors.As(c.err, &e) {
		return
	}
	if e.Path != "" && e.Path[0] != '[' {
		step += "."
	}
	e.Path = step + e.Path
}

// Row sets the error's row id, unless it has one, to the text of the member called name of the
// object that begins at start.
func (c *Cursor) Row(start int, name string) {
	var e *Error
	if !errors.As(c.err, &e) || e.Row != "" {
		return
	}
	row := Cursor{data: c.data, at: start}
	for open := row.Open('{', ""); open && row.More('}'); {
		if string(row.Name()) != name {
			row.Skip()
		} else if id, kind := row.Scalar(); kind == KindString || kind == KindNumber {
			e.Row = plain.Label(string(id))
		} else if kind == KindOther {
			row.Skip()
		}
	}
}

// Offset returns the position of the next value, for [Cursor.Row].
func (c *Cursor) Offset() int {
	c.peek()
	return c.at
}

// Rest returns the number of bytes left in the document.
func (c *Cursor) Rest() int { return len(c.data) - c.at }

// peek skips white space and returns the next byte, or 0 at the end.
func (c *Cursor) peek() byte {
	if c.at < len(c.data) {
		if b := c.data[c.at]; b > ' ' {
			return b
		}
	}
	return c.peekSpace()
}

func (c *Cursor) peekSpace() byte {
	for ; c.at < len(c.data); c.at++ {
		switch b := c.data[c.at]; b {
		case ' ', '\t', '\n', '\r':
		default:
			return b
		}
	}
	return 0
}

// Open enters an object or an array, given by its opening bracket. If the next value is of another
// kind, the error says that it is not want.
func (c *Cursor) Open(bracket byte, want string) bool {
	if c.err != nil {
		return false
	}
	if c.peek() != bracket {
		c.Wrong(want)
		return false
	}
	c.at++
	if c.depth++; c.depth > maxDepth {
		c.syntax()
		return false
	}
	c.first = true
	return true
}

// More reports whether the object or array, given by its closing bracket, has another member or
// item. If not, it leaves the object or array.
func (c *Cursor) More(bracket byte) bool {
	if c.err != nil {
		return false
	}
	first := c.first
	c.first = false
	switch b := c.peek(); {
	case b == bracket:
		c.at++
		c.depth--
		return false
	case first:
		return true
	case b == ',':
		c.at++
		return true
	}
	c.syntax()
	return false
}

// Name returns the name of the next member. The name stays valid as long as the document does.
func (c *Cursor) Name() []byte {
	if c.peek() != '"' {
		c.syntax()
		return nil
	}
	name, own := c.str()
	if own {
		name = bytes.Clone(name) // Reading the value may overwrite the buffer.
	}
	if c.peek() != ':' {
		c.syntax()
		return nil
	}
	c.at++
	return name
}

// Null reports whether the next value is null. If so, it skips the value.
func (c *Cursor) Null() bool { return c.peek() == 'n' && c.err == nil && c.literal("null") }

func (c *Cursor) literal(word string) bool {
	if end := c.at + len(word); end <= len(c.data) && string(c.data[c.at:end]) == word {
		c.at = end
		return true
	}
	c.syntax()
	return false
}

// Scalar reads null, a string or a number and returns its text, which is valid until the next call.
// It does not read other values.
func (c *Cursor) Scalar() (text []byte, kind Kind) {
	if c.err != nil {
		return nil, KindOther
	}
	switch b := c.peek(); {
	case b == '"':
		text, _ = c.str()
		return text, KindString
	case isDigit(b) || b == '-':
		return c.number(), KindNumber
	case b == 'n' && c.literal("null"):
		return nil, KindNull
	}
	return nil, KindOther
}

// Skip skips the next value.
func (c *Cursor) Skip() {
	if c.err != nil {
		return
	}
	switch b := c.peek(); b {
	case '"':
		c.str()
	case '{':
		for open := c.Open('{', ""); open && c.More('}'); {
			c.Name()
			c.Skip()
		}
	case '[':
		for open := c.Open('[', ""); open && c.More(']'); {
			c.Skip()
		}
	case 't':
		c.literal("true")
	case 'f':
		c.literal("false")
	case 'n':
		c.literal("null")
	default:
		c.number()
	}
}

// number reads a number and returns its text.
func (c *Cursor) number() []byte {
	data, i := c.data, c.at
	if i < len(data) && data[i] == '-' {
		i++
	}
	if i < len(data) && data[i] == '0' {
		i++
	} else if i = digits(data, i); i < 0 {
		c.syntax()
		return nil
	}
	if i < len(data) && data[i] == '.' {
		if i = digits(data, i+1); i < 0 {
			c.syntax()
			return nil
		}
	}
	if i < len(data) && (data[i] == 'e' || data[i] == 'E') {
		i++
		if i < len(data) && (data[i] == '+' || data[i] == '-') {
			i++
		}
		if i = digits(data, i); i < 0 {
			c.syntax()
			return nil
		}
	}
	text := data[c.at:i]
	c.at = i
	return text
}

// digits returns the end of the digits at i, or -1 if there are none.
func digits(data []byte, i int) int {
	start := i
	for i < len(data) && isDigit(data[i]) {
		i++
	}
	if i == start {
		return -1
	}
	return i
}

func isDigit(b byte) bool { return '0' <= b && b <= '9' }
