// Package strictjson reads JSON objects that must mean the same to every reader. encoding/json
// takes the last of several members with one name, and a name in another case for a member that
// it knows; a signature that one program checks and another program reads needs more.
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
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

// Object calls member for each member of the JSON object that data consists of, in order. It
// refuses two members of one name, at any depth, and a name that differs from one of known only in
// case. Values are valid JSON, without white space around them, and part of data. What is wrong
// with the object as a whole may show only after some members have been read.
func Object(data []byte, known []string, member func(name string, value []byte) error) error {
	return object(scanner{data: data, deep: true}, known, member)
}

// Outer is Object for an object whose members are read one by one: what is wrong with the names
// below them is not its matter.
func Outer(data []byte, known []string, member func(name string, value []byte) error) error {
	return object(scanner{data: data}, known, member)
}

// Unique refuses all but one JSON value in UTF-8 whose objects, at any depth, have no two members
// that encoding/json would take for one: with the same name, in whatever case.
func Unique(data []byte) error {
	if !utf8.Valid(data) {
		return ErrInvalid
	}
	end, err := scanner{data: data, deep: true, fold: true}.skipValue(skipSpace(data, 0), 0)
	return ended(data, end, err)
}

func object(s scanner, known []string, member func(name string, value []byte) error) error {
	data := s.data
	if !utf8.Valid(data) {
		return ErrInvalid
	}
	at := skipSpace(data, 0)
	if at == len(data) || data[at] != '{' {
		return not(data, ErrNotObject)
	}
	var seen nameSet
	end, err := s.skipObject(at, 0, func(name, value []byte) error {
		text, err := seen.read(name, s.fold)
		if err != nil {
			return err
		}
		if err := checkCase(text, known); err != nil {
			return err
		}
		return member(text, value)
	})
	return ended(data, end, err)
}

// Array calls item for each item of the JSON array that data consists of, in order.
func Array(data []byte, item func(value []byte) error) error {
	if !utf8.Valid(data) {
		return ErrInvalid
	}
	at := skipSpace(data, 0)
	if at == len(data) || data[at] != '[' {
		return not(data, ErrNotArray)
	}
	end, err := scanner{data: data}.skipArray(at, 0, item)
	return ended(data, end, err)
}

// not returns why data is not what it should be.
func not(data []byte, err error) error {
	if !json.Valid(data) {
		return ErrInvalid
	}
	return err
}

// ended returns an error if there is one, or if data goes on after end.
func ended(data []byte, end int, err error) error {
	if err == nil && skipSpace(data, end) != len(data) {
		return ErrInvalid
	}
	return err
}

// checkCase refuses a name that a more careless reader would take for a known one.
func checkCase(name string, known []string) error {
	if slices.Contains(known, name) {
		return nil
	}
	for _, k := range known {
		if strings.EqualFold(name, k) {
			return fmt.Errorf("has a member whose name differs from %s in case", k)
		}
	}
	return nil
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

// IsNull reports whether value is null.
func IsNull(value []byte) bool { return string(value) == "null" }

// nameSet is a set of names. The few that most objects have need no map.
type nameSet struct {
	few  [16]string
	n    int
	many map[string]bool
}

// read reads a name, which is a JSON text, and adds it; an error if it is there already.
func (s *nameSet) read(text []byte, fold bool) (string, error) {
	name, ok := String(text)
	if fold {
		name = strings.ToLower(strings.ToUpper(name)) // unites what Unicode folds to ASCII, too
	}
	switch {
	case !ok:
		return "", ErrInvalid
	case slices.Contains(s.few[:s.n], name) || s.many[name]:
		return "", ErrDuplicate
	case s.n < len(s.few):
		s.few[s.n] = name
		s.n++
		return name, nil
	case s.many == nil:
		s.many = map[string]bool{}
	}
	s.many[name] = true
	return name, nil
}
