package moneykit_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jarcoal/httpmock"

	"github.com/moneykit/moneykit-go"
)

// BenchmarkWebhook compares the verification of a webhook of 2 KB, and the whole handler, with
// nothing but the cryptography in them.
func BenchmarkWebhook(b *testing.B) {
	key := newKey(b)
	tags := strings.Repeat(`"`+strings.Repeat("a tag of a customer ", 4)+`",`, 20) + `"the last"`
	body := strings.Replace(eventJSON, `"a & b"`, tags, 1)
	signing := b64(`{"alg":"ES256","kid":"key-1","typ":"JWT"}`) + "." + b64(claimsAt(hookTime(), body))
	token := signing + "." + b64(sign(b, key, []byte(signing)))
	hash := sha256.Sum256([]byte(signing))
	der, err := ecdsa.SignASN1(rand.Reader, key, hash[:])
	if err != nil {
		b.Fatal(err)
	}
	mock := httpmock.NewMockTransport()
	mock.RegisterResponder(http.MethodGet, keysURL, answers(http.StatusOK, `{"keys":[`+jwkOf(b, key, "key-1")+`]}`))
	client, err := moneykit.NewClient(testID, testSecret, moneykit.WithBaseURL(testBase), moneykit.WithClock(hookTime),
		moneykit.WithHTTPClient(&http.Client{Transport: mock}))
	if err != nil {
		b.Fatal(err)
	}
	header, data := http.Header{"Moneykit-Signature": {token}}, []byte(body)
	handler := client.Webhooks.Handler(func(context.Context, moneykit.Event) error { return nil })
	ways := []struct {
		name string
		do   func(context.Context) error
	}{
		{"raw", func(context.Context) error {
			signed, sum := sha256.Sum256([]byte(signing)), sha256.Sum256(data)
			if sum == signed || !ecdsa.VerifyASN1(&key.PublicKey, signed[:], der) {
				return errors.New("not verified")
			}
			return nil
		}},
		{"verify", func(ctx context.Context) error {
			_, err := client.Webhooks.Verify(ctx, header, data)
			return err
		}},
		{"handler", func(ctx context.Context) error {
			w := httptest.NewRecorder()
			r := &http.Request{Method: http.MethodPost, Header: header, Body: io.NopCloser(bytes.NewReader(data)), ContentLength: int64(len(data))}
			handler.ServeHTTP(w, r.WithContext(ctx))
			if w.Code != http.StatusNoContent {
				return errors.New(http.StatusText(w.Code))
			}
			return nil
		}},
	}
	times := make([][]time.Duration, len(ways))
	ctx := b.Context()
	for turn := 0; b.Loop(); turn++ {
		for i := range ways {
			at := (i + turn) % len(ways) // whoever comes second finds caches warm: take turns
			start := time.Now()
			if err := ways[at].do(ctx); err != nil {
				b.Fatal(err)
			}
			times[at] = append(times[at], time.Since(start))
		}
	}
	median := func(at int) float64 {
		slices.Sort(times[at])
		return float64(times[at][len(times[at])/2])
	}
	b.ReportMetric(0, "ns/op") // of all three it would mean nothing
	b.ReportMetric(median(0)/1000, "raw-µs")
	b.ReportMetric(median(1)/median(0), "verify/raw")
	b.ReportMetric(median(2)/median(0), "handler/raw")
	for _, way := range ways {
		b.ReportMetric(mallocs(b, way.do), way.name+"-allocs")
	}
}
