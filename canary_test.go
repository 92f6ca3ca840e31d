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

// nasty is a network that repeats what it is sent in all that it answers.
type nasty struct {
	base  http.RoundTripper
	fault func(req *http.Request, dump string) (*http.Response, error) // nil passes on

	mu     sync.Mutex
	tokens []string // access, link session and exchangeable tokens seen in answers
}

func (n *nasty) RoundTrip(req *http.Request) (*http.Response, error) {
	if n.fault != nil {
		dump, err := httputil.DumpRequestOut(req, true)
		if err != nil {
			return nil, err
		}
		resp, err := n.fault(req, string(dump))
		if resp != nil || err != nil {
			return resp, err
		}
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
	n.mu.Lock()
	defer n.mu.Unlock()
	n.tokens = append(n.tokens, found.Access, found.Session)
	return resp, nil
}

// TestCanary runs every fault with marked secrets and personal data, and looks for the marks in
// all that is kept as text.
func TestCanary(t *testing.T) {
	t.Parallel()
	const (
		secret = "canary/secret+0001"
		email  = "canary.jane+0002@example.com"
		phone  = "+617555000003"
		user   = "canary.user.0005@example.com"
	)
	page := func(status int, contentType, body string) (*http.Response, error) {
		return &http.Response{
			StatusCode: status, ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(body)),
			Header: http.Header{
				"Content-Type": {contentType}, "Retry-After": {"9999999999"},
				"Location": {"https://evil.example/?" + body}, "X-Request-Id": {"req_1"},
			},
		}, nil
	}
	quoted := func(s string) string {
		out, err := json.Marshal(s)
		require.NoError(t, err)
		return string(out)
	}
	type fault = func(*http.Request, string) (*http.Response, error)
	faults := map[string]fault{
		"none": nil,
		"HTML 502": func(_ *http.Request, dump string) (*http.Response, error) {
			return page(502, "text/html", "<pre>"+dump)
		},
		"escaped HTML": func(_ *http.Request, dump string) (*http.Response, error) {
			return page(503, "text/html", template.HTMLEscapeString(dump))
		},
		"a secret early": func(_ *http.Request, dump string) (*http.Response, error) { return page(500, "text/plain", dump+dump) },
		"200 with text":  func(_ *http.Request, dump string) (*http.Response, error) { return page(200, "text/plain", dump) },
		"200 with another type": func(_ *http.Request, dump string) (*http.Response, error) {
			return page(200, "application/"+strings.ReplaceAll(secret, "/", ""), dump)
		},
		"201 cut off": func(_ *http.Request, dump string) (*http.Response, error) {
			return page(201, "application/json", `{"link_session_token":`+quoted(dump))
		},
		"200 with a wrong type": func(_ *http.Request, dump string) (*http.Response, error) {
			return page(200, "application/json", `{"accounts":`+quoted(dump)+`,"state":{},"link_session_token":7,"access_token":[]}`)
		},
		"an error that quotes": func(_ *http.Request, dump string) (*http.Response, error) {
			return page(400, "application/json", fmt.Sprintf(
				`{"error_code":%[1]s,"error_message":%[1]s,"documentation_url":%[1]s,"link_error_code":%[1]s}`, quoted(dump)))
		},
		"a refusal that quotes": func(_ *http.Request, dump string) (*http.Response, error) {
			return page(422, "application/json", fmt.Sprintf(
				`{"detail":[{"loc":["body",%[1]s],"msg":%[1]s,"input":%[1]s}],"validation_errors":[{"location":[%[1]s],"message":%[1]s}]}`,
				quoted(dump)))
		},
		"an expired token": func(_ *http.Request, dump string) (*http.Response, error) {
			return page(401, "application/json", `{"error_code":"api_error.auth.expired_access_token","error_message":`+quoted(dump)+`}`)
		},
		"429": func(_ *http.Request, dump string) (*http.Response, error) {
			return page(429, "application/json", `{"error_code":"api_error.rate_limit_exceeded","error_message":`+quoted(dump)+`}`)
		},
		"a redirect": func(_ *http.Request, dump string) (*http.Response, error) { return page(307, "text/html", dump) },
		"a broken connection": func(_ *http.Request, dump string) (*http.Response, error) {
			return nil, errors.New("write: connection reset after " + dump)
		},
		"a broken body": func(_ *http.Request, dump string) (*http.Response, error) {
			resp, err := page(200, "application/json", "")
			resp.Body, resp.ContentLength = io.NopCloser(io.MultiReader(strings.NewReader(dump), failing{errors.New(dump)})), -1
			return resp, err
		},
		"a large body": func(_ *http.Request, dump string) (*http.Response, error) {
			return page(200, "application/json", strings.Repeat(dump, 1000))
		},
		"a cancelled context": func(req *http.Request, _ string) (*http.Response, error) {
			<-req.Context().Done()
			return nil, req.Context().Err()
		},
	}
	for name, fault := range faults {
		for _, header := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, header authentication %v", name, header), func(t *testing.T) {
				t.Parallel()
				mk := moneykittest.NewServer(t, moneykittest.WithCredentials("canary_client", secret))
				pool := &http.Transport{}
				t.Cleanup(pool.CloseIdleConnections)
				network := &nasty{base: pool}
				var log bytes.Buffer
				opts := []moneykit.Option{
					moneykit.WithBaseURL(mk.URL()), moneykit.WithHTTPClient(&http.Client{Transport: network}),
					moneykit.WithRetry(moneykit.RetryPolicy{MaxRetries: 2, MinWait: time.Nanosecond, MaxWait: time.Microsecond}),
					moneykit.WithMaxResponseBytes(64 << 10),
					moneykit.WithLogger(slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))),
				}
				if header {
					opts = append(opts, moneykit.WithHeaderAuth())
				}
				client, err := moneykit.NewClient("canary_client", secret, opts...)
				require.NoError(t, err)

				texts := []string{}
				exchangeable := "canary-exchangeable-0004"
				everything := func(ctx context.Context, now func(*http.Request, string) (*http.Response, error)) {
					network.fault = now
					params := validSession()
					params.CustomerUser.ID = user
					params.CustomerUser.Email = &moneykit.CustomerUserEmail{Address: email}
					params.CustomerUser.Phone = &moneykit.CustomerUserPhone{Number: phone}
					session, err := client.LinkSessions.Create(ctx, params)
					texts = append(texts, show(session, err)...)
					params.CustomerUser.Email.Address = email + strings.Repeat("x", 300)
					_, err = client.LinkSessions.Create(ctx, params)
					texts = append(texts, show(nil, err)...)
					if session != nil {
						result, err := moneykit.ParseConnectResult(mk.Connect(session.Token, moneykit.ConnectIOS, moneykittest.Play{}))
						require.NoError(t, err)
						exchangeable = result.ExchangeableToken
					}
					network.mu.Lock()
					network.tokens = append(network.tokens, exchangeable)
					network.mu.Unlock()
					for range 2 { // the second is refused
						_, err = client.LinkSessions.Exchange(ctx, exchangeable)
						texts = append(texts, show(nil, err)...)
					}
					_, err = client.Links.Get(ctx, "mk_1")
					texts = append(texts, show(nil, err)...)
					_, err = client.Accounts.List(ctx, "mk_1", moneykit.AccountListParams{})
					texts = append(texts, show(nil, err)...)
					texts = append(texts, show(nil, client.Links.Delete(ctx, "mk_1"))...)
					_, err = client.Auth.Introspect(ctx)
					texts = append(texts, show(nil, err)...)
					token, err := client.Auth.CreateToken(ctx)
					texts = append(texts, show(token, err)...)
					if now != nil {
						err = client.Do(ctx, http.MethodGet, "/users/"+email+"/links", nil, nil)
						texts = append(texts, show(nil, err)...)
					}
				}
				ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
				defer cancel()
				everything(t.Context(), nil)
				mk.ExpireTokens()
				everything(ctx, fault)
				texts = append(texts, log.String(), fmt.Sprintf("%v %+v %#v", client, *client, client.Links),
					fmt.Sprintf("%+v %#v", mk, *mk))
				for _, text := range texts { // a test may look for its users in what was asked
					require.NotContains(t, text, user)
					require.NotContains(t, text, html.EscapeString(user))
				}
				for _, r := range mk.Requests() {
					texts = append(texts, fmt.Sprintf("%+v %s", r, r.Body))
				}

				marks := append([]string{secret, email, phone, strings.ReplaceAll(phone, "+", "&#43;")}, network.tokens...)
				for _, text := range texts {
					for _, mark := range marks {
						if mark != "" && strings.Contains(text, mark) {
							t.Fatalf("%q shows in %s", mark, text)
						}
					}
				}
				assert.Greater(t, len(texts), 20)
				assert.NotEmpty(t, strings.TrimSpace(log.String()))
			})
		}
	}
}

// show prints a value and an error, and everything below the error, in every way.
func show(value any, err error) (texts []string) {
	texts = append(texts, fmt.Sprintf("%v %+v %#v %s", value, value, value, value))
	for ; err != nil; err = errors.Unwrap(err) {
		texts = append(texts, fmt.Sprintf("%v %+v %#v %s %q", err, err, err, err, err))
	}
	return texts
}

// failing is a body that breaks.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
