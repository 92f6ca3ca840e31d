// Package strictjson reads JSON objects that must mean the same to every reader. encoding/json
// takes the last of several members with one name, and a name in another case for a member that
// it knows; a signature that one program checks and another program reads needs more.
//
// A document is read in one pass: the grammar, the UTF-8 and the names are checked while the
// caller takes the values.
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// What is wrong with a value. The errors quote nothing of it but names that the caller knows.
var (
	ErrInvalid   = errors.New("is not valid JSON in UTF-8")
	ErrNotObject = errors.New("is not a JSON object")
	ErrNotArray  = errors.New("is not a JSON array")
	ErrDuplicate = errors.New("has two members with one name")
)

// Object calls member for each member of the JSON object that data consists of, in order, with the
// reader at the member's value. It refuses two members of one name, at any depth, and a name that
// differs from one of known only in case. What is wrong with the object as a whole may show only
// after some members have been read.
func Object(data []byte, known []string, member func(name string, value *Reader) error) error {
	return object(&Reader{data: data, deep: true}, known, member)
}

// Outer is Object for an object whose members are read one by one: what is wrong with the names
// below them is not its matter.
func Outer(data []byte, known []string, member func(name string, value *Reader) error) error {
	return object(&Reader{data: data}, known, member)
}

// Unique refuses all but one JSON value in UTF-8 whose objects, at any depth, have no two members
// that encoding/json would take for one: with the same name, in whatever case.
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

// recognize returns a name as a string. It refuses a name that a more careless reader would take
// for a known one.
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

// String returns the string that value, which is valid JSON, consists of; false if it is
// something else.
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

// nameSet is a set of names. The few that most objects have need no map.
type nameSet struct {
	few  [16][]byte
	n    int
	many map[string]bool
}

// add adds a name; it returns false if the name is there already.
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
