// Package flight lets many wait for one call.
package flight

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/moneykit/moneykit-go/internal/transport"
)

// Flight is a call under way. It serves everyone who waits, so it does not end with the context
// of whoever began it.
type Flight[T any] struct {
	done  chan struct{}
	value T
	err   error
}

// Start calls fetch in a goroutine of its own, for at most timeout, and land with what came of it
// before anybody who waits is told. A fetch that panics or exits has failed.
func Start[T any](ctx context.Context, timeout time.Duration, fetch func(context.Context) (T, error), land func(T, error)) *Flight[T] {
	f := &Flight[T]{done: make(chan struct{}), err: errors.New("fetching ended without a result")}
	go func() {
		ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), timeout, &transport.TimeoutError{After: timeout})
		defer cancel()
		defer func() {
			if value := recover(); value != nil {
				f.err = panicError(fmt.Sprintf("fetching panicked with a value of type %T", value))
			}
			land(f.value, f.err)
			close(f.done)
		}()
		f.value, f.err = fetch(ctx)
	}()
	return f
}

// panicError says that a fetch panicked, without the value: that could be anything.
type panicError string

func (e panicError) Error() string   { return string(e) }
func (e panicError) LogText() string { return string(e) }

// Wait returns what the call returned, or the error of ctx if that ends before.
func (f *Flight[T]) Wait(ctx context.Context) (T, error) {
	select {
	case <-f.done:
		return f.value, f.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}
