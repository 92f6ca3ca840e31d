package moneykit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"html/template"
	"io"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// fault responds to a request in place of MoneyKit, and may quote the request. If it returns
// neither a response nor an error, the request is passed on.
type fault func(n *nasty, r *http.Request, dump string) (*http.Response, error)

// nasty is a network whose responses and errors quote the request.
type nasty struct {
	base http.RoundTripper

	mu     sync.Mutex
	fault  fault // nil passes on
	faults int   // requests that it answered
	cancel context.CancelFunc
	tokens []string // access and link session tokens seen in answers
	log    bytes.Buffer
}

// Write receives the client's log.
func (n *nasty) Write(line []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.log.Write(line)
}

func (n *nasty) RoundTrip(req *http.Request) (*http.Response, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.fault != nil {
		dump, err := httputil.DumpRequestOut(req, true)
		if err != nil {
			return nil, err
		}
		n.faults++
		return n.fault(n, req, string(dump))
	}
	resp, err := n.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	var found struct {
		Access  string `json:"access_token"`
		Session string `json:"link_session_token"`
	}
	_ = json.Unmarshal(body, &found) // other answers have neither
	n.tokens = append(n.tokens, found.Access, found.Session)
	return resp, nil
}

// page returns a response whose header contains the body as well.
func page(status int, contentType, body string) (*http.Response, error) {
	return &http.Response{
		StatusCode: status, ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(body)),
		Header: http.Header{
			"Content-Type": {contentType}, "Retry-After": {"9999999999"},
			"Location": {"https://evil.example/?" + body}, "X-Request-Id": {"req_1"},
		},
	}, nil
}

// canaryPage returns a fault that responds with a page. In its body, %s stands for the request and
// %q for the request as JSON.
func canaryPage(status int, contentType, body string) fault {
	return func(_ *nasty, _ *http.Request, dump string) (*http.Response, error) {
		quoted, err := json.Marshal(dump)
		if err != nil {
			return nil, err
		}
		return page(status, contentType, strings.NewReplacer("%s", dump, "%q", string(quoted)).Replace(body))
	}
}

// Marked values that must not appear in any text.
const (
	canarySecret = "canary/secret+0001"
	canaryEmail  = "canary.jane+0002@example.com"
	canaryPhone  = "+617555000003"
	canaryUser   = "canary.user.0005@example.com"
)

// canaryFaults returns all failures of a request.
func canaryFaults() map[string]fault {
	const plain = "application/json"
	return map[string]fault{
		"none":                  nil,
		"HTML 502":              canaryPage(502, "text/html", "<pre>%s"),
		"a secret early":        canaryPage(500, "text/plain", "%s%s"),
		"200 with text":         canaryPage(200, "text/plain", "%s"),
		"200 with another type": canaryPage(200, "application/"+strings.ReplaceAll(canarySecret, "/", ""), "%s"),
		"201 cut off":           canaryPage(201, plain, `{"link_session_token":%q`),
		"200 with a wrong type": canaryPage(200, plain, `{"accounts":%q,"state":{},"link_session_token":[7],"access_token":[]}`),
		"an error that quotes": canaryPage(400, plain,
			`{"error_code":%q,"error_message":%q,"documentation_url":%q,"link_error_code":%q}`),
		"a refusal that quotes": canaryPage(422, plain,
			`{"detail":[{"loc":["body",%q],"msg":%q,"input":%q}],"validation_errors":[{"location":[%q],"message":%q}]}`),
		"an expired token": canaryPage(401, plain, `{"error_code":"api_error.auth.expired_access_token","error_message":%q}`),
		"429":              canaryPage(429, plain, `{"error_code":"api_error.rate_limit_exceeded","error_message":%q}`),
		"a redirect":       canaryPage(307, "text/html", "%s"),
		"a large body":     canaryPage(200, plain, strings.Repeat("%s", 1000)),
		"escaped HTML": func(_ *nasty, _ *http.Request, dump string) (*http.Response, error) {
			return page(503, "text/html", template.HTMLEscapeString(dump))
		},
		"a broken connection": func(_ *nasty, _ *http.Request, dump string) (*http.Response, error) {
			return nil, errors.New("write: connection reset after " + dump)
		},
		"a broken body": func(_ *nasty, _ *http.Request, dump string) (*http.Response, error) {
			resp, err := page(200, plain, "")
			resp.Body, resp.ContentLength = io.NopCloser(io.MultiReader(strings.NewReader(dump), failing{errors.New(dump)})), -1
			return resp, err
		},
		"a cancelled context": func(n *nasty, req *http.Request, _ string) (*http.Response, error) {
			n.cancel()
			if err := req.Context().Err(); err != nil {
				return nil, err
			}
			return nil, io.ErrUnexpectedEOF // a token is fetched for others, too
		},
	}
}

// canary makes calls with marked values and keeps all resulting texts.
type canary struct {
	*testing.T

	mk           *moneykittest.Server
	client       *moneykit.Client
	network      *nasty
	texts        []string
	exchangeable string // the last exchangeable token
}

func newCanary(t *testing.T, opts ...moneykit.Option) *canary {
	t.Helper()
	c := &canary{
		T: t, mk: moneykittest.NewServer(t, moneykittest.WithCredentials("canary_client", canarySecret)),
		exchangeable: "canary-exchangeable-0004",
	}
	pool := &http.Transport{}
	t.Cleanup(pool.CloseIdleConnections)
	c.network = &nasty{base: pool}
	client, err := moneykit.NewClient("canary_client", canarySecret, append([]moneykit.Option{
		moneykit.WithBaseURL(c.mk.URL()), moneykit.WithHTTPClient(&http.Client{Transport: c.network}),
		moneykit.WithRetry(moneykit.RetryPolicy{MaxRetries: 2, MinWait: time.Nanosecond, MaxWait: time.Microsecond}),
		moneykit.WithMaxResponseBytes(64 << 10),
		moneykit.WithLogger(slog.New(slog.NewJSONHandler(c.network, &slog.HandlerOptions{Level: slog.LevelDebug}))),
	}, opts...)...)
	require.NoError(t, err)
	c.client = client
	return c
}

// call makes one call, whose context the network can cancel, and keeps the result as text.
func (c *canary) call(f func(ctx context.Context) (any, error)) {
	ctx, cancel := context.WithCancel(c.Context())
	defer cancel()
	c.network.mu.Lock()
	c.network.cancel = cancel
	c.network.mu.Unlock()
	c.texts = append(c.texts, show(f(ctx))...)
}

// everything makes calls of all kinds with a fault, and ignores their errors.
func (c *canary) everything(now fault) {
	c.Helper()
	c.network.mu.Lock()
	c.network.fault = now
	c.network.mu.Unlock()
	params := validSession()
	params.CustomerUser = moneykit.CustomerUser{
		ID:    canaryUser,
		Email: &moneykit.CustomerUserEmail{Address: canaryEmail}, Phone: &moneykit.CustomerUserPhone{Number: canaryPhone},
	}
	c.call(func(ctx context.Context) (any, error) {
		session, err := c.client.LinkSessions.Create(ctx, params)
		if session != nil {
			result, err := moneykit.ParseConnectResult(c.mk.Connect(session.Token, moneykit.ConnectIOS, moneykittest.Play{}))
			require.NoError(c, err)
			c.exchangeable = result.ExchangeableToken
		}
		return session, err
	})
	c.call(func(ctx context.Context) (any, error) {
		params.CustomerUser.Email = &moneykit.CustomerUserEmail{Address: canaryEmail + strings.Repeat("x", 300)}
		return c.client.LinkSessions.Create(ctx, params)
	})
	for range 2 { // the second is refused
		c.call(func(ctx context.Context) (any, error) {
			_, err := c.client.LinkSessions.Exchange(ctx, c.exchangeable)
			return nil, err
		})
	}
	c.call(func(ctx context.Context) (any, error) { return c.client.Links.Get(ctx, "mk_1") })
	c.call(func(ctx context.Context) (any, error) {
		return c.client.Accounts.List(ctx, "mk_1", moneykit.AccountListParams{})
	})
	c.call(func(ctx context.Context) (any, error) { return nil, c.client.Links.Delete(ctx, "mk_1") })
	c.call(func(ctx context.Context) (any, error) { return c.client.Auth.Introspect(ctx) })
	c.call(func(ctx context.Context) (any, error) { return c.client.Auth.CreateToken(ctx) })
	if now != nil {
		c.call(func(ctx context.Context) (any, error) {
			return nil, c.client.Do(ctx, http.MethodGet, "/users/"+canaryEmail+"/links", nil, nil)
		})
	}
}

// check looks for the marked values in all kept texts.
func (c *canary) check() {
	c.Helper()
	c.network.mu.Lock() // a token may still be on its way
	defer c.network.mu.Unlock()
	log := c.network.log.String()
	c.texts = append(c.texts, log, fmt.Sprintf("%v %+v %#v", c.client, *c.client, c.client.Links),
		fmt.Sprintf("%+v %#v", c.mk, *c.mk))
	for _, text := range c.texts { // a test may look for its users in what was asked
		require.NotContains(c, text, canaryUser)
		require.NotContains(c, text, html.EscapeString(canaryUser))
	}
	for _, r := range c.mk.Requests() {
		c.texts = append(c.texts, fmt.Sprintf("%+v %s", r, r.Body))
	}
	marks := append([]string{canarySecret, canaryEmail, canaryPhone, strings.ReplaceAll(canaryPhone, "+", "&#43;"), c.exchangeable},
		c.network.tokens...)
	for _, text := range c.texts {
		for _, mark := range marks {
			if mark != "" && strings.Contains(text, mark) {
				c.Fatalf("%q shows in %s", mark, text)
			}
		}
	}
	if c.network.fault != nil {
		assert.GreaterOrEqual(c, c.network.faults, 9, "each call that is sent meets the fault")
	}
	assert.Greater(c, len(c.texts), 20)
	assert.NotEmpty(c, strings.TrimSpace(log))
}

// TestCanary makes calls with marked secrets and personal data and every fault. No error, log or
// printed value may contain a mark.
func TestCanary(t *testing.T) {
	t.Parallel()
	for name, fault := range canaryFaults() {
		for auth, opts := range map[string][]moneykit.Option{"token": nil, "header": {moneykit.WithHeaderAuth()}} {
			t.Run(name+", "+auth+" authentication", func(t *testing.T) {
				t.Parallel()
				c := newCanary(t, opts...)
				c.everything(nil)
				require.NotEqual(t, "canary-exchangeable-0004", c.exchangeable, "the calls work without a fault")
				c.mk.ExpireTokens()
				c.everything(fault)
				c.check()
			})
		}
	}
}

// show prints a value, an error and the causes of the error in every way.
func show(value any, err error) (texts []string) {
	texts = append(texts, fmt.Sprintf("%v %+v %#v %s", value, value, value, value))
	for ; err != nil; err = errors.Unwrap(err) {
		texts = append(texts, fmt.Sprintf("%v %+v %#v %s %q", err, err, err, err, err))
	}
	return texts
}

// failing is a body whose Read fails.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
