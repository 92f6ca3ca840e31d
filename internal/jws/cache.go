package jws

import (
	"context"
	"crypto/ecdsa"
	"fmt"
	"sync"
	"time"

	"github.com/moneykit/moneykit-go/internal/flight"
)

// Times of Cache.
const (
	// MaxLife is how long MoneyKit allows keys to be cached.
	MaxLife = 24 * time.Hour
	// unknownPause is the pause between a successful fetch and the next fetch for an unknown key.
	// It limits the requests that made-up key ids can cause.
	unknownPause = 5 * time.Minute
	// firstPause is the pause after a failed fetch. It doubles with each failure in a row, up to
	// unknownPause.
	firstPause = 5 * time.Second
	// fetchTimeout limits one fetch, independently of the contexts of its callers.
	fetchTimeout = 10 * time.Second
)

// Cache caches a key set. It refetches the set when the set has reached the age Life, or when it
// lacks a requested key. While refetches fail, it serves the old set up to the age MaxLife. It
// stores nothing about unknown key ids. Its exported fields must not change once it is in use.
type Cache struct {
	Fetch func(context.Context) ([]byte, error)
	Now   func() time.Time
	Life  time.Duration

	mu      sync.Mutex
	set     *KeySet // nil before the first successful fetch
	fetched time.Time
	next    time.Time // time before which no fetch starts
	failure error     // error of the last fetch, nil if it succeeded
	failed  int       // number of failed fetches in a row
	flight  *flight.Flight[*KeySet]
	stats   Stats
}

// Stats counts what a Cache did.
type Stats struct {
	Requests int64 // fetches of the key set
	Failures int64 // fetches that failed
	Unknown  int64 // lookups of keys that were not in the set
	Keys     int   // usable keys in the set
	Skipped  int   // unusable keys in the set
	Fetched  time.Time
}

// UnknownKeyError reports that the key set does not have a key.
type UnknownKeyError struct {
	Age  time.Duration // age of the set
	Wait time.Duration // time until the set may be refetched; 0 if it was fetched for this key
}

func (e *UnknownKeyError) Error() string {
	if e.Wait <= 0 {
		return "the key set, fetched just now, does not have the key"
	}
	return fmt.Sprintf("the key set, fetched %v ago, does not have the key and is not refetched for %v",
		e.Age.Round(time.Second), e.Wait.Round(time.Second))
}

// UnavailableError reports that the key set could not be fetched. Err is the cause.
type UnavailableError struct{ Err error }

func (e *UnavailableError) Error() string {
	return "the key set could not be fetched: " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *UnavailableError) Unwrap() error { return e.Err }

// Key returns the key with the id. It returns an *UnknownKeyError, an *UnavailableError or the
// error of ctx if there is none.
func (c *Cache) Key(ctx context.Context, id string) (*ecdsa.PublicKey, error) {
	key, request, err := c.lookUp(ctx, id)
	if key != nil || err != nil {
		return key, err
	}
	if _, err := request.Wait(ctx); err != nil && ctx.Err() != nil {
		return nil, ctx.Err()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if key := c.current().Key(id); key != nil {
		return key, nil
	}
	return nil, c.missing(0)
}

// lookUp returns the key if it is cached, else the running fetch that may find it. It returns an
// error if there is neither.
func (c *Cache) lookUp(ctx context.Context, id string) (*ecdsa.PublicKey, *flight.Flight[*KeySet], error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.Now()
	key := c.current().Key(id)
	if key != nil && now.Sub(c.fetched) < c.Life {
		return key, nil, nil
	}
	if c.flight == nil && !now.Before(c.next) {
		c.stats.Requests++
		c.flight = flight.Start(ctx, fetchTimeout, c.fetch, c.land)
	}
	switch {
	case key != nil: // The old key is still valid, so the caller does not wait for the fetch.
		return key, nil, nil
	case c.flight != nil:
		return nil, c.flight, nil
	}
	return nil, nil, c.missing(c.next.Sub(now))
}

// current returns the set, or nil if it is too old.
func (c *Cache) current() *KeySet {
	if c.set == nil || c.Now().Sub(c.fetched) >= MaxLife {
		return nil
	}
	return c.set
}

// missing returns the error for a missing key. If the last fetch failed, the key may still exist.
func (c *Cache) missing(wait time.Duration) error {
	if c.failure != nil {
		return &UnavailableError{c.failure}
	}
	c.stats.Unknown++
	return &UnknownKeyError{Age: c.Now().Sub(c.fetched), Wait: wait}
}

func (c *Cache) fetch(ctx context.Context) (*KeySet, error) {
	data, err := c.Fetch(ctx)
	if err != nil {
		return nil, err
	}
	return ParseKeySet(data)
}

// land stores the result of a fetch. It keeps the old set if the fetch failed.
func (c *Cache) land(set *KeySet, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.Now()
	c.flight, c.failure = nil, err
	if err != nil {
		c.stats.Failures++
		c.next = now.Add(min(firstPause<<min(c.failed, 10), unknownPause))
		c.failed++
		return
	}
	c.set, c.fetched, c.failed = set, now, 0
	c.next = now.Add(unknownPause)
}

// Stats returns the current counters.
func (c *Cache) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stats
	s.Keys, s.Skipped = c.current().Len()
	s.Fetched = c.fetched
	return s
}
