// Package wirejson decodes responses. It accepts scalars in other forms than MoneyKit documents if
// their meaning is clear. Its errors name the member that cannot be decoded, without its value.
package wirejson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/moneykit/moneykit-go/internal/plain"
)

// Error is the error for a member of a document that cannot be decoded. It contains the id of the
// row that the member belongs to, but no other value.
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

// Unmarshal decodes data into the value that out points to. It also accepts scalars that
// encoding/json refuses if their meaning is clear, such as a number in a string: see [Text],
// [Number] and [Bool]. It returns ErrSyntax or an [*Error].
func Unmarshal(data []byte, out any) error {
	if json.Unmarshal(data, out) == nil {
		return nil
	}
	if !json.Valid(data) {
		return ErrSyntax
	}
	target := reflect.ValueOf(out).Elem()
	mended, err := mend(data, target.Type(), place{})
	if err != nil {
		return err
	}
	target.SetZero()
	if json.Unmarshal(mended, out) != nil {
		return &Error{Want: "what is expected"}
	}
	return nil
}

// place is the position of a value in a document.
type place struct{ path, row string }

func (p place) member(name string) place {
	if p.path != "" {
		name = p.path + "." + name
	}
	return place{name, p.row}
}

func (p place) wrong(want string) error { return &Error{Path: p.path, Row: p.row, Want: want} }

// mend returns data with each scalar in the form that encoding/json accepts for type t.
func mend(data json.RawMessage, t reflect.Type, at place) (json.RawMessage, error) {
	data = bytes.TrimSpace(data)
	if string(data) == "null" {
		return data, nil
	}
	if reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()) {
		return data, check(data, t, at)
	}
	switch t.Kind() { //nolint:exhaustive // Types of responses have no other kinds.
	case reflect.Pointer:
		return mend(data, t.Elem(), at)
	case reflect.Struct:
		return mendStruct(data, t, at)
	case reflect.Map:
		return mendMap(data, t, at)
	case reflect.Slice:
		return mendSlice(data, t, at)
	case reflect.String:
		if s, ok := Text(data); ok {
			return json.Marshal(s)
		}
		return nil, at.wrong("a text")
	case reflect.Bool:
		if b, ok := Bool(data); ok {
			return strconv.AppendBool(nil, b), nil
		}
		return nil, at.wrong("true or false")
	case reflect.Float64:
		if n, ok := Number(data); ok {
			return strconv.AppendFloat(nil, n, 'g', -1, 64), nil
		}
		return nil, at.wrong("a number")
	case reflect.Int, reflect.Int64:
		if n, ok := Int(data); ok && !reflect.Zero(t).OverflowInt(n) {
			return strconv.AppendInt(nil, n, 10), nil
		}
		return nil, at.wrong("a whole number")
	}
	return data, nil
}

// check decodes data into a value of a type with its own UnmarshalJSON.
func check(data json.RawMessage, t reflect.Type, at place) error {
	err := json.Unmarshal(data, reflect.New(t).Interface())
	if err == nil {
		return nil
	}
	var value *ValueError
	if errors.As(err, &value) {
		return at.wrong(value.Want)
	}
	return at.wrong("what is expected")
}

func mendStruct(data json.RawMessage, t reflect.Type, at place) (json.RawMessage, error) {
	var members map[string]json.RawMessage
	if json.Unmarshal(data, &members) != nil {
		return nil, at.wrong("an object")
	}
	fields := fieldsOf(t)
	if len(fields) > 0 {
		if id, ok := Text(members[fields[0].name]); ok && fields[0].isID {
			at.row = plain.Label(id)
		}
	}
	for name, value := range members {
		field, ok := find(fields, name)
		if !ok {
			delete(members, name) // unknown
			continue
		}
		mended, err := mend(value, field.typ, at.member(field.name))
		if err != nil {
			return nil, err
		}
		members[name] = mended
	}
	return json.Marshal(members)
}

func mendMap(data json.RawMessage, t reflect.Type, at place) (json.RawMessage, error) {
	var members map[string]json.RawMessage
	if json.Unmarshal(data, &members) != nil {
		return nil, at.wrong("an object")
	}
	for key, value := range members {
		mended, err := mend(value, t.Elem(), place{at.path + "[" + plain.Label(key) + "]", at.row})
		if err != nil {
			return nil, err
		}
		members[key] = mended
	}
	return json.Marshal(members)
}

func mendSlice(data json.RawMessage, t reflect.Type, at place) (json.RawMessage, error) {
	if t.Elem().Kind() == reflect.Uint8 { // a json.RawMessage, or bytes
		return data, nil
	}
	var items []json.RawMessage
	if json.Unmarshal(data, &items) != nil {
		return nil, at.wrong("a list")
	}
	for i, item := range items {
		mended, err := mend(item, t.Elem(), place{fmt.Sprintf("%s[%d]", at.path, i), at.row})
		if err != nil {
			return nil, err
		}
		items[i] = mended
	}
	return json.Marshal(items)
}

// field is a member of a struct type.
type field struct {
	name string
	typ  reflect.Type
	isID bool // whether the member is the id of the row
}

// fieldsOf returns the members that encoding/json decodes for a struct, the id of the row first.
func fieldsOf(t reflect.Type) []field {
	var fields []field
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || name == "-" || !f.IsExported() {
			continue
		}
		member := field{name, f.Type, f.Name == "ID"}
		if member.isID {
			fields = append([]field{member}, fields...)
		} else {
			fields = append(fields, member)
		}
	}
	return fields
}

// find returns the field for a member's name, by the rules of encoding/json.
func find(fields []field, name string) (field, bool) {
	for _, same := range []func(string, string) bool{
		func(a, b string) bool { return a == b }, strings.EqualFold,
	} {
		for _, f := range fields {
			if same(f.name, name) {
				return f, true
			}
		}
	}
	return field{}, false
}
