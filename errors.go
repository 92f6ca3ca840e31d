package moneykit

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/moneykit/moneykit-go/internal/plain"
)

// Classes of errors, for [errors.Is]. Each covers several codes and statuses; ask for an
// [ErrorCode] or a [LinkError] where one of them matters alone.
var (
	// ErrNotFound: there is no such link, account, transaction or institution.
	ErrNotFound = errors.New("moneykit: not found")
	// ErrUnauthorized: the credentials, or the link's owner, were not accepted.
	ErrUnauthorized = errors.New("moneykit: unauthorized")
	// ErrForbidden: the user did not permit it, or the application may not ask for it.
	ErrForbidden = errors.New("moneykit: forbidden")
	// ErrRateLimited: too many requests; [Error.RetryAfter] says when to come back.
	ErrRateLimited = errors.New("moneykit: rate limited")
	// ErrRelinkRequired: the user must go through Connect again for this link.
	ErrRelinkRequired = errors.New("moneykit: relink required")
	// ErrLinkDeleted: the link was deleted; nothing brings it back.
	ErrLinkDeleted = errors.New("moneykit: link deleted")
	// ErrOutcomeUnknown: the request may have been carried out, but its answer was lost. The
	// client did not repeat it. Read the state before doing it again.
	ErrOutcomeUnknown = errors.New("moneykit: outcome unknown")
)

// Error is what every method of this package fails with: MoneyKit's own answer, another answer
// that should not have come from MoneyKit (a proxy's page), no answer at all, or a refusal to
// send what MoneyKit would refuse. It holds no secret and no data of the user.
//
// [errors.Is] matches it with a class such as [ErrRelinkRequired], with its [ErrorCode] and
// with its [LinkError]; [errors.Is] and [errors.As] see through it to what lies below, such as
// [context.Canceled].
type Error struct {
	// Operation is the method and the path template, such as "GET /links/{id}".
	Operation string
	// StatusCode is the HTTP status, 0 if there was no answer.
	StatusCode int
	// Code is MoneyKit's error code, or [ErrorCodeValidationFailed] for a request that was not
	// sent; empty if there is none.
	Code ErrorCode
	// Message is for developers, not for end users.
	Message string
	// DocumentationURL is where MoneyKit explains the error, if it says so.
	DocumentationURL string
	// LinkError is why the link cannot be used, with [ErrorCodeLinkBadState].
	LinkError LinkError
	// Fields lists what is wrong with the request, with [ErrorCodeValidationFailed].
	Fields []FieldError
	// RetryAfter is how long MoneyKit wants to be left alone, 0 if it did not say.
	RetryAfter time.Duration
	// RequestID is the answer's request id header, if it has one.
	RequestID string
	// Body is the beginning of an answer that is not MoneyKit's JSON, at most 512 bytes. It is kept
	// for requests without a body only, because such a page may repeat the request.
	Body string
	// Attempts is how often the request was sent.
	Attempts int

	unknown bool // the outcome is
	page    int  // of a list, from 1; 0 for none
	err     error
}

// FieldError says what is wrong with one field of a request.
type FieldError struct {
	Field   string // with dots and indexes, such as "customer_user.id" or "link_tags[2]"
	Message string
}

// Error returns one line with all that is known.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("moneykit: ")
	b.WriteString(e.Operation)
	sep := ": "
	write := func(s string) {
		if s != "" {
			b.WriteString(sep)
			b.WriteString(s)
			sep = ", "
		}
	}
	if e.StatusCode != 0 {
		write(strings.TrimSpace(strconv.Itoa(e.StatusCode) + " " + http.StatusText(e.StatusCode)))
	}
	write(string(e.Code))
	write(string(e.LinkError))
	sep = ": "
	write(e.Message)
	for _, f := range e.Fields {
		write(f.Field + " " + f.Message)
		sep = "; "
	}
	sep = ": "
	if e.err != nil {
		write(e.err.Error())
	}
	if e.Body != "" {
		write(strconv.Quote(e.Body))
	}
	sep = " ("
	if e.page > 0 {
		write(fmt.Sprintf("page %d", e.page))
	}
	if e.unknown {
		write("outcome unknown: the request may have been carried out")
	}
	if e.Attempts > 1 {
		write(fmt.Sprintf("after %d attempts", e.Attempts))
	}
	if e.RetryAfter > 0 {
		write(fmt.Sprintf("retry after %v", e.RetryAfter.Round(time.Second)))
	}
	if e.RequestID != "" {
		write("request id " + e.RequestID)
	}
	if sep == ", " {
		b.WriteString(")")
	}
	return b.String()
}

// Unwrap returns what lies below: the network's error, the context's, the decoder's.
func (e *Error) Unwrap() error { return e.err }

// Is matches e with a class, an [ErrorCode] or a [LinkError].
func (e *Error) Is(target error) bool {
	switch t := target.(type) {
	case ErrorCode:
		return t != "" && e.Code == t
	case LinkError:
		return t != "" && e.LinkError == t
	}
	switch target {
	case ErrNotFound:
		return e.Code == ErrorCodeLinkNotFound || e.Code == ErrorCodeInstitutionNotFound ||
			(e.StatusCode == http.StatusNotFound && e.recognised())
	case ErrUnauthorized:
		return e.StatusCode == http.StatusUnauthorized || e.Code == ErrorCodeUnauthorized
	case ErrForbidden:
		return e.StatusCode == http.StatusForbidden
	case ErrRateLimited:
		return e.StatusCode == http.StatusTooManyRequests
	case ErrLinkDeleted:
		return e.Code == ErrorCodeLinkDeleted || (e.StatusCode == http.StatusGone && e.recognised())
	case ErrRelinkRequired:
		return e.LinkError.relink()
	case ErrOutcomeUnknown:
		return e.unknown
	}
	return false
}

// LogValue groups the fields for log/slog.
func (e *Error) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("operation", e.Operation)}
	add := func(key, value string) {
		if value != "" {
			attrs = append(attrs, slog.String(key, value))
		}
	}
	if e.StatusCode != 0 {
		attrs = append(attrs, slog.Int("status", e.StatusCode))
	}
	add("code", string(e.Code))
	add("link_error", string(e.LinkError))
	add("request_id", e.RequestID)
	if e.RetryAfter > 0 {
		attrs = append(attrs, slog.Duration("retry_after", e.RetryAfter))
	}
	add("error", e.Error())
	return slog.GroupValue(attrs...)
}

// Error returns the code itself; it lets an ErrorCode be the target of [errors.Is].
func (c ErrorCode) Error() string { return string(c) }

// Error returns the code itself; it lets a LinkError be the target of [errors.Is].
func (l LinkError) Error() string { return string(l) }

// relink reports whether the user mends l by going through Connect again.
func (l LinkError) relink() bool {
	switch l {
	case LinkErrorAuthExpired, LinkErrorIncomplete, LinkErrorInvalidCredentials,
		LinkErrorUserError, LinkErrorUserInputIncorrect, LinkErrorUserOAuthDenied:
		return true
	case LinkErrorInstitutionError, LinkErrorNoAccounts, LinkErrorProviderError,
		LinkErrorSystemError, LinkErrorUserSetupRequired:
	}
	return false
}

// invalid returns the error of a request that is not sent, nil without fields.
func invalid(operation string, fields []FieldError) error {
	if len(fields) == 0 {
		return nil
	}
	return &Error{
		Operation: operation,
		Code:      ErrorCodeValidationFailed,
		Message:   "the request was not sent",
		Fields:    fields,
	}
}

// maxErrorSnippet bounds Error.Body, maxErrorText what else an answer can put into an error.
const (
	maxErrorSnippet = 512
	maxErrorText    = 2048
	maxErrorFields  = 50
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

// location is where a field stands: names and indexes.
type location []any

func (l location) String() string {
	var b strings.Builder
	for i, part := range l {
		switch v := part.(type) {
		case string:
			if i == 0 && v == "body" && len(l) > 1 {
				continue
			}
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(v)
		case float64:
			fmt.Fprintf(&b, "[%.0f]", v)
		}
	}
	return b.String()
}

// decode fills e from the body of an answer with a failing status. A body that is not MoneyKit's
// becomes e.Body. clean removes secrets; it sees all of a text before any is cut off, because
// half a secret would not be recognised.
func (e *Error) decode(body []byte, clean func(string) string) {
	var parsed errorBody
	if json.Unmarshal(body, &parsed) != nil || !e.take(&parsed, clean) {
		e.Body = plain.Cut(clean(string(body)), maxErrorSnippet)
	}
}

// recognised reports whether the answer was MoneyKit's own. A proxy's 404 must not pass for a
// missing link: callers delete data on that word.
func (e *Error) recognised() bool { return e.Body == "" && (e.Code != "" || e.Message != "") }

func (e *Error) take(parsed *errorBody, clean func(string) string) bool {
	e.Code = ErrorCode(plain.Cut(clean(string(parsed.Code)), 100))
	e.LinkError = LinkError(plain.Cut(clean(string(parsed.LinkError)), 100))
	e.Message = plain.Cut(clean(parsed.Message), maxErrorText)
	e.DocumentationURL = plain.Cut(clean(parsed.DocumentationURL), maxErrorText)
	for _, v := range parsed.Validation {
		e.addField(v.Location, v.Message, clean)
	}
	var detail []struct {
		Location location `json:"loc"`
		Message  string   `json:"msg"`
	}
	if json.Unmarshal(parsed.Detail, &detail) == nil {
		for _, v := range detail {
			e.addField(v.Location, v.Message, clean)
		}
	}
	if e.Code == "" && len(e.Fields) > 0 {
		e.Code = ErrorCodeValidationFailed
	}
	return e.Code != "" || e.Message != ""
}

func (e *Error) addField(at location, message string, clean func(string) string) {
	if len(e.Fields) < maxErrorFields {
		e.Fields = append(e.Fields, FieldError{
			Field:   plain.Cut(clean(at.String()), 200),
			Message: plain.Cut(clean(message), maxErrorSnippet),
		})
	}
}
