package strictjson

import (
	"bytes"
	"strings"
)

// Reader reads a document once, from its first byte to its last. [Object] and [Reader.Array] pass
// it to functions with the position at the beginning of one value. The function reads the value
// with one of the methods, or returns without reading it. In an invalid document values are empty,
// and [Object] returns the error.
type Reader struct {
	data  []byte
	at    int
	depth int   // nesting depth of the value at the position at
	err   error // first error of the document

	deep bool // Names in nested objects must be unique too, and numbers must fit a float64.
	fold bool // Names that differ only in case are the same.
}

// maxDepth is how deep values may be nested.
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

// Kind returns the first byte of the value, which identifies its kind: one of {["tfn- or a digit.
// It does not read the value. It returns 0 if the document is invalid.
func (r *Reader) Kind() byte {
	if r.err != nil || r.at == len(r.data) {
		return 0
	}
	return r.data[r.at]
}

// Offset returns the position of the value in the document. It does not read the value.
func (r *Reader) Offset() int { return r.at }

// Array calls item for each item of the array, until item returns an error. It returns that error,
// or ErrNotArray if the value is not an array.
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

// end returns the error of the document. The outermost value must have been read.
func (r *Reader) end() error {
	if r.err == nil && (r.skipSpace() != 0 || r.at < len(r.data)) {
		r.err = ErrInvalid
	}
	return r.err
}

// readObject calls member with the name of each member of the object at r, until member returns
// false. member must read the value.
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

// readArray calls item for each item of the array at r. item must read the item.
func (r *Reader) readArray(item func()) {
	r.readList(']', func() bool {
		item()
		return r.err == nil
	})
}

// readList calls next for each member or item of the object or array at r, until next returns
// false. last is the closing bracket.
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

// skipValue moves r past the value at r.
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

// skipUnique moves r past an object whose names must be unique.
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

// unseen adds a name to the names of its object. It returns false if the name is a duplicate.
func (r *Reader) unseen(seen *nameSet, name []byte) bool {
	if r.fold {
		name = []byte(strings.ToLower(strings.ToUpper(string(name)))) // Upper case first, so that letters that Unicode folds to ASCII match, too.
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
