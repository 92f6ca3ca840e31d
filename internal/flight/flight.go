// Package flight lets several callers wait for one call.
package flight

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/moneykit/moneykit-go/internal/transport"
)

// Flight is a running call that several callers wait for. It does not end with the context of the
// caller that started it.
type Flight[T any] struct {
	done  chan struct{}
	value T
	err   error
}

// Start calls fetch in a new goroutine, for at most timeout. It passes the result to land before
// Wait returns it. If fetch panics or calls runtime.Goexit, the result is an error.
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

// panicError is the error for a fetch that panicked. It omits the value of the panic, which could
// be a secret.
type panicError string

func (e panicError) Error() string   { return string(e) }
func (e panicError) LogText() string { return string(e) }

// Wait returns the result of the call, or the error of ctx if ctx ends first.
func (f *Flight[T]) Wait(ctx context.Context) (T, error) {
	select {
	case <-f.done:
		return f.value, f.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}
