package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/moneykit/moneykit-go"
)

func main() {
	c := &checks{host: os.Args[1], id: os.Args[2], secret: os.Args[3], link: os.Args[4]}
	c.run(context.Background())
	if c.failed {
		os.Exit(1)
	}
}

// checks makes the calls of a client, and records failures.
type checks struct {
	host, id, secret, link string

	failed bool
}

func (c *checks) run(ctx context.Context) {
	for _, way := range []string{"/plain", "/gzip", "/deflate", "/moved"} {
		client := c.client(c.host + way)
		link, err := client.Links.Get(ctx, c.link)
		c.expect(way+": get a link", err == nil && link.ID == c.link, err)
		_, err = client.LinkSessions.Create(ctx, moneykit.LinkSessionParams{
			CustomerUser: moneykit.CustomerUser{ID: "user_0001"}, RedirectURI: "https://example.com/oauth",
		})
		c.expect(way+": create a session", err == nil, err)
		_, err = client.Links.Get(ctx, "mk_unknown")
		c.expect(way+": get no link", errors.Is(err, moneykit.ErrNotFound), err)
	}
	client := c.client(c.host+"/plain", moneykit.WithHTTPClient(&http.Client{Transport: &http.Transport{}}))
	_, err := client.Accounts.List(ctx, c.link, moneykit.AccountListParams{})
	c.expect("a transport of the caller's", err == nil, err)

	var e *moneykit.Error
	_, err = c.client(c.host+"/stranger").Links.Get(ctx, c.link)
	c.expect("a redirect to another origin", errors.As(err, &e) && e.StatusCode == http.StatusTemporaryRedirect, err)
	_, err = c.client(c.host+"/slow", moneykit.WithHTTPClient(&http.Client{Timeout: time.Second})).Links.Get(ctx, c.link)
	c.expect("a timeout", errors.Is(err, context.DeadlineExceeded), err)
	short, cancel := context.WithCancel(ctx)
	time.AfterFunc(100*time.Millisecond, cancel)
	_, err = c.client(c.host+"/slow").Links.Get(short, c.link)
	c.expect("a call that is canceled", errors.Is(err, context.Canceled), err)
	_, err = c.client(c.host+"/broken").Links.Get(ctx, c.link)
	c.expect("a body that breaks off", err != nil, err)
	_, err = c.client("http://127.0.0.1:9").Links.Get(ctx, c.link)
	c.expect("a server that is not there", err != nil, err)
}

func (c *checks) client(base string, opts ...moneykit.Option) *moneykit.Client {
	opts = append(opts, moneykit.WithBaseURL(base), moneykit.WithRetry(moneykit.RetryPolicy{MaxRetries: -1}))
	client, err := moneykit.NewClient(c.id, c.secret, opts...)
	if err != nil {
		panic(err)
	}
	return client
}

func (c *checks) expect(what string, ok bool, err error) {
	result := "ok    "
	if !ok {
		result, c.failed = "FAILED", true
	}
	fmt.Println(result, what, "|", err)
}
