package moneykit_test

import (
	"bytes"
	"context"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
)

func TestResponseOf50MB(t *testing.T) {
	t.Parallel()
	for _, announced := range []bool{true, false} {
		var requests atomic.Int64
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			requests.Add(1)
			w.Header().Set("Content-Type", "application/json")
			if announced {
				w.Header().Set("Content-Length", "52428800")
			}
			chunk := bytes.Repeat([]byte(" "), 1<<20)
			for range 50 {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		}))
		client, err := moneykit.NewClient(testID, testSecret, moneykit.WithHeaderAuth(), moneykit.WithBaseURL(server.URL))
		require.NoError(t, err)
		_, err = client.Links.Get(t.Context(), "mk_1")
		require.ErrorContains(t, err, "response body is larger than 33554432 bytes")
		server.Close()
		assert.EqualValues(t, 1, requests.Load(), "it is not requested again")
	}
}

func TestWithMaxResponseBytes(t *testing.T) {
	t.Parallel()
	mock := newMock(t)
	mock.RegisterResponder(http.MethodGet, testBase+"/links/mk_1", answers(200, linkJSON))
	_, err := newClient(t, mock, moneykit.WithMaxResponseBytes(int64(len(linkJSON)))).Links.Get(t.Context(), "mk_1")
	require.NoError(t, err)
	_, err = newClient(t, mock, moneykit.WithMaxResponseBytes(100)).Links.Get(t.Context(), "mk_1")
	require.ErrorContains(t, err, "larger than 100 bytes")
}

func TestWithoutBounds(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.Method == http.MethodHead {
			w.Header().Set("Content-Length", "100")
			return
		}
		io.WriteString(w, linkJSON)
		w.(http.Flusher).Flush() // of unknown length
	}))
	defer server.Close()
	client, err := moneykit.NewClient(testID, testSecret, moneykit.WithHeaderAuth(), moneykit.WithBaseURL(server.URL),
		moneykit.WithMaxResponseBytes(math.MaxInt64))
	require.NoError(t, err)
	link, err := client.Links.Get(t.Context(), "mk_1")
	require.NoError(t, err)
	assert.Equal(t, "mk_1", link.ID)
	require.NoError(t, client.Do(t.Context(), http.MethodHead, "/links/mk_1", nil, nil))
}

func TestRequestTimeout(t *testing.T) {
	t.Parallel()
	hang := func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	synctest.Test(t, func(t *testing.T) {
		mock := newMock(t)
		mock.RegisterResponder(http.MethodPost, testBase+"/link-session/exchange-token", hang)
		start := time.Now()
		_, err := newClient(t, mock).LinkSessions.Exchange(t.Context(), "exchangeable-canary")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, moneykit.ErrOutcomeUnknown)
		require.ErrorContains(t, err, "no complete response within 1m0s")
		assert.Equal(t, time.Minute, time.Since(start))

		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		start = time.Now()
		_, err = newClient(t, mock).LinkSessions.Exchange(ctx, "exchangeable-canary")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 10*time.Minute, time.Since(start), "the caller's context wins")
	})
}

func TestClientOptions(t *testing.T) {
	t.Parallel()
	mock := newMock(t)
	var got http.Header
	mock.RegisterResponder(http.MethodGet, testBase+"/links/mk_1", func(r *http.Request) (*http.Response, error) {
		got = r.Header
		return answers(200, linkJSON)(r)
	})
	client := newClient(t, mock, moneykit.WithHeaderAuth(), moneykit.WithAPIVersion("2024-01-01"),
		moneykit.WithBaseURL(testBase+"/"))
	_, err := client.Links.Get(t.Context(), "mk_1")
	require.NoError(t, err)
	assert.Equal(t, testID, got.Get("X-Client-Id"))
	assert.Equal(t, testSecret, got.Get("X-Client-Secret"))
	assert.Empty(t, got.Get("Authorization"))
	assert.Equal(t, "2024-01-01", got.Get("MoneyKit-Version"))
	assert.Equal(t, 1, mock.GetTotalCallCount(), "no token is fetched")
}
