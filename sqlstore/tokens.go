package sqlstore

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/flight"
)

// Times of a token.
const (
	// tokenMargin: a token that is about to expire could do so on its way.
	tokenMargin = 10 * time.Second
	// tokenEarly: how long before that a token is renewed, while it still serves.
	tokenEarly = 5 * time.Minute
	// tokenPause: between early renewals, when one has failed or another process is at it.
	tokenPause = 10 * time.Second
	// tokenFetch bounds one fetch. The lease outlasts it, so that two processes fetch at once only
	// if one of them was paused.
	tokenFetch = 20 * time.Second
	tokenLease = tokenFetch + 5*time.Second
	// tokenWait bounds the wait of one source for a token: another process may hold the lease, and
	// end with it.
	tokenWait = time.Minute
	// tokenPoll is the longest pause between looks at what another process fetches.
	tokenPoll = 250 * time.Millisecond
)

// Tokens returns a [moneykit.TokenSource] that all processes share, for [moneykit.WithTokenSource].
// Only one of them at a time calls fetch, which is usually [moneykit.AuthService.CreateToken] of
// another client; the others wait for its token. If that process ends, another one takes over after
// 25 seconds. A token is renewed early, in the background.
//
// The source keeps the token in memory too. It asks the database only when that token is rejected
// or old. All clients get the same token, whatever their credentials, unless [Store.Application]
// keeps their applications apart.
//
// The table moneykit_tokens holds the access token, a secret: whoever can read it can use MoneyKit
// as your application until the token expires.
func (s *Store) Tokens(fetch func(context.Context) (moneykit.Token, error)) moneykit.TokenSource {
	outside := *s
	outside.tx = nil
	return &tokenSource{store: &outside, name: cmp.Or(s.app, "default"), fetch: fetch}
}

// tokenSource implements moneykit.TokenSource. Its times are durations that the database told, from
// moments on the monotonic clock of the process.
type tokenSource struct {
	store *Store
	name  string // of the row
	fetch func(context.Context) (moneykit.Token, error)

	mu     sync.Mutex
	token  sharedToken
	flight *flight.Flight[sharedToken] // nil when no renewal is under way
}

// sharedToken is a token and when it is renewed early, never if that is the zero time.
type sharedToken struct {
	moneykit.Token

	renew time.Time
}

func (t sharedToken) serves(now time.Time) bool {
	return t.AccessToken != "" && (t.Expiry.IsZero() || now.Before(t.Expiry.Add(-tokenMargin)))
}

// Token implements [moneykit.TokenSource].
func (c *tokenSource) Token(ctx context.Context, rejected string) (moneykit.Token, error) {
	for {
		token, own, err := c.next(ctx, rejected)
		// A renewal that another caller began may not know that the stored token was rejected.
		if err != nil || own || rejected == "" || token.AccessToken != rejected {
			return token, err
		}
	}
}

// next returns a token, and whether it comes from a renewal that this call began.
func (c *tokenSource) next(ctx context.Context, rejected string) (_ moneykit.Token, own bool, _ error) {
	if err := ctx.Err(); err != nil {
		return moneykit.Token{}, false, err
	}
	c.mu.Lock()
	if rejected != "" && c.token.AccessToken == rejected {
		c.token = sharedToken{}
	}
	token, now := c.token, time.Now()
	serves := token.serves(now)
	if c.flight == nil && (!serves || (!token.renew.IsZero() && now.After(token.renew))) {
		own = true
		c.flight = flight.Start(ctx, tokenWait, func(ctx context.Context) (sharedToken, error) {
			return c.renew(ctx, rejected, serves)
		}, c.land)
	}
	renewal := c.flight
	c.mu.Unlock()
	if serves {
		return token.Token, own, nil
	}
	renewed, err := renewal.Wait(ctx)
	return renewed.Token, own, err
}

// land keeps what a renewal brought.
func (c *tokenSource) land(token sharedToken, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.flight = nil
	if err == nil {
		c.token = token
	} else {
		c.token.renew = time.Now().Add(tokenPause)
	}
}

// renew returns a token other than the rejected one: what another process has stored, or one that
// it fetches itself. early says that the present token still serves; then it waits for nobody.
func (c *tokenSource) renew(ctx context.Context, rejected string, early bool) (sharedToken, error) {
	claim := rand.Text()
	for try := 1; ; try++ {
		token, due, err := c.load(ctx)
		if err != nil {
			return token, err
		}
		usable := token.serves(time.Now()) && token.AccessToken != rejected
		if usable && (!early || !due) {
			return token, nil
		}
		claimed, err := c.claim(ctx, claim, rejected)
		switch {
		case err != nil:
			return token, err
		case claimed:
			return c.fetchFor(ctx, claim)
		case early && usable: // Another process is renewing it.
			token.renew = time.Now().Add(tokenPause)
			return token, nil
		}
		if err := pause(ctx, min(backoff(try), tokenPoll)); err != nil {
			return token, fmt.Errorf("sqlstore: waiting for another process to fetch a token: %w", err)
		}
	}
}

// load reads the stored token. It reports whether it is due for renewal.
func (c *tokenSource) load(ctx context.Context) (token sharedToken, due bool, err error) {
	var expires, renew sql.NullInt64
	asked := time.Now()
	err = c.store.row(ctx, []any{&token.AccessToken, &expires, &renew},
		`SELECT access_token, expires_at - {now}, renew_at - {now} FROM moneykit_tokens WHERE name = $1`, c.name)
	if errors.Is(err, sql.ErrNoRows) { // It is the first token of the application.
		_, err = c.store.exec(ctx, `INSERT INTO moneykit_tokens (name, access_token, claim, leased_to) VALUES ($1, '', '', 0)
			ON CONFLICT (name) DO NOTHING`, c.name)
	}
	if err != nil {
		return sharedToken{}, false, wrap(err, "reading the token")
	}
	// Asked before the database answered, so that a slow answer makes no token look younger.
	if expires.Valid {
		token.Expiry = asked.Add(time.Duration(expires.Int64) * time.Millisecond)
	}
	if renew.Valid {
		token.renew = asked.Add(time.Duration(renew.Int64) * time.Millisecond)
	}
	return token, renew.Valid && renew.Int64 <= 0, nil
}

// claim claims the right to fetch, unless another process has it or has just stored a token.
func (c *tokenSource) claim(ctx context.Context, claim, rejected string) (bool, error) {
	n, err := c.store.exec(ctx, `UPDATE moneykit_tokens SET claim = $1, leased_to = {now} + $2
		WHERE name = $5 AND leased_to <= {now}
		AND (access_token = '' OR access_token = $3 OR expires_at <= {now} + $4 OR renew_at <= {now})`,
		claim, millis(tokenLease), rejected, millis(tokenMargin), c.name)
	return n == 1, wrap(err, "claiming the fetch of a token")
}

// fetchFor fetches a token and stores it, or gives the claim back.
func (c *tokenSource) fetchFor(ctx context.Context, claim string) (sharedToken, error) {
	fetching, cancel := context.WithTimeout(ctx, tokenFetch)
	defer cancel()
	landed := false
	defer func() {
		if !landed { // also if fetch panics
			c.giveBack(ctx, claim)
		}
	}()
	fetched, err := c.fetch(fetching)
	if err != nil {
		return sharedToken{}, err
	}
	token := sharedToken{Token: fetched}
	var expires, renew sql.NullInt64 // from now
	if !fetched.Expiry.IsZero() {
		now := time.Now()
		left := fetched.Expiry.Sub(now)
		life := left - tokenMargin
		early := max(life/2, life-tokenEarly)
		token.renew = now.Add(early)
		expires, renew = sql.NullInt64{Int64: left.Milliseconds(), Valid: true}, sql.NullInt64{Int64: early.Milliseconds(), Valid: true}
	}
	// If the claim has ended, another process has stored a token, and this one serves as well.
	_, err = c.store.exec(ctx, `UPDATE moneykit_tokens SET access_token = $1, expires_at = {now} + $2, renew_at = {now} + $3,
		claim = '', leased_to = 0 WHERE name = $5 AND claim = $4`, fetched.AccessToken, expires, renew, claim, c.name)
	if err != nil {
		return sharedToken{}, wrap(err, "storing the token")
	}
	landed = true
	return token, nil
}

// giveBack ends the claim, so that the next caller need not wait for the end of the lease.
func (c *tokenSource) giveBack(ctx context.Context, claim string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tokenLease-tokenFetch)
	defer cancel()
	_, _ = c.store.exec(ctx, `UPDATE moneykit_tokens SET claim = '', leased_to = 0 WHERE name = $2 AND claim = $1`, claim, c.name)
}
