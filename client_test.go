package moneykit_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
)

func TestNewClientRefuses(t *testing.T) {
	t.Parallel()
	ok := func(opts ...moneykit.Option) func() (*moneykit.Client, error) {
		return func() (*moneykit.Client, error) { return moneykit.NewClient(testID, testSecret, opts...) }
	}
	with := func(id, secret string) func() (*moneykit.Client, error) {
		return func() (*moneykit.Client, error) { return moneykit.NewClient(id, secret) }
	}
	base := func(u string) func() (*moneykit.Client, error) { return ok(moneykit.WithBaseURL(u)) }
	tests := []struct {
		name string
		make func() (*moneykit.Client, error)
		want string
	}{
		{"empty id", with("", testSecret), "client id is empty"},
		{"blank id", with(" \t", testSecret), "client id is empty"},
		{"empty secret", with(testID, ""), "client secret is empty"},
		{"blank secret", with(testID, "\n"), "client secret is empty"},
		{"secret with a line end", with(testID, testSecret+"\n"), "white space"},
		{"secret with a control character", with(testID, "a\x00b"), "control character"},

		{"empty base URL", base(""), "must begin with https://"},
		{"relative base URL", base("/v1"), "must begin with https://"},
		{"base URL without scheme", base("api.moneykit.com"), "must begin with https://"},
		{"base URL with another scheme", base("ftp://api.moneykit.com"), "must begin with https://"},
		{"base URL without host", base("https:///v1"), "must have a host"},
		{"base URL with only a port", base("https://:443"), "must have a host"},
		{"base URL with credentials", base("https://" + testID + ":" + testSecret + "@api.test"), "must not have credentials"},
		{"base URL with a query", base("https://api.test/?a=b"), "must not have a"},
		{"base URL with an empty query", base("https://api.test/?"), "must not have a"},
		{"base URL with a fragment", base("https://api.test/#a"), "must not have a"},
		{"base URL with a bad escape", base("https://api.test/%zz" + testSecret), "must be a URL"},
		{"MoneyKit in the clear", base("http://api.moneykit.com"), "must begin with https://"},

		{"nil option", ok(nil), "an option is nil"},
		{"nil HTTP client", ok(moneykit.WithHTTPClient(nil)), "HTTP client is nil"},
		{"nil logger", ok(moneykit.WithLogger(nil)), "logger is nil"},
		{"nil token source", ok(moneykit.WithTokenSource(nil)), "token source is nil"},
		{"API version that is no date", ok(moneykit.WithAPIVersion("v2")), "not a date"},
		{"API version in another form", ok(moneykit.WithAPIVersion("2023-W07-6")), "not a date in the form YYYY-MM-DD"},
		{"API version that is a moment", ok(moneykit.WithAPIVersion("2023-02-18T00:00:00\u221202:00")), "not a date in the form YYYY-MM-DD"},
		{"negative wait", ok(moneykit.WithRetry(moneykit.RetryPolicy{MinWait: -1})), "negative"},
		{"negative age of webhooks", ok(moneykit.WithWebhookAge(-1, 0)), "age of webhooks is negative"},
		{"keys of webhooks for too long", ok(moneykit.WithWebhookKeyLife(25 * time.Hour)), "at most 24h"},
		{"nil clock", ok(moneykit.WithClock(nil)), "clock is nil"},
		{"no response bytes", ok(moneykit.WithMaxResponseBytes(0)), "not positive"},
		{"empty user agent", ok(moneykit.WithUserAgent("", "")), "user agent"},
		{"user agent with a line end", ok(moneykit.WithUserAgent("a\r\nb", "")), "user agent"},
		{"two ways to authenticate", ok(moneykit.WithHeaderAuth(), moneykit.WithTokenSource(fixedToken("x"))), "exclude each other"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			client, err := tt.make()
			require.ErrorContains(t, err, tt.want)
			assert.Nil(t, client)
			assert.True(t, strings.HasPrefix(err.Error(), "moneykit: "), err)
			assert.NotContains(t, err.Error(), testSecret)
		})
	}
}

// fixedToken is a TokenSource with one token.
type fixedToken string

func (f fixedToken) Token(context.Context, string) (moneykit.Token, error) {
	return moneykit.Token{AccessToken: string(f)}, nil
}

func TestNewClientDefaults(t *testing.T) {
	t.Parallel()
	mock := httpmock.NewMockTransport()
	mock.RegisterResponder(http.MethodPost, "https://api.moneykit.com/auth/token", tokenResponder(testToken, 3600))
	var got http.Header
	mock.RegisterResponder(http.MethodGet, "https://api.moneykit.com/links/mk_1",
		func(r *http.Request) (*http.Response, error) {
			got = r.Header
			return answers(200, linkJSON)(r)
		})
	hc := &http.Client{Transport: mock, Timeout: time.Second}
	client, err := moneykit.NewClient(testID, testSecret, moneykit.WithHTTPClient(hc), moneykit.WithUserAgent("shop", "1.2"))
	require.NoError(t, err)
	_, err = client.Links.Get(t.Context(), "mk_1", moneykit.WithHeader("x-trace", "7"))
	require.NoError(t, err)
	assert.Equal(t, "Bearer "+testToken, got.Get("Authorization"))
	assert.Equal(t, "2023-02-18", got.Get("MoneyKit-Version"))
	assert.Equal(t, "application/json", got.Get("Accept"))
	assert.Equal(t, "7", got.Get("X-Trace"))
	assert.Regexp(t, `^shop/1\.2 moneykit-go/\d`, got.Get("User-Agent"))
	assert.Empty(t, got.Get("Content-Type"), "there is no body")
	assert.Empty(t, got.Get("X-Client-Secret"))

	assert.Same(t, mock, hc.Transport, "the caller's client is copied, not changed")
	assert.Equal(t, time.Second, hc.Timeout)
	assert.Nil(t, hc.CheckRedirect)
}

func TestClientHidesItsSecret(t *testing.T) {
	t.Parallel()
	client := newClient(t, newMock(t))
	_, err := client.Auth.CreateToken(t.Context())
	require.NoError(t, err)
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("made", "client", client, "links", client.Links)
	texts := []string{log.String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		for _, v := range []any{client, *client, client.Links, *client.Links, client.Auth} {
			texts = append(texts, fmt.Sprintf(verb, v))
		}
	}
	for _, text := range texts {
		assert.NotContains(t, text, testSecret)
		assert.NotContains(t, text, testToken)
	}
	assert.Equal(t, "moneykit.Client(sandbox_client at https://api.test/base)", client.String())
	assert.Equal(t, "moneykit.Client(nil)", (*moneykit.Client)(nil).String())
}

func TestNewClientFromEnv(t *testing.T) {
	for _, name := range []string{"MONEYKIT_CLIENT_ID", "MONEYKIT_CLIENT_SECRET", "MONEYKIT_BASE_URL"} {
		t.Setenv(name, "")
	}
	_, err := moneykit.NewClientFromEnv()
	require.EqualError(t, err, "moneykit: the environment variable MONEYKIT_CLIENT_ID is not set")
	t.Setenv("MONEYKIT_CLIENT_ID", testID)
	_, err = moneykit.NewClientFromEnv()
	require.EqualError(t, err, "moneykit: the environment variable MONEYKIT_CLIENT_SECRET is not set")
	t.Setenv("MONEYKIT_CLIENT_SECRET", testSecret)
	client, err := moneykit.NewClientFromEnv()
	require.NoError(t, err)
	assert.Equal(t, "moneykit.Client("+testID+" at https://api.moneykit.com)", client.String())
	t.Setenv("MONEYKIT_BASE_URL", "http://localhost:8787")
	client, err = moneykit.NewClientFromEnv()
	require.NoError(t, err)
	assert.Contains(t, client.String(), "http://localhost:8787")
	client, err = moneykit.NewClientFromEnv(moneykit.WithBaseURL("http://localhost:1"))
	require.NoError(t, err)
	assert.Contains(t, client.String(), "http://localhost:1", "options come after the environment")
	t.Setenv("MONEYKIT_BASE_URL", "ftp://localhost")
	_, err = moneykit.NewClientFromEnv()
	require.ErrorContains(t, err, "the base URL must begin with")
}
