package moneykit_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
)

func TestWait(t *testing.T) {
	t.Parallel()
	const before = "2023-02-16T09:00:00Z"
	link := func(state, accounts, identity string) httpmock.Responder {
		return answers(200, fmt.Sprintf(`{"link_id":"mk_1","state":%q,"error_code":"auth_expired","products":{"accounts":%s,"identity":%s}}`,
			state, accounts, identity))
	}
	old := `{"refreshed_at":"` + before + `","last_attempted_at":"` + before + `"}`
	done := `{"refreshed_at":"2023-02-16T10:00:00Z","last_attempted_at":"2023-02-16T10:00:00Z"}`
	failed := `{"refreshed_at":"` + before + `","last_attempted_at":"2023-02-16T10:00:00Z","error_code":"timeout"}`
	tests := []struct {
		name  string
		steps []httpmock.Responder
		after time.Duration
		is    error
		want  string // of the error
	}{
		{"both at the same time", []httpmock.Responder{link("connected", done, done)}, 0, nil, ""},
		{"one after the other", []httpmock.Responder{
			link("connected", old, "null"), link("connected", done, "null"), link("connected", done, old), link("connected", done, done),
		}, 15 * time.Second, nil, ""},
		{
			"one fails",
			[]httpmock.Responder{link("connected", done, old), link("connected", done, failed)},
			5 * time.Second, nil,
			"the refresh of identity failed: the data could not be fetched from the bank; temporary",
		},
		{"the link breaks", []httpmock.Responder{link("error", done, old)}, 0, moneykit.ErrRelinkRequired, "auth_expired"},
		{"the link is deleted", []httpmock.Responder{link("deleted", done, old)}, 0, moneykit.ErrLinkDeleted, ""},
		{"the link is not found", []httpmock.Responder{answers(404, `{"error_code":"link_error.not_found"}`)}, 0, moneykit.ErrNotFound, ""},
		{"the context ends", []httpmock.Responder{link("connected", old, old)}, 12 * time.Second, context.DeadlineExceeded, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				mock := newMock(t)
				n := 0
				mock.RegisterResponder(http.MethodGet, testBase+"/links/mk_1", func(r *http.Request) (*http.Response, error) {
					n++
					return tt.steps[min(n, len(tt.steps))-1](r)
				})
				client := newClient(t, mock)
				at, err := moneykit.ParseTimestamp(before)
				require.NoError(t, err)
				product := &moneykit.LinkedProduct{RefreshedAt: at, LastAttemptedAt: at}
				ctx, cancel := context.WithTimeout(t.Context(), 12*time.Second)
				if tt.after > 12*time.Second {
					ctx, cancel = context.WithTimeout(t.Context(), time.Minute)
				}
				defer cancel()
				start := time.Now()
				_, err = client.Products.Wait(ctx, &moneykit.Link{ID: "mk_1", Products: moneykit.LinkProducts{Accounts: product, Identity: product}},
					[]moneykit.Product{moneykit.ProductAccounts, moneykit.ProductIdentity})
				assert.Equal(t, tt.after, time.Since(start))
				if tt.is == nil && tt.want == "" {
					require.NoError(t, err)
					return
				}
				require.Error(t, err)
				require.ErrorContains(t, err, tt.want)
				if tt.is != nil {
					require.ErrorIs(t, err, tt.is)
				}
				<-time.After(time.Minute) // the token is fetched to its end
			})
		})
	}
}
