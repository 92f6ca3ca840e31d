package strictjson

import (
	"bytes"
	"strings"
)

// Reader reads a document once, from its first byte to its last. A function that [Object] or
// [Reader.Array] calls gets the Reader at the beginning of one value, and reads it with one of the
// methods or leaves it alone. After the document proved invalid, values are empty; the error is
// that of [Object].
type Reader struct {
	data  []byte
	at    int
	depth int   // of the value at at
	err   error // what is wrong with the document

	// Names below the outermost object must also be unique, and numbers fit a float, if deep. Names
	// in another case are the same, if fold.
	deep, fold bool
}

// maxDepth bounds how deep values are nested.
const maxDepth = 100

// Raw returns the value. It is valid JSON, without white space around it, and part of the document.
func (r *Reader) Raw() []byte {
	start := r.at
	r.skipValue()
	if r.err != nil {
		return nil
	}
	return r.data[start:r.at]
}

// Kind returns the first byte of the value, which says what it is: one of {["tfn- and the digits.
// The value is not read by that. 0 means that the document is invalid.
func (r *Reader) Kind() byte {
	if r.err != nil || r.at == len(r.data) {
		return 0
	}
	return r.data[r.at]
}

// Offset returns the place of the value in the document. The value is not read by that.
func (r *Reader) Offset() int { return r.at }

// Array calls item for each item of the value, if it is an array, until item returns an error.
func (r *Reader) Array(item func(value *Reader) error) error {
	if r.Kind() != '[' || r.depth > maxDepth {
		r.skipValue()
		return ErrNotArray
	}
	var refused error
	r.readArray(func() {
		start := r.at
		if refused == nil {
			refused = item(r)
		}
		if r.at == start {
			r.skipValue()
		}
	})
	return refused
}

// end returns what is wrong with the document, when its outermost value has been read.
func (r *Reader) end() error {
	if r.err == nil && (r.skipSpace() != 0 || r.at < len(r.data)) {
		r.err = ErrInvalid
	}
	return r.err
}

// readObject calls member with the name of each member of the object at r, until it returns false.
// member reads the value that r is at then.
func (r *Reader) readObject(member func(name []byte) bool) {
	r.readList('}', func() bool {
		name := r.readName()
		if r.err == nil && r.skipSpace() != ':' {
			r.err = ErrInvalid
		}
		if r.err != nil {
			return false
		}
		r.at++
		r.skipSpace()
		return member(name) && r.err == nil
	})
}

// readArray calls item for each item of the array at r. item reads it.
func (r *Reader) readArray(item func()) {
	r.readList(']', func() bool {
		item()
		return r.err == nil
	})
}

// readList calls next for each part of the list that begins at r with its bracket, until next
// returns false, as it does when the document proves invalid. last is the bracket at the end.
func (r *Reader) readList(last byte, next func() bool) {
	r.at++
	r.depth++
	closed := r.skipSpace() == last
	for !closed {
		if !next() {
			return
		}
		switch r.skipSpace() {
		case last:
			closed = true
		case ',':
			r.at++
			r.skipSpace()
		default:
			r.err = ErrInvalid
			return
		}
	}
	r.at++
	r.depth--
}

// skipValue reads the value at r and keeps nothing of it.
func (r *Reader) skipValue() {
	if r.err != nil {
		return
	}
	if r.at == len(r.data) || r.depth > maxDepth {
		r.err = ErrInvalid
		return
	}
	switch c := r.data[r.at]; {
	case c == '"':
		r.readText()
	case c == '{' && r.deep:
		r.skipUnique()
	case c == '{':
		r.readObject(func([]byte) bool {
			r.skipValue()
			return true
		})
	case c == '[':
		r.readArray(r.skipValue)
	case c == '-' || isDigit(c):
		r.skipNumber()
	case c == 't':
		r.skipWord("true")
	case c == 'f':
		r.skipWord("false")
	default:
		r.skipWord("null")
	}
}

// skipUnique reads an object whose names must be unique.
func (r *Reader) skipUnique() {
	var seen nameSet
	r.readObject(func(name []byte) bool {
		if !r.unseen(&seen, name) {
			return false
		}
		r.skipValue()
		return true
	})
}

// unseen adds a name to those of its object, and reports whether it was not there.
func (r *Reader) unseen(seen *nameSet, name []byte) bool {
	if r.fold {
		name = []byte(strings.ToLower(strings.ToUpper(string(name)))) // unites what Unicode folds to ASCII, too
	}
	if !seen.add(name) {
		r.err = ErrDuplicate
	}
	return r.err == nil
}

// readName reads the string at r, which is the name of a member.
func (r *Reader) readName() []byte {
	start := r.at
	if r.Kind() != '"' {
		r.err = ErrInvalid
		return nil
	}
	r.readText()
	if r.err != nil {
		return nil
	}
	raw := r.data[start:r.at]
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1]
	}
	name, ok := String(raw)
	if !ok {
		r.err = ErrInvalid
	}
	return []byte(name)
}
