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

// Exchange exchanges an exchangeable token, which Connect passes to its success callback, for a
// link. Store [Link.ID] with your user: every later call needs it. Most programs want
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
		body.link.ID = body.linkID // the deprecated member for the id
	}
	if err == nil && body.link.ID == "" {
		err = &Error{Operation: r.operation, why: "the response contains no link id", unknown: true}
	}
	var e *Error
	if errors.As(err, &e) && e.unknown {
		e.details = append(e.details, "look for a new link with Users.Links")
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
	// ErrConnectExited: the user left Connect without a link. If there was an error, [errors.As]
	// finds it as a [*ConnectError].
	ErrConnectExited = errors.New("moneykit: the user left Connect without a link")
)

// FinishParams is the input of [LinkSessionsService.Finish]. Result and UserID are required.
type FinishParams struct {
	// Result is the result that the front end posted; see [ParseConnectResult].
	Result *ConnectResult
	// UserID is the id of the user whom the link must belong to: the id that the link session was
	// opened with. Take it from your own session, never from the front end.
	UserID string
	// LinkID is the id of the link that was relinked. If it is empty, Finish uses the link id of
	// Result, which not every platform reports.
	LinkID string
}

// String returns the outcome of the result, without the user and the token.
func (p FinishParams) String() string {
	if p.Result == nil {
		return "finish params without a result"
	}
	return "finish params: " + p.Result.String()
}

// Format writes [FinishParams.String] for every verb of fmt.
func (p FinishParams) Format(f fmt.State, verb rune) { plain.Format(f, verb, p.String()) }

// LogValue returns [FinishParams.String], for log/slog.
func (p FinishParams) LogValue() slog.Value { return slog.StringValue(p.String()) }

// MarshalText returns [FinishParams.String], for encoders such as the JSON handler of log/slog.
func (p FinishParams) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

const finishing = "finishing Connect"

const (
	// finishWait bounds how long Finish waits for a link to be connected.
	finishWait = 29 * time.Second // not a multiple of pollEvery, so that the last read has time to end
	// finishMemory is how long Finish remembers the link id of a token. It needs the link id if the
	// same result is posted again and contains only the token.
	finishMemory = 10 * time.Minute
)

// Finish turns a Connect result into a link of the user. It exchanges the token of a new link, or
// waits at most thirty seconds until a relinked link is connected. It checks with MoneyKit that the
// link is the user's, because the result comes from the user's device and proves nothing.
//
// Finish may be called again with the same result, whatever it returned before. If the token was
// exchanged before, or the response to the exchange was lost, Finish finds the link among the
// user's links by the link id or the accounts of the result, and returns it. For ten minutes the
// client also remembers the link of a token, so that Finish can be called again with a result that
// contains only a token.
//
// It returns an error that matches
//
//   - [ErrConnectExited] for a result without a link;
//   - [ErrLinkNotOwned] for a link of another user;
//   - [ErrorCodeInvalidTokenExchange] for a token that is unknown or expired;
//   - [ErrOutcomeUnknown] if the response to the exchange was lost and Finish cannot tell which of
//     the user's links is the new one;
//   - [ErrorCodeLinkBadState], with [Error.LinkError], if a relinked link stays in state error;
//   - [ErrLinkConnecting] if a relinked link is not connected yet;
//   - [ErrLinkDeleted] if the link was deleted;
//   - [ErrorCodeValidationFailed] if params has no result or no user, or if the result of a new
//     link has no token.
//
// Its reads are retried like any read. The exchange is retried after 429. If the response to the
// exchange is lost and the link still awaits the exchange, Finish exchanges the token once more.
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
	if result.Outcome != ConnectLinked { // Connect has used the relink session.
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

// finishRelink proves that a link is the user's and waits until it is connected.
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

// missesToken returns an error for a new link whose result has no exchangeable token. Without the
// exchange the link will never be connected, so waiting for it is useless.
func missesToken(link *Link) error {
	if link.State != LinkStateAwaitingTokenExchange {
		return nil
	}
	return invalid(finishing, []FieldError{{
		Field: "result", Message: "must have the exchangeable token: the link is new and awaits its exchange",
	}})
}

// owned returns an error unless a link is the user's. The error is the same for a link of another
// user and a link that does not exist.
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
	// The same result may be posted twice at the same time. The second call waits for the first.
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
		case lookErr != nil: // The token may be valid and exchanged before, so err would be wrong.
			return nil, lookErr
		case found == nil:
			return nil, err
		case found.State != LinkStateAwaitingTokenExchange:
			return found, nil
		case again || !lost:
			return nil, err
		}
		// The first exchange did not happen, so it may be retried once.
	}
}

// stillLost returns the error for an exchange whose response was lost and whose link could not be
// looked up because of err.
func stillLost(err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	lost := *e
	lost.unknown = true
	lost.details = append(slices.Clip(lost.details), "the link could not be looked up")
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

// prove returns an exchanged link if it is the user's. It remembers the link unless it belongs to
// another user, because the token cannot be exchanged again.
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

// userToken is a user and the hash of an exchangeable token. The token itself is not stored.
type userToken struct {
	user string
	hash [sha256.Size]byte
}

func newUserToken(userID, token string) userToken {
	return userToken{userID, sha256.Sum256([]byte(token))}
}

// exchanged returns the user's link that a result belongs to, nil if none or more than one fits.
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
		return nil, nil //nolint:nilnil // no link
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
		return nil, nil //nolint:nilnil // no link
	}
	return same[0], nil
}

// hasAccounts reports whether group contains all accounts of a result.
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
