package moneykit

import (
	"context"
	"errors"
	"strings"
)

// Exchange turns the exchangeable token that Connect's success callback brings into a link.
// Store [Link.ID] with your user: it is what every later call needs.
//
// A token can be exchanged once. It fails with [ErrorCodeInvalidTokenExchange] when the token
// is unknown, expired or already exchanged, and [ErrUnauthorized].
//
// A request that MoneyKit may have received is not sent again. If its answer is lost, the error
// matches [ErrOutcomeUnknown]: look among the user's links (API operation get_user_links) for a
// new one before asking the user to start over. After 429, with which MoneyKit says that it did
// nothing, it is repeated.
//
// API operation: exchange_token (POST /link-session/exchange-token).
func (s *LinkSessionsService) Exchange(ctx context.Context, exchangeableToken string, opts ...CallOption) (*Link, error) {
	r, err := newExchangeTokenRequest(struct {
		Token string `json:"exchangeable_token"`
	}{exchangeableToken})
	if err != nil {
		return nil, err
	}
	if strings.TrimSpace(exchangeableToken) == "" {
		return nil, invalid(r.operation, []FieldError{{Field: "exchangeable_token", Message: "must not be empty"}})
	}
	r.secrets = []string{exchangeableToken}
	var body struct {
		LinkID string `json:"link_id"`
		Link   Link   `json:"link"`
	}
	err = s.core.do(ctx, r, &body, opts)
	if err == nil && body.Link.ID == "" {
		body.Link.ID = body.LinkID // the old place of the id
	}
	if err == nil && body.Link.ID == "" {
		err = &Error{Operation: r.operation, Message: "the answer holds no link id", unknown: true}
	}
	var e *Error
	if errors.As(err, &e) && e.unknown && e.Message == "" {
		e.Message = "whether the link was made shows among the user's links (get_user_links)"
	}
	if err != nil {
		return nil, err
	}
	return &body.Link, nil
}
