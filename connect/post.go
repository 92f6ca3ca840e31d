package connect

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"

	"github.com/moneykit/moneykit-go"
)

const (
	// maxBody bounds the body of a post.
	maxBody = 64 << 10
	// maxResult bounds the body of a post to result: a result of at most 1 MiB, which contains
	// pictures of banks, and the members around it.
	maxResult = 1<<20 + 4<<10
)

// serveUser handles the post of a user. The body of r can be read again.
type serveUser func(r *http.Request, user moneykit.CustomerUser, body []byte) (any, error)

// post returns an endpoint for posts of users. It checks a request, finds its user and calls serve.
// It checks the origin before it calls Config.User, and the limit before it reads the body.
func (h *Handler) post(maxBody int64, serve serveUser) endpoint {
	return endpoint{http.MethodPost, func(w http.ResponseWriter, r *http.Request) (any, error) {
		if h.origins.Check(r) != nil {
			return nil, crossOrigin(r)
		}
		if err := checkType(r); err != nil {
			return nil, err
		}
		user, err := h.user(r)
		if err != nil {
			return nil, err
		}
		if err := h.limit(r.Context(), user.ID); err != nil {
			return nil, err
		}
		body, err := readBody(w, r, maxBody)
		if err != nil {
			return nil, err
		}
		r = r.WithContext(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(body))
		return serve(r, user, body)
	}}
}

// checkType accepts only JSON. Forms on pages of other origins can send other types.
func checkType(r *http.Request) error {
	given := r.Header.Get("Content-Type")
	kind, _, err := mime.ParseMediaType(given)
	if err == nil && kind == "application/json" {
		return nil
	}
	reason := "the header Content-Type must be application/json"
	if given == "" {
		reason = "the header Content-Type is missing; it must be application/json"
	}
	return &refusal{
		status: http.StatusUnsupportedMediaType, code: "unsupported_media_type",
		message: "The content type of the request must be application/json.", reason: reason,
	}
}

// user returns the user of a request.
func (h *Handler) user(r *http.Request) (moneykit.CustomerUser, error) {
	user, err := h.config.User(r)
	if err == nil && user.ID != "" {
		return user, nil
	}
	reason := "Config.User returned an error"
	if err == nil {
		reason = "Config.User returned a user without an ID"
	}
	return moneykit.CustomerUser{}, &refusal{
		status: http.StatusUnauthorized, code: "unauthenticated", message: "Please log in again.",
		action: moneykit.ActionNone, reason: reason, err: err,
	}
}

func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if r.Body == nil { // as in a request that net/http did not parse
		return nil, nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, &refusal{
			status: http.StatusRequestEntityTooLarge, code: "too_large", message: "This is too much data to send.",
			reason: fmt.Sprintf("the body has more than %d bytes", limit),
		}
	case err != nil:
		return nil, &refusal{
			status: http.StatusBadRequest, code: "invalid_request", action: moneykit.ActionRetry,
			message: "The request did not arrive completely. Please try again.", reason: "the body was cut off",
		}
	}
	return body, nil
}

// decode reads the JSON object that is the body of a request. The form describes an acceptable
// body.
func decode(body []byte, v any, form string) error {
	var (
		syntax *json.SyntaxError
		member *json.UnmarshalTypeError
	)
	if len(bytes.TrimSpace(body)) == 0 {
		return invalid("The request has no body.", "the body is missing; it must be "+form)
	}
	err := json.Unmarshal(body, v)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &syntax):
		return invalid("The request is not valid JSON.", fmt.Sprintf("the body is not valid JSON at byte %d; it must be %s", syntax.Offset, form))
	case errors.As(err, &member) && member.Field != "":
		return invalid("The request could not be read.", "the member "+member.Field+" has the wrong type; the body must be "+form)
	}
	return invalid("The request could not be read.", "the body must be "+form)
}
