package api

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// errorBody is the body of every refusal. DocumentationURL is always null, because MoneyKit's
// documentation URLs are not published.
type errorBody struct {
	Code             moneykit.ErrorCode `json:"error_code,omitempty"`
	Message          string             `json:"error_message"`
	DocumentationURL *string            `json:"documentation_url"`
	LinkError        moneykit.LinkError `json:"link_error_code,omitempty"`
	Problems         []problem          `json:"validation_errors,omitempty"`
}

// refusal returns why a request was refused, or "" if it was not.
func (rep *reply) refusal() string {
	body, ok := rep.value.(errorBody)
	if !ok || rep.status < http.StatusBadRequest {
		return ""
	}
	texts := []string{body.Message}
	for _, p := range body.Problems {
		texts = append(texts, p.where()+" "+p.Message)
	}
	return strings.Join(texts, "; ")
}

// where returns the location of a problem as a path, such as customer_user.id.
func (p problem) where() string {
	var names []string
	for _, at := range p.Location {
		names = append(names, fmt.Sprint(at))
	}
	if len(names) > 1 && names[0] == "body" {
		names = names[1:]
	}
	return strings.Join(names, ".")
}

// refuse returns a response with an error code. Without a code, the status is 500.
func refuse(code moneykit.ErrorCode, format string, args ...any) reply {
	return answer(statusOf(code), errorBody{Code: code, Message: fmt.Sprintf(format, args...)})
}

// badState returns the response for a link that cannot be used.
func badState(reason moneykit.LinkError) reply {
	return answer(statusOf(moneykit.ErrorCodeLinkBadState), errorBody{
		Code:      moneykit.ErrorCodeLinkBadState,
		Message:   world.Unusable(reason),
		LinkError: reason,
	})
}

// statusOf returns the status of MoneyKit's responses with a code.
func statusOf(code moneykit.ErrorCode) int {
	switch code {
	case moneykit.ErrorCodeInvalidTokenExchange, moneykit.ErrorCodeLinkBadConfig:
		return http.StatusBadRequest
	case moneykit.ErrorCodeExpiredAccessToken, moneykit.ErrorCodeUnauthorized, moneykit.ErrorCodeLinkUnauthorizedAccess:
		return http.StatusUnauthorized
	case moneykit.ErrorCodeLinkForbiddenAction, moneykit.ErrorCodeLinkSessionForbiddenConfig:
		return http.StatusForbidden
	case moneykit.ErrorCodeLinkNotFound, moneykit.ErrorCodeInstitutionNotFound:
		return http.StatusNotFound
	case moneykit.ErrorCodeLinkDeleted:
		return http.StatusGone
	case moneykit.ErrorCodeLinkBadState, moneykit.ErrorCodeValidationFailed:
		return http.StatusUnprocessableEntity
	case moneykit.ErrorCodeRateLimitExceeded:
		return http.StatusTooManyRequests
	}
	return http.StatusInternalServerError
}
