package connect

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"

	"github.com/moneykit/moneykit-go"
)

// problem is the JSON of an error in a response.
type problem struct {
	Code       string          `json:"code"`
	Message    string          `json:"message"`
	Action     moneykit.Action `json:"action"`
	RetryAfter int             `json:"retry_after,omitempty"` // in seconds
	Detail     string          `json:"detail,omitempty"`      // with [Config.Development]
}

// refusal is an error of the request or of the application, rather than of a call to MoneyKit.
type refusal struct {
	status  int
	code    string
	message string          // a sentence for the user, or for a developer if no user can cause it
	action  moneykit.Action // ActionFix if empty
	reason  string          // for developers; contains nothing from the request
	err     error           // of the application, for the log only; may be nil
}

func (r *refusal) Error() string {
	if r.err != nil {
		return r.reason + ": " + r.err.Error()
	}
	return r.reason
}

// invalid returns the error for a body that the endpoint cannot use.
func invalid(message, reason string) *refusal {
	return &refusal{status: http.StatusUnprocessableEntity, code: "invalid_request", message: message, reason: reason}
}

// forbidden returns the error for a session that a hook has refused.
func forbidden(hook string, err error) *refusal {
	return &refusal{
		status: http.StatusForbidden, code: "forbidden", message: "You cannot do this at the moment.",
		action: moneykit.ActionNone, reason: hook + " returned an error", err: err,
	}
}

// notStored returns the error for a change of a link that MoneyKit has made and a hook has not
// stored.
func notStored(message, hook, linkID string, err error) *refusal {
	return &refusal{
		status: http.StatusInternalServerError, code: "not_stored", message: message + " Please try again.",
		action: moneykit.ActionRetry, reason: hook + " returned an error", err: fmt.Errorf("link %s: %w", linkID, err),
	}
}

// problemFor returns the HTTP status and the body of the response to an error.
func problemFor(err error) (int, problem) {
	var refused *refusal
	if errors.As(err, &refused) {
		p := problem{Code: refused.code, Message: refused.message, Action: refused.action, Detail: refused.reason}
		if p.Action == "" {
			p.Action = moneykit.ActionFix
		}
		return refused.status, p
	}
	status, action := moneykit.StatusFor(err), moneykit.ActionFor(err)
	if status == http.StatusUnprocessableEntity { // The front end's fields are valid; see refuseFields.
		status = http.StatusBadGateway
	}
	p := problem{Code: codeFor(status, action), Message: moneykit.UserMessage(err), Action: action, Detail: err.Error()}
	if status == http.StatusTooManyRequests {
		p.RetryAfter = int(math.Ceil(retryAfter(err).Seconds()))
	}
	return status, p
}

// codeFor returns the code of an error of a call to MoneyKit.
func codeFor(status int, action moneykit.Action) string {
	switch {
	case status == http.StatusTooManyRequests:
		return "rate_limited"
	case status == http.StatusForbidden:
		return "forbidden"
	case status == http.StatusNotFound:
		return "not_found"
	case status != http.StatusConflict:
		return "unavailable"
	case action == moneykit.ActionNone:
		return "not_needed"
	case action == moneykit.ActionGone:
		return "expired"
	}
	return "not_connected"
}

// refuseFields returns a refusal of the request if err reports that one of fields is invalid. The
// front end has sent these fields. The application has set all others, so for them refuseFields
// returns err unchanged.
func refuseFields(err error, message string, fields ...string) error {
	var e *moneykit.Error
	if !errors.As(err, &e) || e.Code != moneykit.ErrorCodeValidationFailed {
		return err
	}
	for _, wrong := range e.Fields {
		switch {
		case !slices.Contains(fields, wrong.Field):
		case e.StatusCode == 0: // The SDK has checked the field.
			return invalid(message, wrong.Field+" "+wrong.Message)
		default: // MoneyKit's message may repeat the value.
			return invalid(message, "MoneyKit does not accept "+wrong.Field)
		}
	}
	return err
}
