package connect

import (
	"errors"
	"math"
	"net/http"

	"github.com/moneykit/moneykit-go"
)

// problem is an error as the front end gets it.
type problem struct {
	Code       string          `json:"code"`
	Message    string          `json:"message"`
	Action     moneykit.Action `json:"action"`
	RetryAfter int             `json:"retry_after,omitempty"` // in seconds
}

// refusal is an error of the request or of the application, rather than of a call to MoneyKit. Its
// reason and error are for the log only.
type refusal struct {
	status int
	code   string
	reason string
	err    error // may be nil
}

func (r *refusal) Error() string {
	if r.err != nil {
		return r.reason + ": " + r.err.Error()
	}
	return r.reason
}

// invalid returns the refusal of a body that the endpoint cannot use.
func invalid(reason string, err error) error {
	return &refusal{http.StatusUnprocessableEntity, "invalid_request", reason, err}
}

func (r *refusal) problem() problem {
	p := problem{Code: r.code, Message: moneykit.ErrorCodeValidationFailed.UserMessage(), Action: moneykit.ActionFix}
	switch r.code {
	case "unauthenticated":
		p.Message, p.Action = "Please log in again.", moneykit.ActionNone
	case "forbidden":
		p.Message, p.Action = "You cannot do this at the moment.", moneykit.ActionNone
	case "not_stored":
		p.Action = moneykit.ActionRetry
	}
	return p
}

// problemFor returns what the front end is told about an error, and the HTTP status.
func problemFor(err error) (int, problem) {
	var refused *refusal
	if errors.As(err, &refused) {
		return refused.status, refused.problem()
	}
	status, action := moneykit.StatusFor(err), moneykit.ActionFor(err)
	p := problem{Code: codeFor(status, action), Message: moneykit.UserMessage(err), Action: action}
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
	case status == http.StatusUnprocessableEntity:
		return "invalid_request"
	case status != http.StatusConflict:
		return "unavailable"
	case action == moneykit.ActionNone:
		return "not_needed"
	case action == moneykit.ActionGone:
		return "expired"
	}
	return "not_connected"
}
