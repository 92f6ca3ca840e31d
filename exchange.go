package moneykit

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/moneykit/moneykit-go/internal/plain"
	"github.com/moneykit/moneykit-go/internal/wirejson"
)

// Exchange turns an exchangeable token, which Connect's success callback brings, into a link. Store
// [Link.ID] with your user: every later call needs it. Most programs want
// [LinkSessionsService.Finish], which also proves that the link is the user's.
//
// A token can be exchanged once. Exchange returns an error that matches
//
//   - [ErrorCodeInvalidTokenExchange] if the token is unknown, expired or already exchanged;
//   - [ErrOutcomeUnknown] if MoneyKit may have received the request and the response was lost: look
//     for a new link with [UsersService.Links] before asking the user to start over;
//   - [ErrUnauthorized].
//
// Retried only after 429.
//
// API operation: exchange_token (POST /link-session/exchange-token).
func (s *LinkSessionsService) Exchange(ctx context.Context, exchangeableToken string, opts ...CallOption) (*Link, error) {
	r := newExchangeTokenRequest(struct {
		Token string `json:"exchangeable_token"`
	}{exchangeableToken})
	if strings.TrimSpace(exchangeableToken) == "" {
		r.wrong.add("exchangeable_token", "must not be empty")
	}
	var body exchanged
	err := s.core.do(ctx, r, &body, opts)
	if err == nil && body.link.ID == "" {
		body.link.ID = body.linkID // the old place of the id
	}
	if err == nil && body.link.ID == "" {
		err = &Error{Operation: r.operation, why: "the response holds no link id", unknown: true}
	}
	var e *Error
	if errors.As(err, &e) && e.unknown {
		e.details = append(e.details, "whether the link was made shows among the user's links (Users.Links)")
	}
	if err != nil {
		return nil, err
	}
	return &body.link, nil
}

// exchanged is the response of Exchange.
type exchanged struct {
	linkID string
	link   Link
}

func (e *exchanged) member(c *wirejson.Cursor, name []byte) bool {
	switch string(name) {
	case "link_id":
		c.Text(&e.linkID)
	case "link":
		decodeObject(c, &e.link)
	default:
		return false
	}
	return true
}

// Errors of [LinkSessionsService.Finish], for [errors.Is].
var (
	// ErrLinkNotOwned: the link is not one of the user's. The front end may have posted another
	// user's result.
	ErrLinkNotOwned = errors.New("moneykit: the link is not the user's")
	// ErrConnectExited: the user left Connect without a link. With [errors.As] a [*ConnectError]
	// says why, if there was an error.
	ErrConnectExited = errors.New("moneykit: the user left Connect without a link")
)

// FinishParams is the input of [LinkSessionsService.Finish]. Result and UserID are required.
type FinishParams struct {
	// Result is the result that the front end posted; see [ParseConnectResult].
	Result *ConnectResult
	// UserID is the id of the user whom the link must belong to: the one that the link session was
	// opened with. Take it from your own session, never from the front end.
	UserID string
	// LinkID is the id of the link to be relinked. If it is empty, Finish uses the link id of
	// Result, which not every platform reports.
	LinkID string
}

// String names the link and the outcome, and leaves out the user and the token.
func (p FinishParams) String() string {
	if p.Result == nil {
		return "finish params without a result"
	}
	return "finish params: " + p.Result.String()
}

// Format writes [FinishParams.String] for every verb of fmt.
func (p FinishParams) Format(f fmt.State, verb rune) { plain.Format(f, verb, p.String()) }

// LogValue is [FinishParams.String], for log/slog.
func (p FinishParams) LogValue() slog.Value { return slog.StringValue(p.String()) }

// MarshalText is [FinishParams.String], for encoders such as that of log/slog.
func (p FinishParams) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

const finishing = "finishing Connect"

const (
	// finishWait bounds how long Finish waits for a link to be connected.
	finishWait = 29 * time.Second // not a multiple of pollEvery, so that the last read is not at the very end
	// finishMemory is how long Finish remembers the link of a token, which it needs if the same
	// result comes again: a result may have nothing but its token.
	finishMemory = 10 * time.Minute
)

// Finish turns a Connect result into a link of the user. It exchanges the token of a new link, or
// waits at most thirty seconds until a relinked link is connected. It checks with MoneyKit
// that the link is the user's: the result comes from the user's device and proves nothing.
//
// Finish may be called again with the same result, whatever it returned before. If the token was
// exchanged before, or the response to the exchange was lost, Finish finds the link among the
// user's links by the link id or the accounts of the result, and returns it. For ten minutes the
// client also remembers which link a token became, so that a result with nothing but a token can
// come again.
//
// It returns an error that matches
//
//   - [ErrConnectExited] for a result without a link;
//   - [ErrLinkNotOwned] for a link of another user;
//   - [ErrorCodeInvalidTokenExchange] for a token that is unknown or expired;
//   - [ErrOutcomeUnknown] if the response to the exchange was lost and the link cannot be told from
//     the user's other links;
//   - [ErrorCodeLinkBadState], with [Error.LinkError], if a relinked link stays in state error;
//   - [ErrLinkConnecting] if a relinked link is not connected yet;
//   - [ErrLinkDeleted] if the link was deleted;
//   - [ErrorCodeValidationFailed] if params lacks a result or a user, or if the result of a new
//     link lacks its token.
//
// API operations: exchange_token (POST /link-session/exchange-token), get_user_links (GET
// /users/{id}/links), get_user_accounts (GET /users/{id}/accounts), get_link (GET /links/{id}).
func (s *LinkSessionsService) Finish(ctx context.Context, params FinishParams, opts ...CallOption) (*Link, error) {
	var wrong fieldErrors
	result := params.Result
	if result == nil {
		wrong.add("result", "must not be nil")
	}
	wrong.userID("user_id", params.UserID)
	if err := invalid(finishing, wrong); err != nil {
		return nil, err
	}
	linkID := cmp.Or(params.LinkID, result.LinkID)
	if result.Outcome != ConnectLinked { // Connect has been opened with the relink session
		s.core.leftRelink(params.UserID, linkID)
	}
	switch result.Outcome {
	case ConnectLinked:
		return s.finishLink(ctx, params.UserID, result, opts)
	case ConnectRelinked:
		if linkID == "" {
			wrong.add("link_id", "must not be empty: the result does not name the relinked link")
		}
		if result.LinkID != "" && result.LinkID != linkID {
			wrong.add("link_id", "must be the link of the result")
		}
		if err := invalid(finishing, wrong); err != nil {
			return nil, err
		}
		return s.finishRelink(ctx, params.UserID, linkID, opts)
	case ConnectExited:
		exit := &Error{Operation: finishing, class: ErrConnectExited}
		if result.Err != nil {
			exit.err = result.Err
		}
		return nil, exit
	}
	wrong.add("result", "must have an outcome")
	return nil, invalid(finishing, wrong)
}

// finishRelink proves that a link is the user's and waits for it.
func (s *LinkSessionsService) finishRelink(ctx context.Context, userID, linkID string, opts []CallOption) (*Link, error) {
	if err := s.owned(ctx, userID, linkID, opts); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, finishWait)
	defer cancel()
	link, err := (&LinksService{s.core}).wait(ctx, linkID, missesToken, opts)
	if err != nil {
		return nil, err // without the link, which is not connected
	}
	return link, nil
}

// missesToken returns an error for a link that was posted without the exchangeable token that it
// needs: no wait would connect it.
func missesToken(link *Link) error {
	if link.State != LinkStateAwaitingTokenExchange {
		return nil
	}
	return invalid(finishing, []FieldError{{
		Field: "result", Message: "must have the exchangeable token: the link is new and awaits its exchange",
	}})
}

// owned fails unless a link is the user's. Whether another's exists is not told.
func (s *LinkSessionsService) owned(ctx context.Context, userID, linkID string, opts []CallOption) error {
	links, err := (&UsersService{s.core}).Links(ctx, userID, opts...)
	if err != nil {
		return err
	}
	if _, ok := links.Links[linkID]; !ok {
		return &Error{Operation: "proving the owner of a link", class: ErrLinkNotOwned}
	}
	return nil
}

func (s *LinkSessionsService) finishLink(ctx context.Context, userID string, result *ConnectResult, opts []CallOption) (*Link, error) {
	// The same result may come twice at once. The second waits for the link of the first.
	release, err := s.core.exchanging.Acquire(ctx, userID+"\x00"+result.ExchangeableToken)
	if err != nil {
		return nil, &Error{Operation: finishing, err: err}
	}
	defer release()
	for again := false; ; again = true {
		link, err := s.exchange(ctx, userID, result.ExchangeableToken, opts)
		if err == nil {
			return s.prove(ctx, userID, result.ExchangeableToken, link, opts)
		}
		lost := errors.Is(err, ErrOutcomeUnknown)
		if !lost && !errors.Is(err, ErrorCodeInvalidTokenExchange) {
			return nil, err
		}
		found, lookErr := s.exchanged(ctx, userID, result, opts)
		switch {
		case lookErr != nil && lost:
			return nil, stillLost(lookErr)
		case lookErr != nil: // the token is not known to be bad: it may have been exchanged before
			return nil, lookErr
		case found == nil:
			return nil, err
		case found.State != LinkStateAwaitingTokenExchange:
			return found, nil
		case again || !lost:
			return nil, err
		}
		// The exchange did not happen, and so may be tried once more.
	}
}

// stillLost returns the error of looking up the link of an exchange whose response was lost.
func stillLost(err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	lost := *e
	lost.unknown = true
	lost.details = append(slices.Clip(lost.details), "whether the link was made could not be looked up")
	return &lost
}

// exchange exchanges a token, or reads its link if it was exchanged before.
func (s *LinkSessionsService) exchange(ctx context.Context, userID, token string, opts []CallOption) (*Link, error) {
	linkID, ok := s.core.exchanged.Get(newUserToken(userID, token))
	if !ok {
		return s.Exchange(ctx, token, opts...)
	}
	link, err := (&LinksService{s.core}).Get(ctx, linkID, opts...)
	if err == nil && link.State == LinkStateDeleted {
		return nil, &Error{Operation: finishing, Code: ErrorCodeLinkDeleted}
	}
	return link, err
}

// prove returns a link that was exchanged, if it is the user's. It remembers the link, unless it is
// somebody else's: the token cannot be exchanged again.
func (s *LinkSessionsService) prove(ctx context.Context, userID, token string, link *Link, opts []CallOption) (*Link, error) {
	err := s.owned(ctx, userID, link.ID, opts)
	if !errors.Is(err, ErrLinkNotOwned) {
		s.core.exchanged.Put(newUserToken(userID, token), link.ID)
	}
	if err != nil {
		return nil, err
	}
	return link, nil
}

// userToken is a user and the hash of an exchangeable token: the token itself is not kept.
type userToken struct {
	user string
	hash [sha256.Size]byte
}

func newUserToken(userID, token string) userToken {
	return userToken{userID, sha256.Sum256([]byte(token))}
}

// exchanged returns the link of a result among the user's, nil if it cannot be told from others.
func (s *LinkSessionsService) exchanged(ctx context.Context, userID string, result *ConnectResult, opts []CallOption) (*Link, error) {
	links, err := (&UsersService{s.core}).Links(ctx, userID, opts...)
	if err != nil {
		return nil, err
	}
	var found []Link
	for id, link := range links.Links {
		link.ID = id
		switch {
		case link.State == LinkStateDeleted:
		case result.LinkID == id:
			return &link, nil
		case result.LinkID == "" && link.InstitutionID == result.Institution.ID:
			found = append(found, link)
		}
	}
	if len(found) == 0 || len(result.Accounts) == 0 {
		return nil, nil //nolint:nilnil // nothing tells which of them it is
	}
	accounts, err := (&UsersService{s.core}).Accounts(ctx, userID, UserAccountListParams{}, opts...)
	if err != nil {
		return nil, err
	}
	var same []*Link
	for _, link := range found {
		if hasAccounts(accounts.Links[link.ID], result.Accounts) {
			same = append(same, &link)
		}
	}
	if len(same) != 1 {
		return nil, nil //nolint:nilnil // as above
	}
	return same[0], nil
}

// hasAccounts reports whether all accounts of a result are in a group.
func hasAccounts(group AccountGroup, accounts []ConnectAccount) bool {
	ids := map[string]bool{}
	for _, a := range group.Accounts {
		ids[a.ID] = true
	}
	for _, a := range accounts {
		if !ids[a.ID] {
			return false
		}
	}
	return true
}
