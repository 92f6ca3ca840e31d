package moneykittest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/moneykit/moneykit-go"
)

// TokenSourceSuite tests that a [moneykit.TokenSource] keeps its contract, and reports violations
// with tb.Errorf. Run it with -race.
//
//	func TestTokens(t *testing.T) {
//		type fetch = moneykittest.FetchToken
//		moneykittest.TokenSourceSuite(t, func() func(fetch) moneykit.TokenSource {
//			return newStore(t).Tokens
//		})
//	}
//
// TokenSourceSuite calls open for each case. open returns a function that opens a source on an
// empty store. The suite opens two sources with it, as two processes would, and passes both the
// same function to fetch tokens. A source may call that function at any time from any goroutine. To
// test a source for one process, return the same source each time.
func TokenSourceSuite(tb TB, open func() func(FetchToken) moneykit.TokenSource) {
	tb.Helper()
	for _, tc := range tokenCases() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		c := &tokenCase{tb: tb, name: tc.name, ctx: ctx, life: time.Hour}
		source := open()
		c.one, c.other = source(c.fetch), source(c.fetch)
		tc.run(c)
		cancel()
		if c.failed { // Other cases might wait forever.
			return
		}
	}
}

// FetchToken fetches a token, as [moneykit.AuthService.CreateToken] does.
type FetchToken = func(context.Context) (moneykit.Token, error)

type tokenTest struct {
	name string
	run  func(*tokenCase)
}

func tokenCases() []tokenTest {
	return []tokenTest{
		{"a token is fetched once and cached", (*tokenCase).keeps},
		{"a token without expiry is cached", (*tokenCase).keepsForever},
		{"a token that one source has fetched is used by the other", (*tokenCase).shares},
		{"many concurrent callers cause one fetch", (*tokenCase).fetchesOnce},
		{"a rejected token is replaced", (*tokenCase).replaces},
		{"many callers with a rejected token cause one fetch", (*tokenCase).replacesOnce},
		{"an expired token is replaced", (*tokenCase).expires},
		{"an error of the fetch is returned, and not cached", (*tokenCase).fails},
		{"a call returns when its context ends", (*tokenCase).heedsContext},
		{"a canceled call does not fail the others", (*tokenCase).outlives},
	}
}

// tokenCase is one running case.
type tokenCase struct {
	tb         TB
	name       string
	ctx        context.Context
	one, other moneykit.TokenSource
	failed     bool

	mu      sync.Mutex
	fetches int
	life    time.Duration // of the tokens, 0 for no expiry
	failure error         // of the next fetches
	hold    chan struct{} // fetches wait until it is closed, if it is not nil
	began   chan struct{} // closed when the first fetch waits
}

// fetch makes up a token.
func (c *tokenCase) fetch(ctx context.Context) (moneykit.Token, error) {
	c.mu.Lock()
	c.fetches++
	n, life, failure, hold := c.fetches, c.life, c.failure, c.hold
	if hold != nil && c.began != nil {
		close(c.began)
		c.began = nil
	}
	c.mu.Unlock()
	<-time.After(shortLease / 10) // so that concurrent callers meet
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return moneykit.Token{}, ctx.Err()
		}
	}
	if failure != nil {
		return moneykit.Token{}, failure
	}
	token := moneykit.Token{AccessToken: tokenName(n)}
	if life != 0 {
		token.Expiry = time.Now().Add(life)
	}
	return token, nil
}

func tokenName(n int) string { return fmt.Sprintf("suite-token-%d", n) }

func (c *tokenCase) errorf(format string, args ...any) {
	c.tb.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failed = true
	c.tb.Errorf("moneykittest: %T: %s: "+format, append([]any{c.one, c.name}, args...)...)
}

// set changes what fetches do.
func (c *tokenCase) set(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
}

// token gets a token from a source, and reports an error if it is not the token of the wanted
// fetch.
func (c *tokenCase) token(source moneykit.TokenSource, rejected string, want int) {
	c.tb.Helper()
	got, err := source.Token(c.ctx, rejected)
	if err != nil {
		c.errorf("Token: %v", err)
	} else if got.AccessToken != tokenName(want) {
		c.errorf("Token returns %q, want %q", got.AccessToken, tokenName(want))
	}
}

// fetched reports an error if there were more or fewer fetches.
func (c *tokenCase) fetched(want int) {
	c.tb.Helper()
	c.mu.Lock()
	n := c.fetches
	c.mu.Unlock()
	if n != want {
		c.errorf("there were %d fetches, want %d", n, want)
	}
}

func (c *tokenCase) keeps() {
	for range 5 {
		c.token(c.one, "", 1)
	}
	c.fetched(1)
	got, err := c.one.Token(c.ctx, "")
	if left := time.Until(got.Expiry); err == nil && (left < c.life-time.Minute || left > c.life) {
		c.errorf("a token that is valid for %v is returned as valid for %v", c.life, left)
	}
}

func (c *tokenCase) keepsForever() {
	c.life = 0
	for range 5 {
		c.token(c.one, "", 1)
		c.token(c.other, "", 1)
	}
	c.fetched(1)
	if got, err := c.other.Token(c.ctx, ""); err == nil && !got.Expiry.IsZero() {
		c.errorf("a token without expiry is returned with an expiry")
	}
}

func (c *tokenCase) shares() {
	c.token(c.one, "", 1)
	c.token(c.other, "", 1)
	got, err := c.other.Token(c.ctx, "")
	if left := time.Until(got.Expiry); err == nil && (left < c.life-time.Minute || left > c.life+time.Minute) {
		c.errorf("a token that is valid for %v is valid for %v at the other source", c.life, left)
	}
	c.fetched(1)
	c.token(c.other, tokenName(1), 2)
	c.token(c.one, tokenName(1), 2)
	c.token(c.one, "", 2)
	c.fetched(2)
}

// together calls the sources from many goroutines.
func (c *tokenCase) together(rejected string, want int) {
	var group sync.WaitGroup
	for i := range 16 {
		group.Go(func() {
			if i%2 == 0 {
				c.token(c.one, rejected, want)
			} else {
				c.token(c.other, rejected, want)
			}
		})
	}
	group.Wait()
	c.fetched(want)
}

func (c *tokenCase) fetchesOnce() {
	c.together("", 1)
	c.together("", 1)
}

func (c *tokenCase) replaces() {
	c.token(c.one, "", 1)
	c.token(c.one, tokenName(1), 2)
	c.token(c.one, "", 2)
	c.token(c.one, tokenName(1), 2) // a late rejection of a token that was replaced
	c.fetched(2)
	c.token(c.one, tokenName(2), 3)
	c.token(c.one, "rejected by somebody else", 3)
	c.fetched(3)
}

func (c *tokenCase) replacesOnce() {
	c.token(c.one, "", 1)
	c.token(c.other, "", 1)
	c.together(tokenName(1), 2)
	c.together(tokenName(1), 2)
	c.together(tokenName(2), 3)
}

func (c *tokenCase) expires() {
	c.life = shortLease
	c.token(c.one, "", 1)
	<-time.After(2 * shortLease)
	c.set(func() { c.life = time.Hour })
	c.token(c.one, "", 2)
	c.token(c.other, "", 2)
	c.fetched(2)
}

func (c *tokenCase) fails() {
	failure := errors.New("no token today")
	c.set(func() { c.failure = failure })
	for n := 1; n <= 2; n++ {
		if _, err := c.one.Token(c.ctx, ""); !errors.Is(err, failure) {
			c.errorf("if the fetch fails, Token returns the error %v", err)
		}
	}
	c.fetched(2)
	c.set(func() { c.failure = nil })
	c.token(c.one, "", 3)
	c.set(func() { c.failure = failure })
	c.token(c.one, "", 3)
	if _, err := c.one.Token(c.ctx, tokenName(3)); !errors.Is(err, failure) {
		c.errorf("if the fetch for a rejected token fails, Token returns the error %v", err)
	}
	c.set(func() { c.failure = nil })
	c.token(c.one, tokenName(3), 5)
}

// held makes fetches wait. It returns a channel that is closed when a fetch waits, and a function
// that ends the wait.
func (c *tokenCase) held() (began <-chan struct{}, release func()) {
	hold, waits := make(chan struct{}), make(chan struct{})
	c.set(func() { c.hold, c.began = hold, waits })
	return waits, func() {
		c.set(func() { c.hold = nil })
		close(hold)
	}
}

func (c *tokenCase) heedsContext() {
	began, release := c.held()
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	gaveUp := make(chan error, 1)
	go func() {
		_, err := c.one.Token(ctx, "")
		gaveUp <- err
	}()
	c.awaits(began, "Token does not fetch")
	cancel()
	c.endsWithError(gaveUp)
	release()
	got, err := c.one.Token(c.ctx, "")
	if err != nil || got.AccessToken == "" {
		c.errorf("after a canceled call, Token returns the error %v", err)
	}
}

// patience limits how long a case waits for a source that may be broken.
const patience = 10 * time.Second

func (c *tokenCase) awaits(done <-chan struct{}, problem string) {
	c.tb.Helper()
	select {
	case <-done:
	case <-time.After(patience):
		c.errorf("%s", problem)
	}
}

func (c *tokenCase) endsWithError(call <-chan error) {
	c.tb.Helper()
	select {
	case err := <-call:
		if err == nil {
			c.errorf("the canceled call returns a token before there is one")
		}
	case <-time.After(patience):
		c.errorf("Token did not return when its context ended")
	}
}

func (c *tokenCase) outlives() {
	began, release := c.held()
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	gaveUp := make(chan error, 1)
	go func() {
		_, err := c.one.Token(ctx, "")
		gaveUp <- err
	}()
	c.awaits(began, "Token does not fetch")
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			source := c.one
			if i%2 == 0 {
				source = c.other
			}
			got, err := source.Token(c.ctx, "")
			if err != nil || got.AccessToken == "" {
				c.errorf("a call that waits for a token returns the error %v when another one is canceled", err)
			}
		})
	}
	cancel()
	c.endsWithError(gaveUp)
	release()
	group.Wait()
}
