package moneykit

import (
	"errors"
	"fmt"
	"math"
	"net/http"
)

// connectProblem is an error as a front end gets it.
type connectProblem struct {
	Code       string `json:"code"`
	Message    string `json:"message"`
	Action     Action `json:"action"`
	RetryAfter int    `json:"retry_after,omitempty"` // in seconds
}

// refusal is a request that is not even looked into.
type refusal struct {
	status int
	code   string
	why    string
	err    error // the application's, for the log only
}

func (r *refusal) Error() string {
	if r.err != nil {
		return "the request is " + r.why + ": " + r.err.Error()
	}
	return "the request is " + r.why
}

func (r *refusal) Unwrap() error { return r.err }

// forbidden is a session that the application does not want.
type forbidden struct{ err error }

func (f *forbidden) Error() string { return "the application refused the session: " + f.err.Error() }
func (f *forbidden) Unwrap() error { return f.err }

// unstored is a link that the application could not store.
type unstored struct {
	linkID string
	err    error
}

func (u *unstored) Error() string { return fmt.Sprintf("storing the link %s: %v", u.linkID, u.err) }
func (u *unstored) Unwrap() error { return u.err }

// problemOf returns what a front end is told about an error.
func problemOf(err error) (int, connectProblem) {
	advice := adviceFor(err)
	problem := connectProblem{Message: advice.text, Action: advice.action}
	var (
		refused    *refusal
		notAllowed *forbidden
		notStored  *unstored
		e          *Error
	)
	switch {
	case errors.As(err, &refused):
		problem.Code, problem.Message, problem.Action = refused.code, sayTrouble, ActionFix
		if refused.status == http.StatusUnauthorized {
			problem.Message, problem.Action = "Please log in again.", ActionNone
		}
		return refused.status, problem
	case errors.As(err, &notAllowed):
		problem.Code, problem.Message, problem.Action = "forbidden", "You cannot do this at the moment.", ActionNone
		return http.StatusForbidden, problem
	case errors.As(err, &notStored):
		problem.Code, problem.Message, problem.Action = "not_stored", sayTrouble, ActionRetry
		return http.StatusInternalServerError, problem
	case errors.Is(err, ErrRateLimited) && errors.As(err, &e):
		problem.Code, problem.RetryAfter = "rate_limited", int(math.Ceil(e.RetryAfter.Seconds()))
		return http.StatusTooManyRequests, problem
	}
	for _, p := range []struct {
		is     error
		status int
		code   string
	}{
		{ErrLinkNotOwned, http.StatusNotFound, "not_found"},
		{ErrRelinkNotNeeded, http.StatusConflict, "not_needed"},
		{ErrLinkDeleted, http.StatusNotFound, "not_found"}, // it may have been another's
		{ErrNotFound, http.StatusNotFound, "not_found"},
		{ErrorCodeInvalidTokenExchange, http.StatusConflict, "expired"},
		{ErrorCodeLinkBadState, http.StatusConflict, "not_connected"},
		{ErrLinkConnecting, http.StatusConflict, "not_connected"},
		{ErrorCodeValidationFailed, http.StatusUnprocessableEntity, "invalid_request"},
	} {
		if errors.Is(err, p.is) {
			problem.Code = p.code
			return p.status, problem
		}
	}
	problem.Code = "unavailable"
	return http.StatusBadGateway, problem
}
