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

// Classes of errors, for [errors.Is]. Most cover several codes; use an [ErrorCode] or a [LinkError]
// as the target to match a single one.
var (
	// ErrNotFound: there is no such link, account, transaction or institution.
	ErrNotFound = errors.New("moneykit: not found")
	// ErrUnauthorized: MoneyKit did not accept the credentials, or the link belongs to another
	// application.
	ErrUnauthorized = errors.New("moneykit: unauthorized")
	// ErrForbidden: the user did not permit the request, or the application may not make it.
	ErrForbidden = errors.New("moneykit: forbidden")
	// ErrRateLimited: too many requests. Retry after [Error.RetryAfter].
	ErrRateLimited = errors.New("moneykit: rate limited")
	// ErrRelinkRequired: the user must go through Connect again for this link.
	ErrRelinkRequired = errors.New("moneykit: relink required")
	// ErrLinkDeleted: the link was deleted, permanently.
	ErrLinkDeleted = errors.New("moneykit: link deleted")
	// ErrOutcomeUnknown: MoneyKit may have carried out the request, but the response was lost. The
	// client did not retry it. Check the state before making the request again.
	ErrOutcomeUnknown = errors.New("moneykit: outcome unknown")
)

// Error is the error of every method that calls MoneyKit. It describes one of
//
//   - an error response of MoneyKit;
//   - a response that does not come from MoneyKit, such as a proxy's page;
//   - a response that cannot be decoded;
//   - a missing response, such as after a timeout;
//   - a request that was not sent, because it breaks a published limit or a [Limiter] did not allow
//     it.
//
// [errors.Is] matches it with a class such as [ErrRelinkRequired], with its [ErrorCode] and with
// its [LinkError]. [errors.Is] and [errors.As] also match the cause, such as [context.Canceled].
// The class follows from Code and LinkError, and from StatusCode for 401, 403 and 429. An Error
// that a test makes by hand therefore matches like one from MoneyKit.
//
// Printing, logging or encoding an Error as JSON shows no secret and no data of the user. The text
// consists of this package's words, and of the text of errors that your own [TransactionStore]
// returns. MoneyKit's words are in Message, DocumentationURL and Fields, which may quote the
// request.
type Error struct { //nolint:recvcheck // A copy must not be printed with its fields.
	// Operation is the method and the path template, such as "GET /links/{id}".
	Operation string
	// StatusCode is the HTTP status, 0 if there was no response.
	StatusCode int
	// Code is MoneyKit's error code, or [ErrorCodeValidationFailed] for a request that was not sent
	// because it breaks a limit. It is empty if there is none.
	Code ErrorCode
	// Message is MoneyKit's explanation for developers. It may quote the request: do not log it
	// where personal data must not appear.
	Message string
	// DocumentationURL is the URL of MoneyKit's page about the error, empty if there is none.
	DocumentationURL string
	// LinkError is the reason why the link cannot be used. It comes with [ErrorCodeLinkBadState].
	LinkError LinkError
	// Fields lists the invalid fields of the request. It comes with [ErrorCodeValidationFailed].
	Fields []FieldError
	// RetryAfter is how long MoneyKit or a [Limiter] asks to wait, 0 if neither names a time.
	RetryAfter time.Duration
	// RequestID is the request id in the header of the response, empty if there is none.
	RequestID string
	// Attempts is how many times the request was sent.
	Attempts int

	class   error    // a sentinel that does not follow from a code
	why     string   // what happened, in this package's words
	details []string // the invalid fields, without their values
	unknown bool     // the request may or may not have been carried out
	page    int      // the number of a list's page, from 1; 0 for none
	err     error    // the cause
}

// FieldError says what is wrong with one field of a request.
type FieldError struct {
	// Field is the path of the field, with dots and indexes: "customer_user.id", "link_tags[2]".
	Field string
	// Message is the rule that the field breaks. MoneyKit's messages may quote the value.
	Message string
}

// Error returns one line: the operation, the status, the code and its meaning, the names of invalid
// fields, and the time to wait. It contains no text of the request or the response except names
// that this package knows.
func (e *Error) Error() string {
	parts := []string{"moneykit"}
	if e.Operation != "" {
		parts = append(parts, e.Operation)
	}
	var codes []string
	if e.StatusCode != 0 {
		codes = append(codes, strings.TrimSpace(strconv.Itoa(e.StatusCode)+" "+http.StatusText(e.StatusCode)))
	}
	if e.Code.Known() {
		codes = append(codes, string(e.Code))
	} else if e.Code != "" {
		codes = append(codes, "a code that this package does not know")
	}
	if e.LinkError.Known() {
		codes = append(codes, string(e.LinkError))
	} else if e.LinkError != "" {
		codes = append(codes, "a link error that this package does not know")
	}
	if len(codes) > 0 {
		parts = append(parts, strings.Join(codes, ", "))
	}
	if why := e.explain(); why != "" {
		parts = append(parts, why)
	}
	if len(e.details) > 0 {
		parts = append(parts, strings.Join(e.details, "; "))
	}
	if e.err != nil {
		parts = append(parts, e.err.Error())
	}
	text := strings.Join(parts, ": ")
	if notes := e.notes(); len(notes) > 0 {
		text += " (" + strings.Join(notes, ", ") + ")"
	}
	return plain.Line(text)
}

// explain returns what happened, in this package's words.
func (e *Error) explain() string {
	switch {
	case e.why != "":
		return e.why
	case e.err != nil:
		return ""
	}
	return e.advice().why
}

// notes returns the notes in parentheses at the end of the text.
func (e *Error) notes() []string {
	var notes []string
	if e.page > 0 {
		notes = append(notes, "page "+strconv.Itoa(e.page))
	}
	if e.unknown {
		notes = append(notes, "outcome unknown: the request may have been carried out")
	}
	if e.Attempts > 1 {
		notes = append(notes, fmt.Sprintf("after %d attempts", e.Attempts))
	}
	if e.RetryAfter > 0 {
		notes = append(notes, fmt.Sprintf("retry after %v", e.RetryAfter.Round(time.Second)))
	}
	if id := plain.Label(e.RequestID); e.RequestID != "" && id == e.RequestID {
		notes = append(notes, "request id "+id)
	}
	return notes
}

// Unwrap returns the cause: an error of the network, the context, the decoder or your own code.
func (e *Error) Unwrap() error { return e.err }

// Is reports whether e matches a class, an [ErrorCode] or a [LinkError].
func (e *Error) Is(target error) bool {
	switch t := target.(type) {
	case ErrorCode:
		return t != "" && e.Code == t
	case LinkError:
		return t != "" && e.LinkError == t
	}
	if target == nil {
		return false
	}
	if target == ErrOutcomeUnknown {
		return e.unknown
	}
	code := e.Code.advice().class
	if e.LinkError != "" && e.Code == ErrorCodeLinkBadState {
		code = nil // The reason decides.
	}
	return target == e.class || target == code || target == e.LinkError.advice().class || target == classOfStatus(e.StatusCode)
}

// classOfStatus returns the class of a status that has one without a code. 404 and 410 have none:
// callers delete data when a link is gone, so only MoneyKit's own code counts.
func classOfStatus(status int) error {
	switch status {
	case http.StatusUnauthorized:
		return ErrUnauthorized
	case http.StatusForbidden:
		return ErrForbidden
	case http.StatusTooManyRequests:
		return ErrRateLimited
	}
	return nil
}

// Format writes [Error.Error] for every verb of fmt, so that no verb shows MoneyKit's words.
// Format, LogValue and MarshalJSON have value receivers, so that a copy of an Error is protected as
// well.
func (e Error) Format(f fmt.State, verb rune) { plain.Format(f, verb, e.Error()) }

// LogValue returns the parts of [Error.Error] as a group for log/slog.
func (e Error) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("operation", e.Operation)}
	add := func(key, value string) {
		if value != "" {
			attrs = append(attrs, slog.String(key, value))
		}
	}
	if e.StatusCode != 0 {
		attrs = append(attrs, slog.Int("status", e.StatusCode))
	}
	if e.Code.Known() {
		add("code", string(e.Code))
	}
	if e.LinkError.Known() {
		add("link_error", string(e.LinkError))
	}
	add("request_id", plain.Label(e.RequestID))
	if e.RetryAfter > 0 {
		attrs = append(attrs, slog.Duration("retry_after", e.RetryAfter))
	}
	add("error", e.Error())
	return slog.GroupValue(attrs...)
}

// MarshalJSON returns [Error.Error] as a JSON string. It also keeps log/slog from writing the
// fields of an Error inside a slice.
func (e Error) MarshalJSON() ([]byte, error) { return json.Marshal(e.Error()) }

// Error returns the code as text, so that an ErrorCode can be the target of [errors.Is].
func (c ErrorCode) Error() string { return string(c) }

// Is reports whether target is the class of c.
func (c ErrorCode) Is(target error) bool { return target != nil && target == c.advice().class }

// Error returns the link error as text, so that a LinkError can be the target of [errors.Is].
func (l LinkError) Error() string { return string(l) }

// Is reports whether target is the class of l.
func (l LinkError) Is(target error) bool { return target != nil && target == l.advice().class }
