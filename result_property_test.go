package moneykit_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
)

// padded returns value with added members and items without meaning, at all depths: unknown ones,
// nulls and empty containers. It also adds known names that the object does not have.
func padded(r *rand.Rand, value any) any {
	nothing := func() any {
		return []any{nil, map[string]any{}, []any{}}[r.IntN(3)]
	}
	unknown := func() any {
		return []any{nil, map[string]any{}, []any{}, 7.5, "text", true, map[string]any{"deep": []any{map[string]any{"x": nil}}}}[r.IntN(7)]
	}
	switch v := value.(type) {
	case map[string]any:
		out := map[string]any{}
		for name, member := range v {
			out[name] = padded(r, member)
		}
		for range r.IntN(3) {
			out[fmt.Sprint("unknown_", r.IntN(100))] = unknown()
		}
		for _, name := range []string{
			"exchangeableToken", "exchangeable_token", "token", "link_id", "linkId", "linkIdentifier", "institution", "accounts",
			"selectedAccounts", "trackedScreens", "error", "linked", "relinked", "_0", "value", "data",
			"error_id", "errorId", "identifier", "displayed_message", "displayedMessage", "request_id", "requestId",
			"id", "name", "country", "mask",
		} {
			if _, there := out[name]; !there && r.IntN(8) == 0 {
				out[name] = nothing()
			}
		}
		return out
	case []any:
		out := []any{}
		for _, item := range v {
			out = append(out, padded(r, item))
		}
		for range r.IntN(3) {
			out = append(out, nothing())
		}
		return out
	}
	return value
}

// TestPaddingDoesNotChangeConnectResult pads each golden payload in many ways.
func TestPaddingDoesNotChangeConnectResult(t *testing.T) {
	t.Parallel()
	results := connectResults()
	for name, data := range goldens(t, "testdata/connect", results) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var value any
			require.NoError(t, json.Unmarshal(data, &value))
			want, err := moneykit.ParseConnectResult(data)
			require.NoError(t, err)
			r := rand.New(rand.NewPCG(uint64(len(name)), 11))
			for range 300 {
				more, err := json.Marshal(padded(r, value))
				require.NoError(t, err)
				got, err := moneykit.ParseConnectResult(more)
				require.NoError(t, err, "%s", more)
				require.Equal(t, want.Outcome, got.Outcome, "%s", more)
				require.Equal(t, want.ExchangeableToken, got.ExchangeableToken, "%s", more)
				require.Equal(t, want.LinkID, got.LinkID, "%s", more)
			}
		})
	}
}
