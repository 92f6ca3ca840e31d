package moneykit_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// oddTransport is a transport with the same result for all requests.
type oddTransport func() (*http.Response, error)

func (f oddTransport) RoundTrip(*http.Request) (*http.Response, error) { return f() }

// oddResponse is the result of a transport that violates the contract of http.RoundTripper, or that
// has met a proxy.
type oddResponse struct {
	response *http.Response
	err      error
	status   int  // of the error, 0 if it has none, 200 for none
	unknown  bool // whether a POST may have been carried out
}

func oddResponses() map[string]oddResponse {
	link := func(length int64, encoding ...string) *http.Response {
		r := &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(linkJSON)), ContentLength: length}
		if encoding != nil {
			r.Header = http.Header{"Content-Encoding": encoding}
		}
		return r
	}
	page := func(status int) *http.Response {
		return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader("<html>"))}
	}
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	_, _ = io.WriteString(w, linkJSON)
	_ = w.Close()
	return map[string]oddResponse{
		"nothing":                    {unknown: true},
		"neither response nor error": {response: &http.Response{}, unknown: true},
		"both":                       {response: link(-1), err: errors.New("both"), unknown: true},
		"an error with a long text":  {err: errors.New("canary\r\n\x1b[31m"), unknown: true},
		"no header":                  {response: link(-1), status: 200},
		"no header and a redirect":   {response: &http.Response{StatusCode: 307}, status: 307},
		"no header and a limit":      {response: &http.Response{StatusCode: 429}, status: 429},
		"no header and a failure":    {response: page(503), status: 503, unknown: true},
		"a proxy's refusal":          {response: page(407), status: 407},
		"an invalid status":          {response: page(99999), status: 99999, unknown: true},
		"a negative status":          {response: page(-1), status: -1, unknown: true},
		"a length that is too long":  {response: link(1 << 20), unknown: true},
		"a length that is too short": {response: link(3), status: 200},
		"a length beyond all limits": {response: link(1 << 62), unknown: true},
		"gzip without its header":    {response: &http.Response{StatusCode: 200, Body: io.NopCloser(&zipped)}, status: 200},
		"a gzip header without gzip": {response: link(-1, "gzip"), status: 200},
		"an unknown encoding":        {response: link(-1, "br"), unknown: true},
		"a redirect without a location": {
			response: &http.Response{StatusCode: 302, Header: http.Header{"Location": {"http://%zz"}}}, unknown: true,
		},
	}
}

// TestBrokenTransports checks that each result of a transport becomes an *Error and never a panic.
func TestBrokenTransports(t *testing.T) {
	t.Parallel()
	for name, tt := range oddResponses() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			odd := oddTransport(func() (*http.Response, error) {
				fresh := oddResponses()[name]
				return fresh.response, fresh.err
			})
			client := newClient(t, odd, moneykit.WithHeaderAuth(), moneykit.WithRetry(moneykit.RetryPolicy{MinWait: 1, MaxWait: 1}),
				moneykit.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))),
				moneykit.WithObserver(func(context.Context, moneykit.CallInfo) {}))
			var captured moneykit.Response
			_, err := client.Links.Get(t.Context(), "mk_1", moneykit.CaptureResponse(&captured))
			if tt.status == http.StatusOK {
				require.NoError(t, err)
				captured.Header.Set("X", "the captured header can be written")
				return
			}
			var e *moneykit.Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, tt.status, e.StatusCode)
			assert.NotContains(t, err.Error(), "canary")
			assert.NotContains(t, err.Error(), "\n")
			assert.NotContains(t, log.String(), "canary")

			_, err = client.LinkSessions.Exchange(t.Context(), "token_1")
			require.ErrorAs(t, err, &e)
			assert.Equal(t, tt.unknown, errors.Is(err, moneykit.ErrOutcomeUnknown), err)
		})
	}
}

// TestHTTPClientIsNotChanged checks that WithHTTPClient does not change the caller's client and
// transport.
func TestHTTPClientIsNotChanged(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t)
	id, secret := mk.Credentials()
	own := &http.Transport{}
	defer own.CloseIdleConnections()
	hc := &http.Client{Transport: own, Timeout: time.Minute}
	client, err := moneykit.NewClient(id, secret, moneykit.WithBaseURL(mk.URL()), moneykit.WithHTTPClient(hc))
	require.NoError(t, err)
	_, err = client.Institutions.List(t.Context(), moneykit.InstitutionListParams{})
	require.NoError(t, err)
	assert.Equal(t, http.Client{Transport: own, Timeout: time.Minute}, *hc)
	assert.Nil(t, own.DialContext)
	assert.Nil(t, own.HTTP2)
	assert.Nil(t, own.OnProxyConnectResponse)
	assert.Zero(t, own.MaxResponseHeaderBytes)
}
