package flight_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/internal/flight"
)

func TestFlight(t *testing.T) {
	t.Parallel()
	type key struct{}
	synctest.Test(t, func(t *testing.T) {
		first, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "kept"))
		landed := 0
		f := flight.Start(first, time.Minute, func(ctx context.Context) (string, error) {
			<-time.After(time.Second)
			text, _ := ctx.Value(key{}).(string)
			return text, ctx.Err()
		}, func(value string, err error) {
			landed++
			assert.Equal(t, "kept", value)
			assert.NoError(t, err)
		})
		cancel()
		_, err := f.Wait(first)
		require.ErrorIs(t, err, context.Canceled)
		value, err := f.Wait(t.Context())
		require.NoError(t, err, "it does not end with the first one's context")
		assert.Equal(t, "kept", value)
		assert.Equal(t, 1, landed, "before anybody is told")
	})
}

func TestFlightEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		f := flight.Start(t.Context(), time.Minute, func(ctx context.Context) (int, error) {
			<-ctx.Done()
			return 0, ctx.Err()
		}, func(int, error) {})
		_, err := f.Wait(t.Context())
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, time.Minute, time.Since(start))

		failure := errors.New("failed")
		f = flight.Start(t.Context(), time.Minute, func(context.Context) (int, error) { return 0, failure }, func(int, error) {})
		_, err = f.Wait(t.Context())
		require.ErrorIs(t, err, failure)

		for what, end := range map[string]func(){
			"panicked with a value of type string": func() { panic("boom") },
			"without a result":                     runtime.Goexit,
		} {
			f = flight.Start(t.Context(), time.Minute, func(context.Context) (int, error) { end(); return 0, nil }, func(_ int, err error) {
				assert.ErrorContains(t, err, what)
			})
			_, err = f.Wait(t.Context())
			require.ErrorContains(t, err, what)
		}
	})
}
