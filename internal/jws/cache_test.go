package jws_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/internal/jws"
)

// jwk returns a new key and its JSON Web Key.
func jwk(t *testing.T, id string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	point, err := key.PublicKey.Bytes()
	require.NoError(t, err)
	return fmt.Sprintf(`{"kty":"EC","crv":"P-256","kid":%q,"x":%q,"y":%q}`, id,
		base64.RawURLEncoding.EncodeToString(point[1:33]), base64.RawURLEncoding.EncodeToString(point[33:]))
}

func set(keys ...string) string { return `{"keys":[` + strings.Join(keys, ",") + `]}` }

// source serves a key set that a test can change.
type source struct {
	mu    sync.Mutex
	set   string
	err   error
	delay time.Duration
	calls int
}

func (s *source) fetch(context.Context) ([]byte, error) {
	s.mu.Lock()
	s.calls++
	set, err, delay := s.set, s.err, s.delay
	s.mu.Unlock()
	<-time.After(delay)
	return []byte(set), err
}

func (s *source) change(set string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.set, s.err = set, err
}

func (s *source) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

func (s *source) cache() *jws.Cache {
	return &jws.Cache{Fetch: s.fetch, Now: time.Now, Life: 12 * time.Hour}
}

func has(t *testing.T, c *jws.Cache, id string) {
	t.Helper()
	key, err := c.Key(t.Context(), id)
	require.NoError(t, err, id)
	require.NotNil(t, key)
}

func TestCacheLife(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &source{set: set(jwk(t, "a"))}
		c := s.cache()
		assert.Zero(t, c.Stats())
		has(t, c, "a")
		<-time.After(12*time.Hour - time.Second)
		has(t, c, "a")
		assert.Equal(t, 1, s.count())

		s.change(set(jwk(t, "b")), nil)
		<-time.After(time.Second)
		has(t, c, "a") // at once, from the old set
		synctest.Wait()
		assert.Equal(t, 2, s.count())
		has(t, c, "b")
		_, err := c.Key(t.Context(), "a")
		require.ErrorContains(t, err, "does not have the key", "the withdrawn key is removed")
		assert.Equal(t, jws.Stats{Requests: 2, Unknown: 1, Keys: 1, Fetched: time.Now()}, c.Stats())
	})
}

func TestCacheUnknownKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &source{set: set(jwk(t, "a"))}
		c := s.cache()
		_, err := c.Key(t.Context(), "b")
		var unknown *jws.UnknownKeyError
		require.ErrorAs(t, err, &unknown)
		assert.Zero(t, unknown.Wait, "the set was fetched for this key")

		s.change(set(jwk(t, "a"), jwk(t, "b")), nil)
		<-time.After(4 * time.Minute)
		_, err = c.Key(t.Context(), "b")
		require.ErrorAs(t, err, &unknown)
		assert.Equal(t, time.Minute, unknown.Wait)
		assert.Equal(t, 4*time.Minute, unknown.Age)
		require.ErrorContains(t, err, "fetched 4m0s ago, does not have the key and is not refetched for 1m0s")
		assert.Equal(t, 1, s.count())

		<-time.After(time.Minute)
		has(t, c, "b")
		assert.Equal(t, 2, s.count())
	})
}

func TestCacheOneFlight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &source{set: set(jwk(t, "a")), delay: time.Second}
		c := s.cache()
		first, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() {
			_, err := c.Key(first, "a")
			done <- err
		}()
		synctest.Wait()
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				_, err := c.Key(t.Context(), "a")
				assert.NoError(t, err)
			})
		}
		synctest.Wait()
		cancel()
		require.ErrorIs(t, <-done, context.Canceled)
		wg.Wait()
		assert.Equal(t, 1, s.count())
	})
}

func TestCacheFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		down := errors.New("down")
		s := &source{err: down}
		c := s.cache()
		var unavailable *jws.UnavailableError
		_, err := c.Key(t.Context(), "a")
		require.ErrorAs(t, err, &unavailable)
		require.ErrorIs(t, err, down)
		for range 1000 {
			_, err := c.Key(t.Context(), "a")
			require.ErrorIs(t, err, down)
		}
		assert.Equal(t, 1, s.count(), "no fetch during the pause")
		start := time.Now()
		for time.Since(start) < time.Hour {
			<-time.After(time.Second)
			_, err := c.Key(t.Context(), "a")
			require.ErrorIs(t, err, down)
		}
		assert.Less(t, s.count(), 20, "the pauses grow")
		assert.Greater(t, s.count(), 12, "to five minutes")
		assert.EqualValues(t, s.count(), c.Stats().Failures)

		s.change("<html>", nil)
		<-time.After(5 * time.Minute)
		_, err = c.Key(t.Context(), "a")
		require.ErrorContains(t, err, "the key set is not valid JSON")

		s.change(set(jwk(t, "a"), `{"kty":"RSA"}`), nil)
		<-time.After(5 * time.Minute)
		has(t, c, "a")
		assert.Equal(t, 1, c.Stats().Skipped)
	})
}

// While refetches fail, the cache serves the old keys until they are 24 hours old.
func TestCacheKeepsOldKeys(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &source{set: set(jwk(t, "a"))}
		c := s.cache()
		has(t, c, "a")
		down := errors.New("down")
		s.change("", down)
		for range 24*60 - 1 {
			<-time.After(time.Minute)
			has(t, c, "a")
		}
		synctest.Wait()
		requests := s.count()
		assert.Greater(t, requests, 100, "it tries")
		assert.Less(t, requests, 200, "every five minutes")
		_, err := c.Key(t.Context(), "b")
		require.ErrorIs(t, err, down, "the key may exist")

		<-time.After(time.Minute)
		_, err = c.Key(t.Context(), "a")
		require.ErrorIs(t, err, down)
		s.change(set(jwk(t, "a")), nil)
		<-time.After(5 * time.Minute)
		has(t, c, "a")
	})
}

// Ten thousand made-up key ids cause one request to MoneyKit, and take no memory in the cache.
func TestCacheFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // alone, because it measures memory
		s := &source{set: set(jwk(t, "a"))}
		c := s.cache()
		has(t, c, "a")
		<-time.After(5 * time.Minute)
		var refused atomic.Int64
		flood := func(round int) {
			var wg sync.WaitGroup
			for worker := range 8 {
				wg.Go(func() {
					for i := range 10_000 / 8 {
						if _, err := c.Key(t.Context(), fmt.Sprintf("forged-%d-%d-%d", round, worker, i)); err != nil {
							refused.Add(1)
						}
						if i%50 == 0 {
							has(t, c, "a")
						}
					}
				})
			}
			wg.Wait()
		}
		flood(0)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		flood(1)
		runtime.GC()
		runtime.ReadMemStats(&after)
		assert.EqualValues(t, 20_000, refused.Load())
		assert.Equal(t, 2, s.count(), "one request for the flood")
		assert.Less(t, int64(after.HeapAlloc)-int64(before.HeapAlloc), int64(256<<10), "the cache stores no unknown key ids")
		assert.EqualValues(t, 20_000, c.Stats().Unknown)
	})
}
