package theme

import (
	"encoding/json"
	"reflect"
)

// Value is a CSS value or image for the light and the dark appearance. If Dark is empty, Light is
// used for both.
type Value struct {
	Light string
	Dark  string
}

// valuePair is the JSON of a Value with two sides.
type valuePair struct {
	Light string `json:"light"`
	Dark  string `json:"dark"`
}

// MarshalJSON returns Light as a string if Dark is empty, otherwise an object with light and dark.
func (v Value) MarshalJSON() ([]byte, error) {
	if v.Dark == "" {
		return json.Marshal(v.Light)
	}
	return json.Marshal(valuePair(v))
}

// UnmarshalJSON accepts a string, and an object with both light and dark. null leaves v unchanged.
func (v *Value) UnmarshalJSON(data []byte) error {
	var text *string
	if json.Unmarshal(data, &text) == nil {
		if text != nil {
			*v = Value{Light: *text}
		}
		return nil
	}
	var pair valuePair
	if json.Unmarshal(data, &pair) != nil || pair.Light == "" || pair.Dark == "" {
		return &json.UnmarshalTypeError{Value: "value", Type: reflect.TypeFor[Value]()}
	}
	*v = Value(pair)
	return nil
}

// Weight is a font weight: "100", "200" and so on to "900", or a word such as "bold".
type Weight string

const weights = "100|200|300|400|500|600|700|800|900|normal|bold|lighter|bolder|inherit|initial|revert|revert-layer|unset"

// isNumber reports whether w is 100, 200 and so on to 900.
func (w Weight) isNumber() bool {
	return len(w) == 3 && w[0] >= '1' && w[0] <= '9' && w[1:] == "00"
}

// MarshalJSON returns a number for a weight in digits, otherwise a string.
func (w Weight) MarshalJSON() ([]byte, error) {
	if w.isNumber() {
		return []byte(w), nil
	}
	return json.Marshal(string(w))
}

// UnmarshalJSON accepts a string, and the numbers 100, 200 and so on to 900. null leaves w
// unchanged.
func (w *Weight) UnmarshalJSON(data []byte) error {
	if number := Weight(data); number.isNumber() {
		*w = number
		return nil
	}
	var word *string
	if json.Unmarshal(data, &word) != nil {
		return &json.UnmarshalTypeError{Value: "value", Type: reflect.TypeFor[Weight]()}
	}
	if word != nil {
		*w = Weight(*word)
	}
	return nil
}
