package connect

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"

	"github.com/moneykit/moneykit-go"
)

// problem is an error as the front end gets it.
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
	reason  string          // for developers; it repeats nothing of the request
	err     error           // of the application, for the log only; may be nil
}

func (r *refusal) Error() string {
	if r.err != nil {
		return r.reason + ": " + r.err.Error()
	}
	return r.reason
}

// invalid returns the refusal of a body that the endpoint cannot use.
func invalid(message, reason string) *refusal {
	return &refusal{status: http.StatusUnprocessableEntity, code: "invalid_request", message: message, reason: reason}
}

// forbidden returns the refusal of a session by a hook.
func forbidden(hook string, err error) *refusal {
	return &refusal{
		status: http.StatusForbidden, code: "forbidden", message: "You cannot do this at the moment.",
		action: moneykit.ActionNone, reason: hook + " returned an error", err: err,
	}
}

// notStored returns the error of a hook for a link that MoneyKit has changed.
func notStored(message, hook, linkID string, err error) *refusal {
	return &refusal{
		status: http.StatusInternalServerError, code: "not_stored", message: message + " Please try again.",
		action: moneykit.ActionRetry, reason: hook + " returned an error", err: fmt.Errorf("link %s: %w", linkID, err),
	}
}

// problemFor returns what the front end is told about an error, and the HTTP status.
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
	if status == http.StatusUnprocessableEntity { // What the front end sent is not at fault; see refuseFields.
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

// refuseFields returns the refusal of the request if err says that one of the fields breaks a rule,
// which the front end has sent. Else it returns err: the application has set the other fields.
func refuseFields(err error, message string, fields ...string) error {
	var e *moneykit.Error
	if !errors.As(err, &e) || e.Code != moneykit.ErrorCodeValidationFailed {
		return err
	}
	for _, wrong := range e.Fields {
		switch {
		case !slices.Contains(fields, wrong.Field):
		case e.StatusCode == 0: // The rule is one of ours.
			return invalid(message, wrong.Field+" "+wrong.Message)
		default: // MoneyKit's words may repeat what was sent.
			return invalid(message, "MoneyKit does not accept "+wrong.Field)
		}
	}
	return err
}
