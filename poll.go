package moneykit

import (
	"context"
	"time"
)

// pollEvery is the pause between polls. It keeps polls below MoneyKit's limit of 15 reads of a link
// a minute.
const pollEvery = 5 * time.Second

// pollPause waits until the next poll, or returns the error of ctx if ctx ends first.
func pollPause(ctx context.Context) error {
	timer := time.NewTimer(pollEvery)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
