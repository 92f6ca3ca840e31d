package sqlstore

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"time"
)

// How long a statement or a transaction is repeated that the database has undone.
const (
	firstPause = 5 * time.Millisecond
	mostPause  = 250 * time.Millisecond
)

// retry runs f again while the database undoes it for no fault of its own.
func (s *Store) retry(ctx context.Context, f func() error) error {
	start := time.Now()
	for try := 1; ; try++ {
		err := f()
		// Time is what counts: with a busy timeout, SQLite has waited that long in each try.
		if err == nil || s.tx != nil || time.Since(start) > s.patience || !undone(err) {
			return err
		}
		if pause(ctx, backoff(try)) != nil {
			return err
		}
	}
}

// backoff returns a random pause, which grows with the number of tries.
func backoff(try int) time.Duration {
	most := min(firstPause<<min(try, 10), mostPause)
	return most/2 + rand.N(most/2) //nolint:gosec // no secret
}

// pause waits, or returns the error of ctx if it ends before.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// undone reports whether the database has rolled back what failed with err, and would do it if it
// were asked again. Drivers are known by what they have in common: PostgreSQL's by the method
// SQLState, SQLite's by the words of SQLite itself.
func undone(err error) bool {
	var state interface{ SQLState() string }
	if errors.As(err, &state) {
		switch state.SQLState() {
		case "40001", // serialization failure
			"40P01", // deadlock
			"25P03": // a transaction that paused for too long, see ApplyUpdate
			return true
		}
		return false
	}
	text := err.Error()
	return strings.Contains(text, "database is locked") || strings.Contains(text, "table is locked")
}
