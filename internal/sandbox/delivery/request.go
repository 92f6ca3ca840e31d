package delivery

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// The headers of a webhook.
const (
	signatureHeader = "MoneyKit-Signature"
	tokenHeader     = "MoneyKit-Delivery-Token"
	attemptHeader   = "MoneyKit-Delivery-Attempt"
)

func webhookHeader(signature, token string, attempt int) http.Header {
	h := http.Header{}
	h.Set("Content-Type", "application/json")
	h.Set("User-Agent", "moneykittest")
	h.Set(signatureHeader, signature)
	h.Set(tokenHeader, token)
	h.Set(attemptHeader, strconv.Itoa(attempt))
	return h
}

// SignedRequest returns a webhook with any body, signed as MoneyKit does. target must be an http or
// https URL. If it is not, SignedRequest returns an error together with a request to another URL.
func (c *Courier) SignedRequest(target string, body []byte) (*http.Request, error) {
	var signature string
	var err error
	c.World.Do(func(_ *world.World, now time.Time) { signature, err = c.sign(body, now) })
	header := webhookHeader(signature, world.NewToken(), 1)
	var r *http.Request
	if err == nil {
		r, err = newWebhook(context.Background(), target, header, body)
	}
	if err != nil {
		r, _ = newWebhook(context.Background(), "https://moneykit.test/", header, body) // cannot fail
	}
	return r, err
}

// newWebhook returns the request of a webhook.
func newWebhook(ctx context.Context, target string, header http.Header, body []byte) (*http.Request, error) {
	u, err := url.Parse(target)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, errors.New("the webhook is no http or https URL")
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bodyReader(body))
	if err == nil {
		r.Header = header
	}
	return r, err
}

func bodyReader(body []byte) io.Reader { return bytes.NewReader(slices.Clone(body)) }
