package moneykit_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"

	"github.com/moneykit/moneykit-go/internal/wirejson"
)

var errLenient = errors.New("not even a lenient decoder reads it")

// mend returns data with each scalar in the form that encoding/json accepts for type t. data must
// be valid JSON without duplicate members. A lenient decoder must decode data as encoding/json
// decodes the result.
func mend(data json.RawMessage, t reflect.Type) (json.RawMessage, error) {
	data = bytes.TrimSpace(data)
	if string(data) == "null" {
		return data, nil
	}
	if reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()) {
		return data, json.Unmarshal(data, reflect.New(t).Interface())
	}
	var (
		value any
		ok    bool
	)
	switch t.Kind() { //nolint:exhaustive // Types of responses have no other kinds.
	case reflect.Pointer:
		return mend(data, t.Elem())
	case reflect.Struct, reflect.Map:
		return mendObject(data, t)
	case reflect.Slice:
		var items []json.RawMessage
		if err := json.Unmarshal(data, &items); err != nil {
			return nil, err
		}
		for i, item := range items {
			var err error
			if items[i], err = mend(item, t.Elem()); err != nil {
				return nil, err
			}
		}
		return json.Marshal(items)
	case reflect.String:
		value, ok = wirejson.Text(data)
	case reflect.Bool:
		value, ok = wirejson.Bool(data)
	case reflect.Float64:
		value, ok = wirejson.Number(data)
	case reflect.Int:
		var n int64
		n, ok = wirejson.Int(data)
		value, ok = n, ok && !reflect.Zero(t).OverflowInt(n)
	}
	if !ok {
		return nil, errLenient
	}
	return json.Marshal(value)
}

func mendObject(data json.RawMessage, t reflect.Type) (json.RawMessage, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		return nil, err
	}
	for name, value := range members {
		of, known := memberType(t, name)
		if !known {
			delete(members, name)
			continue
		}
		mended, err := mend(value, of)
		if err != nil {
			return nil, err
		}
		members[name] = mended
	}
	return json.Marshal(members)
}

// memberType returns the type of the member called name of a struct or map.
func memberType(t reflect.Type, name string) (reflect.Type, bool) {
	if t.Kind() == reflect.Map {
		return t.Elem(), true
	}
	for i := range t.NumField() {
		f := t.Field(i)
		if tag, _, _ := strings.Cut(f.Tag.Get("json"), ","); strings.EqualFold(tag, name) {
			return f.Type, true
		}
	}
	return nil, false
}
