package moneykit

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/moneykit/moneykit-go/internal/plain"
	"github.com/moneykit/moneykit-go/internal/wirejson"
)

// Limits of the texts that a response can put into an Error.
const (
	maxCode        = 100
	maxErrorText   = 2048
	maxFieldText   = 512
	maxFieldName   = 200
	maxErrorFields = 50
	maxIndexDigits = 6
)

// location is the path of a field: names and indexes.
type location []any

// path returns l as text, with dots and indexes. Names that known does not accept become "…".
func (l location) path(known func(string) bool) string {
	var b strings.Builder
	for i, part := range l {
		switch v := part.(type) {
		case string:
			if i == 0 && len(l) > 1 && v == "body" {
				continue
			}
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			if !known(v) {
				v = "…"
			}
			b.WriteString(v)
		case float64:
			if index := strconv.FormatFloat(v, 'f', 0, 64); len(index) <= maxIndexDigits {
				b.WriteString("[" + index + "]")
			} else {
				b.WriteString("[…]") // A long number may be personal data.
			}
		}
	}
	return b.String()
}

// readLocation reads the path of a field: a list of names and indexes, or a text with dots.
func readLocation(data []byte) location {
	var at location
	if text, ok := wirejson.Text(data); ok {
		for name := range strings.SplitSeq(text, ".") {
			at = append(at, name)
		}
	} else if json.Unmarshal(data, &at) != nil {
		return nil
	}
	return at
}

// decode fills e from the body of an error response. It accepts all forms that MoneyKit uses, and
// FastAPI's form for a request that it cannot parse. It ignores a member of an unexpected type, and
// still reads the others. If the body is not a JSON object, e is unchanged. known reports whether
// the API defines a name. Such names are not personal data.
func (e *Error) decode(body []byte, known func(string) bool) {
	var parsed map[string]json.RawMessage
	if json.Unmarshal(body, &parsed) != nil {
		return
	}
	text := func(name string, most int) string {
		s, _ := wirejson.Text(parsed[name])
		return plain.Cut(s, most)
	}
	e.Code = ErrorCode(text("error_code", maxCode))
	e.LinkError = LinkError(text("link_error_code", maxCode))
	e.Message = text("error_message", maxErrorText)
	e.DocumentationURL = text("documentation_url", maxErrorText)
	e.addFields(parsed["validation_errors"], "location", "message", known)
	e.addFields(parsed["detail"], "loc", "msg", known)
	if e.Code == "" && len(e.Fields) > 0 {
		e.Code = ErrorCodeValidationFailed
	}
}

// addFields adds the fields of a list. location and message are the names of the members that
// contain a field's path and its message.
func (e *Error) addFields(list json.RawMessage, location, message string, known func(string) bool) {
	var fields []json.RawMessage
	if json.Unmarshal(list, &fields) != nil {
		return
	}
	for _, field := range fields[:min(len(fields), maxErrorFields)] {
		var parsed map[string]json.RawMessage
		if json.Unmarshal(field, &parsed) == nil && parsed != nil {
			text, _ := wirejson.Text(parsed[message])
			e.addField(readLocation(parsed[location]), text, known)
		}
	}
}

func (e *Error) addField(at location, message string, known func(string) bool) {
	if len(e.Fields) >= maxErrorFields {
		return
	}
	all := func(string) bool { return true }
	e.Fields = append(e.Fields, FieldError{
		Field:   plain.Cut(at.path(all), maxFieldName),
		Message: plain.Cut(message, maxFieldText),
	})
	if shown := plain.Cut(at.path(known), maxFieldName); shown != "" {
		e.details = append(e.details, shown+" was refused")
	}
}
