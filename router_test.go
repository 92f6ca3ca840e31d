package moneykit_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
)

func TestRouter(t *testing.T) {
	t.Parallel()
	called := ""
	failure := errors.New("failed")
	full := moneykit.Router{
		LinkStateChanged: func(_ context.Context, e *moneykit.LinkStateChanged) error {
			called = "link " + e.LinkID
			return failure
		},
		ProductRefreshed: func(_ context.Context, e *moneykit.ProductRefreshed) error {
			called = "product " + e.LinkID
			return failure
		},
		TransactionsAvailable: func(_ context.Context, e *moneykit.TransactionsAvailable) error {
			called = "transactions " + e.LinkID
			return failure
		},
		Default: func(_ context.Context, e moneykit.Event) error {
			called = "default " + e.Meta().LinkID
			return failure
		},
	}
	meta := moneykit.EventMeta{LinkID: "mk_1"}
	events := map[string]moneykit.Event{
		"link mk_1":         &moneykit.LinkStateChanged{EventMeta: meta},
		"product mk_1":      &moneykit.ProductRefreshed{EventMeta: meta},
		"transactions mk_1": &moneykit.TransactionsAvailable{EventMeta: meta},
		"default mk_1":      &moneykit.UnknownEvent{EventMeta: meta},
	}
	rest := moneykit.Router{Default: full.Default}
	var none moneykit.Router
	for want, event := range events {
		require.ErrorIs(t, full.Handle(t.Context(), event), failure)
		assert.Equal(t, want, called)
		require.ErrorIs(t, rest.Handle(t.Context(), event), failure)
		assert.Equal(t, "default mk_1", called)
		require.NoError(t, none.Handle(t.Context(), event), "of no interest")
	}
}
