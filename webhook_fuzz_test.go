package moneykit_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"errors"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
)

// FuzzParseUnverifiedEvent checks that an accepted event has the required fields of its type, and
// that its Raw is the whole body.
func FuzzParseUnverifiedEvent(f *testing.F) {
	for _, seed := range []string{
		eventJSON,
		`{"webhook_event":"link.product_refresh",` + common + `,"product":"identity","state":"failed","state_changed_at":"2026-03-01T11:59:00"}`,
		`{"webhook_event":"product.state_changed",` + common + `,"product":"identity","state":"completed"}`,
		`{"webhook_event":"transactions.updates_available",` + common + `,"has_history":true}`,
		`{"webhook_event":"transactions.updates_available","webhook_major_version":2}`,
		`{"webhook_event":"link.state_changed","webhook_event":"x"}`, `{"LINK_ID":1}`, `[]`, `{}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		before := bytes.Clone(body)
		event, err := moneykit.ParseUnverifiedEvent(body)
		require.Equal(t, before, body)
		if err != nil {
			require.ErrorIs(t, err, moneykit.ErrMalformedEvent)
			require.Nil(t, event)
			return
		}
		meta := event.Meta()
		require.Equal(t, body, meta.Raw)
		switch e := event.(type) {
		case *moneykit.LinkStateChanged:
			require.NotEmpty(t, e.State)
		case *moneykit.ProductRefreshed:
			require.NotEmpty(t, e.State)
			require.NotEmpty(t, e.Product)
		case *moneykit.TransactionsAvailable:
		case *moneykit.UnknownEvent:
			return
		default:
			t.Fatalf("an event of type %T", event)
		}
		require.NotEmpty(t, meta.LinkID)
		require.NotEmpty(t, meta.IdempotencyKey)
		require.Equal(t, 1, meta.Major)
	})
}

// fuzzKey is the same in each run, so that the corpus stays valid.
func fuzzKey(f *testing.F) *ecdsa.PrivateKey {
	f.Helper()
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), big.NewInt(20260301).FillBytes(make([]byte, 32)))
	require.NoError(f, err)
	return key
}

// FuzzWebhookHandler sends arbitrary deliveries to the handler. It must accept only signed bodies.
func FuzzWebhookHandler(f *testing.F) {
	key := fuzzKey(f)
	signing := b64(`{"alg":"ES256","kid":"key-1","typ":"JWT"}`) + "." + b64(claimsAt(hookTime(), eventJSON))
	genuine := signing + "." + b64(sign(f, key, []byte(signing)))
	keys := `{"keys":[` + jwkOf(f, key, "key-1") + `]}`
	f.Add(http.MethodPost, genuine, eventJSON, keys)
	f.Add(http.MethodPost, genuine, eventJSON+" ", keys)
	f.Add(http.MethodGet, genuine, eventJSON, keys)
	f.Add(http.MethodPost, genuine[:len(genuine)-4], eventJSON, keys)
	f.Add(http.MethodPost, b64(`{"alg":"none","kid":"key-1"}`)+"."+b64(claimsAt(hookTime(), eventJSON))+".", eventJSON, keys)
	f.Add(http.MethodPost, genuine, eventJSON, `{"keys":[{"kty":"EC"}]}`)
	f.Add(http.MethodPost, "", "", "")
	f.Fuzz(func(t *testing.T, method, token, body, keys string) {
		mock := httpmock.NewMockTransport()
		mock.RegisterResponder(http.MethodGet, keysURL, answers(http.StatusOK, keys))
		client, err := moneykit.NewClient(testID, testSecret, moneykit.WithBaseURL(testBase), moneykit.WithClock(hookTime),
			moneykit.WithHTTPClient(&http.Client{Transport: mock}), moneykit.WithLogger(slog.New(slog.DiscardHandler)))
		require.NoError(t, err)
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", bytes.NewReader([]byte(body)))
		r.Method = method
		r.Header.Set("MoneyKit-Signature", token)
		w := httptest.NewRecorder()
		called := false
		client.Webhooks.Handler(func(context.Context, moneykit.Event) error {
			called = true
			return nil
		}).ServeHTTP(w, r)
		require.Empty(t, w.Body.Bytes())
		switch w.Code {
		case http.StatusNoContent:
			require.True(t, called)
			require.Equal(t, http.MethodPost, method)
			if body != eventJSON {
				t.Fatal("nothing else was ever signed")
			}
			require.Equal(t, genuine[:len(signing)], token[:len(signing)])
		case http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusRequestEntityTooLarge, http.StatusServiceUnavailable:
			require.False(t, called)
		default:
			t.Fatal(w.Code)
		}
		if _, err := client.Webhooks.Verify(t.Context(), r.Header, []byte(body)); err != nil {
			known := false
			for _, class := range []error{
				moneykit.ErrNotSigned, moneykit.ErrInvalidSignature, moneykit.ErrStaleSignature, moneykit.ErrBodyMismatch,
				moneykit.ErrMalformedEvent, moneykit.ErrKeysUnavailable,
			} {
				known = known || errors.Is(err, class)
			}
			require.True(t, known, err)
		}
	})
}
