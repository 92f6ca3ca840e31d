package moneykit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/moneykit/moneykit-go/internal/flight"
	"github.com/moneykit/moneykit-go/internal/plain"
	"github.com/moneykit/moneykit-go/internal/transport"
	"github.com/moneykit/moneykit-go/internal/wirejson"
)

// Token is an access token. Printing it, logging it or encoding it as JSON shows only its expiry.
// An unexported field is the exception, as the package documentation explains. To store a token,
// store its fields.
type Token struct {
	AccessToken string
	Expiry      time.Time // the zero time if it is not known
}

// String shows when the token expires, not the token.
func (t Token) String() string { return "access token until " + t.Expiry.Format(time.RFC3339) }

// Format writes [Token.String] for every verb of fmt.
func (t Token) Format(f fmt.State, verb rune) { plain.Format(f, verb, t.String()) }

// LogValue returns [Token.String], for log/slog.
func (t Token) LogValue() slog.Value { return slog.StringValue(t.String()) }

// MarshalText returns [Token.String], for encoders such as the JSON handler of log/slog.
func (t Token) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// TokenSource returns access tokens. The client calls it before each attempt, from many goroutines,
// so an implementation must cache the token.
//
// The default source of a client fetches a token on first use, renews it in the background before
// it expires, and makes one request for any number of concurrent callers. Implement TokenSource to
// share a token between processes: read the token from a common store, and if there is none, fetch
// one with [AuthService.CreateToken] under a lock and store it.
type TokenSource interface {
	// Token returns a token for immediate use. If rejected is not empty, it is an access token that
	// MoneyKit has just refused as expired, and Token must return another one. Token returns when
	// ctx ends. The text of its errors is not shown, because it may contain a secret; errors.Is and
	// errors.As find the error.
	Token(ctx context.Context, rejected string) (Token, error)
}

// CreateToken fetches a new access token. Without scopes the token has all permissions of the
// application. The client fetches tokens by itself; only a [TokenSource] needs this method.
//
// It returns an error that matches [ErrUnauthorized] if the credentials are wrong. Retried like any
// read.
//
// API operation: create_access_token (POST /auth/token), 300 calls a minute.
func (s *AuthService) CreateToken(ctx context.Context, scopes ...string) (Token, error) {
	form := url.Values{
		"grant_type":    {"client_credentials"},
		"client_id":     {s.core.clientID},
		"client_secret": {s.core.secret()},
	}
	if len(scopes) > 0 {
		form.Set("scope", strings.Join(scopes, " "))
	}
	r := newCreateAccessTokenRequest(form)
	r.auth, r.when = authNone, transport.Always
	asked := time.Now()
	var body accessToken
	if err := s.core.do(ctx, r, &body, nil); err != nil {
		return Token{}, err
	}
	if body.token == "" || body.token != plain.Visible(body.token) {
		return Token{}, &Error{Operation: r.operation, why: "the response contains no usable access token"}
	}
	token := Token{AccessToken: body.token}
	if body.expiresIn > 0 {
		const year = 365 * 24 * 3600
		token.Expiry = asked.Add(time.Duration(min(body.expiresIn, year) * float64(time.Second)))
	}
	return token, nil
}

// accessToken is the response of CreateToken. A token is not a value to print, so the type is not
// generated.
type accessToken struct {
	token     string
	expiresIn float64 // seconds
}

func (t *accessToken) member(c *wirejson.Cursor, name []byte) bool {
	switch string(name) {
	case "access_token":
		c.Text(&t.token)
	case "expires_in":
		c.Float(&t.expiresIn)
	default:
		return false
	}
	return true
}

// Introspect returns the application that the client's credentials belong to, and their
// permissions. It returns an error that matches [ErrUnauthorized] if the credentials are wrong.
// Retried like any read.
//
// API operation: instrospect_client (GET /auth/introspect).
func (s *AuthService) Introspect(ctx context.Context, opts ...CallOption) (*AppClient, error) {
	return call[AppClient](ctx, s.core, newInstrospectClientRequest(), opts)
}

// authorize puts the credentials that the request needs into h. It is called before each attempt,
// because a token may expire during the wait between two attempts.
func (a *attempt) authorize(ctx context.Context, h http.Header) error {
	switch {
	case a.request.auth == authNone:
	case a.request.auth == authClientID:
		h.Set(headerClientID, a.core.clientID)
	case a.core.tokens == nil:
		h.Set(headerClientID, a.core.clientID)
		h.Set(headerClientSecret, a.core.secret())
	default:
		token, err := a.core.tokens.Token(ctx, a.rejected)
		if err != nil {
			return err
		}
		if token.AccessToken == "" || token.AccessToken != plain.Visible(token.AccessToken) {
			return &Error{Operation: a.request.operation, why: "the token source returned no usable access token"}
		}
		a.token, a.rejected = token.AccessToken, ""
		h.Set("Authorization", "Bearer "+token.AccessToken)
	}
	return nil
}

// tokenExpired reports whether the request may succeed with another access token. MoneyKit's schema
// allows it to refuse an expired token without any code.
func (a *attempt) tokenExpired(err error) bool {
	var e *Error
	return a.token != "" && errors.As(err, &e) && e.StatusCode == http.StatusUnauthorized &&
		e.Operation == a.request.operation && (e.Code == ErrorCodeExpiredAccessToken || e.Code == "")
}

// Times of tokenCache.
const (
	// tokenMargin is how long before its expiry a token is no longer used, because it could expire
	// before the request arrives.
	tokenMargin = 10 * time.Second
	// tokenEarly is how long before that a token is renewed in the background.
	tokenEarly = 5 * time.Minute
	// tokenPause is the pause before the next early renewal after one has failed.
	tokenPause = 10 * time.Second
	// tokenTimeout limits one renewal, regardless of the contexts of the callers that wait for it.
	tokenTimeout = time.Minute
)

// tokenCache is the default TokenSource of a client.
type tokenCache struct {
	fetch func(context.Context) (Token, error)

	mu     sync.Mutex
	token  Token
	renew  time.Time             // when an early renewal may start; zero for never
	flight *flight.Flight[Token] // nil when no renewal is under way
}

func (c *tokenCache) Token(ctx context.Context, rejected string) (Token, error) {
	c.mu.Lock()
	if c.token.AccessToken != "" && c.token.AccessToken == rejected {
		c.token = Token{}
	}
	token, now := c.token, time.Now()
	usable := token.AccessToken != "" &&
		(token.Expiry.IsZero() || now.Before(token.Expiry.Add(-tokenMargin)))
	if c.flight == nil && (!usable || (!c.renew.IsZero() && now.After(c.renew))) {
		c.flight = flight.Start(ctx, tokenTimeout, c.fetch, c.land)
	}
	renewal := c.flight
	c.mu.Unlock()
	if usable {
		return token, nil
	}
	return renewal.Wait(ctx)
}

// land stores the token of a finished renewal, or sets when the next one may start.
func (c *tokenCache) land(token Token, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.flight = nil
	if err == nil {
		c.token, c.renew = token, renewAt(token, time.Now())
	} else {
		c.renew = time.Now().Add(tokenPause)
	}
}

// renewAt returns when an early renewal of token may start: tokenEarly before it is no longer used,
// but not in the first half of its life. It returns the zero time for a token without expiry, which
// is never renewed early.
func renewAt(token Token, now time.Time) time.Time {
	if token.Expiry.IsZero() {
		return time.Time{}
	}
	life := token.Expiry.Add(-tokenMargin).Sub(now)
	return now.Add(max(life/2, life-tokenEarly))
}
