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
	// MaxLife is how long MoneyKit allows to keep keys.
	MaxLife = 24 * time.Hour
	// unknownPause is the least time between a success and a request for an unknown key: anybody
	// can make up key ids.
	unknownPause = 5 * time.Minute
	// firstPause is the time after a failure, which doubles up to unknownPause.
	firstPause = 5 * time.Second
	// fetchTimeout bounds one request, whoever waits for it.
	fetchTimeout = 10 * time.Second
)

// Cache keeps the key set of one place. It asks again when the set has reached the age Life, and
// when it lacks a key; a set that cannot be replaced serves on to the age MaxLife. It keeps
// nothing about keys that it does not know. Its fields do not change once it is in use.
type Cache struct {
	Fetch func(context.Context) ([]byte, error)
	Now   func() time.Time
	Life  time.Duration

	mu      sync.Mutex
	set     *KeySet // nil before the first
	fetched time.Time
	next    time.Time // no request before
	failure error     // of the last request
	failed  int       // requests in a row
	flight  *flight.Flight[*KeySet]
	stats   Stats
}

// Stats counts what a Cache did.
type Stats struct {
	Requests int64 // for the key set
	Failures int64 // of those
	Unknown  int64 // signatures that named a key which the set does not have
	Keys     int   // in the set
	Skipped  int   // keys that are not of use
	Fetched  time.Time
}

// UnknownKeyError says that the key set does not have a key.
type UnknownKeyError struct {
	Age  time.Duration // of the set
	Wait time.Duration // until it may be asked for again; 0 if it was read for this key
}

func (e *UnknownKeyError) Error() string {
	if e.Wait <= 0 {
		return "the key set, just read, does not have the key"
	}
	return fmt.Sprintf("the key set, read %v ago, does not have the key, and is not read again for %v",
		e.Age.Round(time.Second), e.Wait.Round(time.Second))
}

// UnavailableError says that there is no key set to look a key up in.
type UnavailableError struct{ Err error }

func (e *UnavailableError) Error() string { return "the key set cannot be had: " + e.Err.Error() }

// Unwrap returns why.
func (e *UnavailableError) Unwrap() error { return e.Err }

// Key returns the key with that id. It fails with *UnknownKeyError, *UnavailableError or the error
// of ctx.
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

// lookUp returns the key, the request that may bring it, or why there is neither.
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
	case key != nil: // old, but good: nobody waits for the new one
		return key, nil, nil
	case c.flight != nil:
		return nil, c.flight, nil
	}
	return nil, nil, c.missing(c.next.Sub(now))
}

// current returns the set, nil if it is too old.
func (c *Cache) current() *KeySet {
	if c.set == nil || c.Now().Sub(c.fetched) >= MaxLife {
		return nil
	}
	return c.set
}

// missing returns why a key cannot be had. After a failure nobody knows whether it exists.
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

// land keeps what a request brought, and the old set when it brought nothing.
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

// Stats returns what was counted so far.
func (c *Cache) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stats
	s.Keys, s.Skipped = c.current().Len()
	s.Fetched = c.fetched
	return s
}
