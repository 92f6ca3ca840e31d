package moneykittest

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"
)

// deliveryTimeout bounds one attempt. MoneyKit's own is not published.
const deliveryTimeout = 10 * time.Second

// DeliverOption changes how [Server.Deliver] delivers.
type DeliverOption func(*course)

// course is how deliveries go.
type course struct {
	times    int
	parallel int
	reorder  func([]*delivery)
}

// Duplicated sends each webhook n times, even if the first is accepted. MoneyKit does that when an
// answer is lost; the attempts count on.
func Duplicated(n int) DeliverOption {
	return func(c *course) { c.times = max(n, 1) }
}

// Reversed sends what is due in the opposite order.
func Reversed() DeliverOption {
	return func(c *course) { c.reorder = slices.Reverse[[]*delivery] }
}

// Shuffled sends what is due in an order that depends on the seed alone, duplicates too.
func Shuffled(seed uint64) DeliverOption {
	return func(c *course) {
		c.reorder = func(all []*delivery) {
			shuffle(rand.New(rand.NewPCG(seed, 0)), all) //nolint:gosec // an order, no secret
		}
	}
}

// Concurrently sends up to n webhooks at the same time.
func Concurrently(n int) DeliverOption {
	return func(c *course) { c.parallel = max(n, 1) }
}

// Deliver sends the webhooks that are due by the server's clock, in the order in which they became
// so and one at a time, and returns them when all have been tried. What is queued meanwhile waits
// for the next call.
//
// A webhook is queued when the state of a link changes, when a product was refreshed or could not
// be, when there are transactions to sync, and by [moneykit.WebhooksService.SendTest], if the link
// has a webhook at that moment. It is accepted with a status of 2xx. With another, and
// without an answer within 10 seconds, it is due again after 10 seconds by the server's clock,
// after 20, and so on. It is tried for the last time two hours after the first attempt. Event, body,
// token and signature stay the same (but see [WithFreshSignatures]). Redirects are not followed.
// MoneyKit publishes neither the waits nor what it does with redirects.
func (s *Server) Deliver(opts ...DeliverOption) []Delivery {
	how := course{times: 1, parallel: 1}
	for _, opt := range opts {
		if opt != nil {
			opt(&how)
		}
	}
	return s.core().deliver(how)
}

func (c *core) deliver(how course) []Delivery {
	now := c.lock()
	var due []*delivery
	if !c.closed {
		c.catchUp(now)
		due = c.claim(now, how.times)
	}
	c.mu.Unlock()

	var sends []*delivery
	for _, d := range due {
		sends = append(sends, slices.Repeat([]*delivery{d}, how.times)...)
	}
	if how.reorder != nil {
		how.reorder(sends)
	}
	queue := make(chan *delivery, len(sends))
	for _, d := range sends {
		queue <- d
	}
	close(queue)
	var workers sync.WaitGroup
	for range min(how.parallel, len(sends)) - 1 { // this goroutine is one, too
		workers.Go(func() { c.attemptAll(queue) })
	}
	c.attemptAll(queue)
	workers.Wait()

	c.mu.Lock()
	defer c.mu.Unlock()
	var out []Delivery
	seen := map[*delivery]bool{}
	for _, d := range sends {
		if !seen[d] && len(d.Attempts) > 0 {
			out = append(out, d.public())
		}
		seen[d] = true
	}
	return out
}

func (c *core) attemptAll(queue <-chan *delivery) {
	for d := range queue {
		c.attempt(d)
	}
}

// attempt sends a delivery once. The state is not locked while it calls out.
func (c *core) attempt(d *delivery) {
	now := c.lock()
	if c.closed {
		c.release(d, now)
		c.mu.Unlock()
		return
	}
	i := len(d.Attempts)
	d.Attempts = append(d.Attempts, DeliveryAttempt{At: now})
	if d.signature == "" || c.cfg.freshSignatures {
		d.signature, _ = c.signature(d.Body, now) // it does not fail, and what is not signed is refused
	}
	header := webhookHeader(d.signature, d.Token, i+1)
	c.mu.Unlock()

	status, err := c.post(d.URL, header, d.Body)

	now = c.lock()
	d.Attempts[i].Status, d.Attempts[i].Err = status, err
	if status >= 200 && status < 300 {
		d.accepted = true
	}
	c.release(d, now)
	c.mu.Unlock()
	var panicked panicError
	if errors.As(err, &panicked) {
		c.errorf("attempt %d to deliver %s of %s: %v", i+1, d.Event, d.LinkID, err)
	} else if err != nil {
		c.logf("attempt %d to deliver %s of %s: %v", i+1, d.Event, d.LinkID, err)
	} else if status < 200 || status >= 300 {
		c.logf("attempt %d to deliver %s of %s: the answer is %d", i+1, d.Event, d.LinkID, status)
	}
}

// signature returns the signature of a body.
func (c *core) signature(body []byte, now time.Time) (string, error) {
	key, err := c.signingKey()
	if err != nil {
		return "", err
	}
	return key.sign(body, now)
}

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

// post sends a webhook and returns the status of the answer. Errors do not repeat the URL.
func (c *core) post(target string, header http.Header, body []byte) (int, error) {
	ctx, cancel := context.WithTimeout(c.ctx, deliveryTimeout)
	defer cancel()
	r, err := newWebhook(ctx, target, header, body)
	if err != nil {
		return 0, err
	}
	client := http.Client{
		Transport:     c.cfg.deliveries,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(r)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err
		}
		return 0, err
	}
	_, _ = io.CopyN(io.Discard, resp.Body, 1<<16) // what it says does not matter
	_ = resp.Body.Close()
	return resp.StatusCode, nil
}

// newNetwork returns a transport that leaves no connections behind.
func newNetwork() http.RoundTripper {
	dialer := net.Dialer{Timeout: deliveryTimeout}
	return &http.Transport{
		DialContext: dialer.DialContext, TLSHandshakeTimeout: deliveryTimeout, DisableKeepAlives: true,
		MaxResponseHeaderBytes: 1 << 16,
	}
}

// deliverAlways delivers until the server is closed.
func (c *core) deliverAlways() {
	for {
		c.deliver(course{times: 1, parallel: 1})
		now := c.lock()
		next, ok := c.nextDue()
		c.mu.Unlock()
		var alarm <-chan time.Time
		if ok { // not sooner, in case that the clock stands still
			alarm = time.After(max(next.Sub(now), 10*time.Millisecond))
		}
		select {
		case <-alarm:
		case <-c.wake:
		case <-c.done:
			return
		}
	}
}

// nudge tells deliverAlways that something may be due.
func (c *core) nudge() {
	select {
	case c.wake <- struct{}{}:
	default: // it has been told already, or does not run
	}
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
