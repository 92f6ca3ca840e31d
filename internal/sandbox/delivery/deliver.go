package delivery

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// timeout is the limit of one attempt. MoneyKit's timeout is not published.
const timeout = 10 * time.Second

// Course configures a call of [Courier.Deliver]. The zero value sends each webhook once, in order
// and one at a time.
type Course struct {
	Times    int // how often each webhook is sent, even after it was accepted; 0 means once
	Parallel int // number of concurrent requests; 0 means one
	// Reorder changes the order of n webhooks with swap. If nil, they are sent in the order in
	// which they became due.
	Reorder func(n int, swap func(i, j int))
}

// Reverse is a Reorder for a [Course] that reverses the order.
func Reverse(n int, swap func(i, j int)) {
	for i := range n / 2 {
		swap(i, n-1-i)
	}
}

// Deliver sends the webhooks that are due, and returns them after all attempts. Webhooks that are
// queued in the meantime wait for the next call.
func (c *Courier) Deliver(how Course) []Delivery {
	times := max(how.Times, 1)
	var due []*delivery
	c.World.Do(func(w *world.World, now time.Time) {
		if c.ctx.Err() == nil {
			c.catchUp(w, now)
			due = c.claim(now, times)
		}
	})
	var sends []*delivery
	for _, d := range due {
		sends = append(sends, slices.Repeat([]*delivery{d}, times)...)
	}
	if how.Reorder != nil {
		how.Reorder(len(sends), func(i, j int) { sends[i], sends[j] = sends[j], sends[i] })
	}
	queue := make(chan *delivery, len(sends))
	for _, d := range sends {
		queue <- d
	}
	close(queue)
	var workers sync.WaitGroup
	for range min(how.Parallel, len(sends)) - 1 { // this goroutine is a worker, too
		workers.Go(func() { c.attemptAll(queue) })
	}
	c.attemptAll(queue)
	workers.Wait()

	var out []Delivery
	c.World.Do(func(*world.World, time.Time) {
		seen := map[*delivery]bool{}
		for _, d := range sends {
			if !seen[d] && len(d.Attempts) > 0 {
				out = append(out, d.copy())
			}
			seen[d] = true
		}
	})
	return out
}

func (c *Courier) attemptAll(queue <-chan *delivery) {
	for d := range queue {
		c.attempt(d)
	}
}

// attempt sends a delivery once. The world is not locked during the request.
func (c *Courier) attempt(d *delivery) {
	var header http.Header
	var i int
	client := http.Client{
		Transport:     c.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	c.World.Do(func(_ *world.World, now time.Time) {
		if c.ctx.Err() != nil {
			c.release(d, now)
			return
		}
		i = len(d.Attempts)
		d.Attempts = append(d.Attempts, Attempt{At: now})
		if d.signature == "" || c.FreshSignatures {
			d.signature, _ = c.sign(d.Body, now) // cannot fail in practice; the receiver refuses an unsigned webhook
		}
		if c.receiver != nil {
			client.Transport = c.receiver
		}
		header = webhookHeader(d.signature, d.Token, i+1)
		if c.touched != nil { // save the attempt and the signature before the request is sent
			c.touched[d.Token] = true
		}
	})
	if header == nil {
		return
	}
	status, err := c.post(&client, d.URL, header, d.Body)
	c.World.Do(func(_ *world.World, now time.Time) {
		d.Attempts[i].Status, d.Attempts[i].Err = status, err
		if status >= 200 && status < 300 {
			d.accepted = true
		}
		c.release(d, now)
		c.touch(d)
	})
	var panicked panicError
	if errors.As(err, &panicked) {
		c.Errorf("attempt %d to deliver %s of %s: %v", i+1, d.Event, d.LinkID, err)
	} else if err != nil {
		c.Logf("attempt %d to deliver %s of %s: %v", i+1, d.Event, d.LinkID, err)
	} else if status < 200 || status >= 300 {
		c.Logf("attempt %d to deliver %s of %s: the response is %d", i+1, d.Event, d.LinkID, status)
	}
}

// post sends a webhook and returns the status of the response. Errors do not contain the URL.
func (c *Courier) post(client *http.Client, target string, header http.Header, body []byte) (int, error) {
	ctx, cancel := context.WithTimeout(c.ctx, timeout)
	defer cancel()
	r, err := newWebhook(ctx, target, header, body)
	if err != nil {
		return 0, err
	}
	resp, err := client.Do(r)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err
		}
		return 0, err
	}
	_, _ = io.CopyN(io.Discard, resp.Body, 1<<16) // the content does not matter
	_ = resp.Body.Close()
	return resp.StatusCode, nil
}

// Network returns a transport that keeps no idle connections.
func Network() http.RoundTripper { return network(nil) }

// Nearby returns a transport like [Network] that connects only to this machine and to private
// networks. It checks the resolved address of each connection.
func Nearby() http.RoundTripper {
	return network(func(_, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if ip := to.Addr().Unmap(); err != nil || (!ip.IsLoopback() && !ip.IsPrivate()) {
			return errors.New("the webhook is neither on this machine nor in a private network; see -deliver-anywhere")
		}
		return nil
	})
}

func network(control func(network, address string, c syscall.RawConn) error) http.RoundTripper {
	dialer := net.Dialer{Timeout: timeout, Control: control}
	return &http.Transport{
		DialContext: dialer.DialContext, TLSHandshakeTimeout: timeout, DisableKeepAlives: true,
		MaxResponseHeaderBytes: 1 << 16,
	}
}
