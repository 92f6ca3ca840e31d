package moneykittest_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// memoryTokens is a small source, which is correct without a mistake.
type memoryTokens struct {
	fetch   moneykittest.FetchToken
	mistake string

	turn  chan struct{} // holds one value while somebody fetches
	mu    sync.Mutex
	token moneykit.Token
	err   error
}

func (m *memoryTokens) Token(ctx context.Context, rejected string) (moneykit.Token, error) {
	if m.mistake == "ignores the context" {
		ctx = context.WithoutCancel(ctx)
	}
	if m.mistake != "fetches for each caller" {
		select {
		case m.turn <- struct{}{}:
			defer func() { <-m.turn }()
		case <-ctx.Done():
			return moneykit.Token{}, ctx.Err()
		}
	}
	m.mu.Lock()
	token, err := m.token, m.err
	m.mu.Unlock()
	if m.mistake == "keeps errors" && err != nil {
		return moneykit.Token{}, err
	}
	if m.mistake == "ignores rejections" {
		rejected = ""
	}
	if m.mistake == "fetches for a late rejection" && rejected != "" {
		token = moneykit.Token{}
	}
	expired := !token.Expiry.IsZero() && time.Now().After(token.Expiry)
	if m.mistake == "ignores the expiry" {
		expired = false
	}
	if m.mistake == "takes no expiry for an old one" && token.Expiry.IsZero() {
		expired = true
	}
	if token.AccessToken != "" && token.AccessToken != rejected && !expired {
		return token, nil
	}
	token, err = m.fetch(ctx)
	if m.mistake == "hides errors" && err != nil {
		err = errors.New("no token")
	}
	if m.mistake == "loses the expiry" {
		token.Expiry = time.Time{}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.err = err
	if err == nil {
		m.token = token
	}
	return token, err
}

// openTokens opens sources in memory. Sources of one store are the same, unless the mistake is that
// each has its own memory.
func openTokens(mistake string) func() func(moneykittest.FetchToken) moneykit.TokenSource {
	return func() func(moneykittest.FetchToken) moneykit.TokenSource {
		var one *memoryTokens
		return func(fetch moneykittest.FetchToken) moneykit.TokenSource {
			if one == nil || mistake == "shares nothing" {
				one = &memoryTokens{fetch: fetch, mistake: mistake, turn: make(chan struct{}, 1)}
			}
			return one
		}
	}
}

func TestTokenSourceSuite(t *testing.T) {
	t.Parallel()
	moneykittest.TokenSourceSuite(t, openTokens(""))
}

func TestTokenSourceSuiteFindsMistakes(t *testing.T) {
	t.Parallel()
	for mistake, finds := range map[string]string{
		"fetches for each caller":        "cause one fetch",
		"ignores the context":            "when its context ends",
		"keeps errors":                   "not cached",
		"hides errors":                   "an error of the fetch is returned",
		"ignores rejections":             "a token that one source has fetched", // the first case with a rejection
		"fetches for a late rejection":   "a token that one source has fetched",
		"ignores the expiry":             "an expired token is replaced",
		"takes no expiry for an old one": "a token without expiry is cached",
		"loses the expiry":               "a token is fetched once and cached",
		"shares nothing":                 "a token without expiry is cached", // the first case with two sources
	} {
		t.Run(mistake, func(t *testing.T) {
			t.Parallel()
			tb := &fakeTB{}
			moneykittest.TokenSourceSuite(tb, openTokens(mistake))
			require.NotEmpty(t, tb.errors)
			assert.Contains(t, strings.Join(tb.errors, "\n"), finds)
		})
	}
}
