package moneykit

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/moneykit/moneykit-go/internal/plain"
	"github.com/moneykit/moneykit-go/internal/wirejson"
)

// Bounds of what a response can put into an Error.
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

// path returns l with dots and indexes. known decides which names are kept; others become "…".
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
				b.WriteString("[…]") // It could be anybody's number.
			}
		}
	}
	return b.String()
}

// readLocation reads a path, which is a list or a text with dots.
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

// decode fills e from the body of a response with a failing status: every error body that MoneyKit
// has, and FastAPI's own for a request that it cannot read. An odd member is left out, and takes
// nothing else with it. A body that is no JSON object leaves e as it is. known reports whether the
// document of the request has a name.
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

// addFields adds a list of fields, which have their path and their message under these names.
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
