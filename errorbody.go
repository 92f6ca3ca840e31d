package moneykit

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/moneykit/moneykit-go/internal/plain"
)

// Bounds of what a response can put into an Error.
const (
	maxErrorText   = 2048
	maxFieldText   = 512
	maxFieldName   = 200
	maxErrorFields = 50
)

// errorBody is every error body that MoneyKit has, and FastAPI's own for a request that it
// cannot read.
type errorBody struct {
	Code             ErrorCode `json:"error_code"`
	Message          string    `json:"error_message"`
	DocumentationURL string    `json:"documentation_url"`
	LinkError        LinkError `json:"link_error_code"`
	Validation       []struct {
		Location location `json:"location"`
		Message  string   `json:"message"`
	} `json:"validation_errors"`
	Detail json.RawMessage `json:"detail"`
}

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
			fmt.Fprintf(&b, "[%.0f]", v)
		}
	}
	return b.String()
}

// decode fills e from the body of a response with a failing status. A body that is not MoneyKit's
// JSON leaves e as it is. known reports whether a name is one that the request's document has.
func (e *Error) decode(body []byte, known func(string) bool) {
	var parsed errorBody
	if json.Unmarshal(body, &parsed) != nil {
		return
	}
	e.Code = ErrorCode(plain.Cut(string(parsed.Code), 100))
	e.LinkError = LinkError(plain.Cut(string(parsed.LinkError), 100))
	e.Message = plain.Cut(parsed.Message, maxErrorText)
	e.DocumentationURL = plain.Cut(parsed.DocumentationURL, maxErrorText)
	for _, v := range parsed.Validation {
		e.addField(v.Location, v.Message, known)
	}
	var detail []struct {
		Location location `json:"loc"`
		Message  string   `json:"msg"`
	}
	if json.Unmarshal(parsed.Detail, &detail) == nil {
		for _, v := range detail {
			e.addField(v.Location, v.Message, known)
		}
	}
	if e.Code == "" && len(e.Fields) > 0 {
		e.Code = ErrorCodeValidationFailed
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
