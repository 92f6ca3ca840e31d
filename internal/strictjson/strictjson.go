// Package strictjson reads JSON objects that must mean the same to every reader. encoding/json uses
// the last of several members with one name, and accepts a name in another case. If one program
// verifies a signed object and another program reads it, they could therefore read different
// values. This package returns an error for such objects.
//
// A Reader makes one pass over a document. It checks the grammar, the UTF-8 and the names while the
// caller reads the values.
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Errors of a value. Their texts quote only names that the caller knows.
var (
	ErrInvalid   = errors.New("is not valid JSON in UTF-8")
	ErrNotObject = errors.New("is not a JSON object")
	ErrNotArray  = errors.New("is not a JSON array")
	ErrDuplicate = errors.New("has two members with one name")
)

// Object calls member for each member of the JSON object data, in order, with the Reader at the
// member's value. It returns an error for two members with one name, at any depth, and for a name
// that differs from a known name only in case. It may call member for some members before it
// finds an error.
func Object(data []byte, known []string, member func(name string, value *Reader) error) error {
	return object(&Reader{data: data, deep: true}, known, member)
}

// Outer is like [Object], but checks only the names of the object's own members. The caller checks
// the values that it reads.
func Outer(data []byte, known []string, member func(name string, value *Reader) error) error {
	return object(&Reader{data: data}, known, member)
}

// Unique returns an error unless data is one JSON value in UTF-8 in which no object, at any depth,
// has two members with the same name. Names that differ only in case count as the same.
func Unique(data []byte) error {
	r := &Reader{data: data, deep: true, fold: true}
	r.skipSpace()
	r.skipValue()
	return r.end()
}

func object(r *Reader, known []string, member func(name string, value *Reader) error) error {
	if r.skipSpace() != '{' {
		if !utf8.Valid(r.data) || !json.Valid(r.data) {
			return ErrInvalid
		}
		return ErrNotObject
	}
	var seen nameSet
	var refused error
	r.readObject(func(name []byte) bool {
		if !r.unseen(&seen, name) {
			return false
		}
		text, err := recognize(name, known)
		if err == nil {
			start := r.at
			err = member(text, r)
			if r.at == start {
				r.skipValue()
			}
		}
		refused = err
		return err == nil
	})
	if r.err == nil && refused != nil {
		return refused
	}
	return r.end()
}

// recognize returns a name as a string. It returns an error for a name that differs from a known
// name only in case, because another reader could accept it as the known name.
func recognize(name []byte, known []string) (string, error) {
	for _, k := range known {
		if string(name) == k {
			return k, nil
		}
	}
	text := string(name)
	for _, k := range known {
		if strings.EqualFold(text, k) {
			return "", fmt.Errorf("has a member whose name differs from %s in case", k)
		}
	}
	return text, nil
}

// String returns the decoded string in value, which must be valid JSON. It returns false if value
// is not a string.
func String(value []byte) (string, bool) {
	if len(value) < 2 || value[0] != '"' {
		return "", false
	}
	if bytes.IndexByte(value, '\\') < 0 {
		return string(value[1 : len(value)-1]), true
	}
	var s string
	if err := json.Unmarshal(value, &s); err != nil {
		return "", false
	}
	return s, true
}

// nameSet is a set of names. It needs no map for up to 16 names, which is enough for most objects.
type nameSet struct {
	few  [16][]byte
	n    int
	many map[string]bool
}

// add adds a name. It returns false if the set already contains it.
func (s *nameSet) add(name []byte) bool {
	for _, other := range s.few[:s.n] {
		if string(other) == string(name) {
			return false
		}
	}
	switch {
	case s.n < len(s.few):
		s.few[s.n] = name
		s.n++
		return true
	case s.many[string(name)]:
		return false
	case s.many == nil:
		s.many = map[string]bool{}
	}
	s.many[string(name)] = true
	return true
}
