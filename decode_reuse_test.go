package moneykit_test

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
)

// TestMemoryOfBodies makes calls at the same time, of which some are retried, compressed or fail,
// and compares their results and captures when other calls have used the memory of their bodies.
func TestMemoryOfBodies(t *testing.T) {
	t.Parallel()
	page := func(n int) string {
		return strings.ReplaceAll(oneOdd(`"category":"c"`), "txn_", "txn_"+strconv.Itoa(n)+"_")
	}
	var before sync.Map // links that were asked for
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/links/mk_"), "/transactions"))
		body := page(n)
		_, again := before.LoadOrStore(n, true)
		w.Header().Set("Content-Type", "application/json")
		switch {
		case n%5 == 1 && !again:
			w.WriteHeader(http.StatusServiceUnavailable)
			body = `{"error_message":"` + strings.Repeat("x", len(body)) + `"}`
		case n%5 == 2 && !again: // The connection breaks.
			w.Header().Set("Content-Length", strconv.Itoa(len(body)))
			body = body[:len(body)/2]
		case n%5 == 3:
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			defer z.Close()
			io.WriteString(z, body)
			return
		case n%5 == 4:
			body = body[:len(body)-1]
		}
		io.WriteString(w, body)
	}))
	defer server.Close()
	client, err := moneykit.NewClient(testID, testSecret, moneykit.WithHeaderAuth(), moneykit.WithBaseURL(server.URL),
		moneykit.WithRetry(moneykit.RetryPolicy{MinWait: time.Microsecond}))
	require.NoError(t, err)

	const calls, callers = 40, 4
	var (
		pages    [calls]*moneykit.TransactionPage
		captured [calls]moneykit.Response
		errs     [calls]error
		done     sync.WaitGroup
	)
	for caller := range callers {
		done.Go(func() {
			for n := caller; n < calls; n += callers {
				pages[n], errs[n] = client.Transactions.List(t.Context(), "mk_"+strconv.Itoa(n), moneykit.TransactionListParams{},
					moneykit.CaptureResponse(&captured[n]))
			}
		})
	}
	done.Wait()
	for n := range calls {
		if n%5 == 4 {
			require.ErrorContains(t, errs[n], "not valid JSON")
			assert.Equal(t, page(n), string(captured[n].Body)+"}")
			continue
		}
		require.NoError(t, errs[n])
		assert.Equal(t, page(n), string(captured[n].Body))
		var want moneykit.TransactionPage
		require.NoError(t, json.Unmarshal([]byte(page(n)), &want))
		assert.Equal(t, &want, pages[n])
	}
}
