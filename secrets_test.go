package moneykit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"log/slog"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
)

// printed returns a value as fmt, log/slog and encoding/json print it, alone and in collections.
func printed(t *testing.T, value any) string {
	t.Helper()
	var out strings.Builder
	shapes := []any{value, []any{value}, map[string]any{"a": value}, struct{ A any }{value}, &value}
	for _, shape := range shapes {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&out, verb+"\n", shape)
		}
		data, err := json.Marshal(shape)
		require.NoError(t, err)
		out.Write(data)
		for _, handler := range []slog.Handler{slog.NewJSONHandler(&out, nil), slog.NewTextHandler(&out, nil)} {
			slog.New(handler).Info("x", "value", shape)
		}
	}
	return out.String()
}

// TestSecretsAreNotPrinted prints the types that contain a token, a body or a user's input, and
// slices, maps and params of them.
func TestSecretsAreNotPrinted(t *testing.T) {
	t.Parallel()
	const mark = "canary0001"
	result := moneykit.ConnectResult{
		Outcome: moneykit.ConnectLinked, ExchangeableToken: mark, LinkID: "mk_1",
		Institution: moneykit.ConnectInstitution{ID: "chase", Name: mark}, Accounts: []moneykit.ConnectAccount{{ID: mark, Name: mark}},
		Err: &moneykit.ConnectError{DisplayedMessage: mark},
	}
	back, err := moneykit.ParseOAuthReturn("https://example.com/oauth", "/oauth?code="+mark)
	require.NoError(t, err)
	meta := moneykit.EventMeta{Type: "link.state_changed", LinkID: "mk_1", LinkTags: []string{mark}, Raw: []byte(mark)}
	for _, value := range []any{
		moneykit.LinkSession{Token: mark},
		&moneykit.LinkSession{Token: mark},
		[]moneykit.LinkSession{{Token: mark}},
		map[string]*moneykit.LinkSession{"a": {Token: mark}},
		moneykit.Token{AccessToken: mark, Expiry: time.Unix(1, 0)},
		&moneykit.Token{AccessToken: mark},
		[]moneykit.Token{{AccessToken: mark}},
		result, &result,
		[]moneykit.ConnectResult{result},
		moneykit.FinishParams{Result: &result, UserID: mark},
		[]moneykit.FinishParams{{Result: &result, UserID: mark}},
		*back, back,
		[]*moneykit.OAuthReturn{back},
		moneykit.Response{Body: []byte(mark), Header: http.Header{"X": {mark}}},
		&moneykit.Response{Body: []byte(mark)},
		moneykit.ConnectEvent{Name: "open", Properties: map[string]any{"a": mark}, Raw: []byte(mark)},
		&moneykit.LinkStateChanged{EventMeta: meta, ErrorMessage: mark},
		moneykit.UnknownEvent{EventMeta: meta},
		[]moneykit.Event{&moneykit.ProductRefreshed{EventMeta: meta, ErrorMessage: mark}, &moneykit.TransactionsAvailable{EventMeta: meta}},
		moneykit.Error{Message: mark},
		[]moneykit.Error{{Message: mark, Fields: []moneykit.FieldError{{Field: mark, Message: mark}}}},
		&moneykit.Error{
			Operation: "GET /links/{id}", Message: mark, DocumentationURL: mark, Code: mark, LinkError: mark,
			Fields: []moneykit.FieldError{{Field: mark, Message: mark}},
		},
	} {
		text := printed(t, value)
		assert.NotContains(t, text, mark, "%T", value)
		assert.NotContains(t, text, fmt.Sprintf("%x", mark), "%T", value)
		assert.NotContains(t, text, "Y2FuYXJ5MDAwMQ", "%T: base64", value)
	}
}

// spellings returns the forms in which a server may quote a value.
func spellings(s string) []string {
	upper := strings.ToUpper(s)
	hex := func(format string) string {
		var b strings.Builder
		for _, r := range s {
			fmt.Fprintf(&b, format, r)
		}
		return b.String()
	}
	return []string{
		s, upper, url.QueryEscape(s), strings.ToLower(url.QueryEscape(s)), html.EscapeString(s),
		hex("%%%02x"), hex("%%%02X"), hex("&#%d;"), hex("&#x%x;"), hex(`\u%04x`),
	}
}

// TestErrorsRepeatNothing uses error responses of all forms whose messages, codes and fields quote
// the request and stored data, in all spellings.
func TestErrorsRepeatNothing(t *testing.T) {
	t.Parallel()
	const email = "jane.canary+1@example.com"
	identity := `{"accounts":[{"account_id":"acc-canary","owners":[{"names":["Jane Canary"],"emails":[{"email_address":"` + email + `"}]}],` +
		`"numbers":{"ach":[{"account_number":"000canary"}]}}]}`
	bodies := []string{identity, "<html>" + identity, `"` + email + `"`, `["canary"]`, "canary\nlevel=ERROR \x1b[31m"}
	for _, s := range spellings(email) {
		quoted, err := json.Marshal(s)
		require.NoError(t, err)
		bodies = append(bodies, fmt.Sprintf(`{"error_code":%[1]s,"error_message":%[1]s,"documentation_url":%[1]s,"link_error_code":%[1]s,`+
			`"validation_errors":[{"location":["body",%[1]s,"customer_user"],"message":%[1]s}],"detail":[{"loc":[%[1]s],"msg":%[1]s}]}`, quoted),
			fmt.Sprintf(`{"error_code":"link_error.not_found","error_message":%s}`, quoted))
	}
	for _, status := range []int{400, 401, 403, 404, 410, 418, 422, 429, 500, 502, 503, 504} {
		for _, body := range bodies {
			mock := newMock(t)
			mock.RegisterResponder(http.MethodGet, testBase+"/users/"+email+"/links", answers(status, body))
			mock.RegisterResponder(http.MethodPost, testBase+"/link-session", answers(status, body))
			var log bytes.Buffer
			client := newClient(t, mock, moneykit.WithRetry(moneykit.RetryPolicy{MaxRetries: 1, MinWait: time.Nanosecond, MaxWait: time.Nanosecond}),
				moneykit.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))))
			_, err := client.Users.Links(t.Context(), email)
			texts := strings.Join(show(nil, err), "\n")
			params := validSession()
			params.CustomerUser.ID = email
			_, err = client.LinkSessions.Create(t.Context(), params)
			texts += strings.Join(show(nil, err), "\n") + log.String()
			low := strings.ToLower(texts)
			for _, mark := range append(spellings(email), "canary", "Jane") {
				require.NotContains(t, low, strings.ToLower(mark), "status %d, body %s", status, body)
			}
			require.NotContains(t, err.Error(), "\n")
			require.NotContains(t, texts, "\x1b")
		}
	}
}

// TestDoErrorsHoldNoValues decodes into types whose errors print values and keys.
func TestDoErrorsHoldNoValues(t *testing.T) {
	t.Parallel()
	mock := newMock(t)
	mock.RegisterResponder(http.MethodGet, testBase+"/x", answers(200, `{"canary-key":"canary-value","at":"canary-time"}`))
	client := newClient(t, mock)
	for _, out := range []any{
		new(time.Time), new(map[string]int), new(map[int]string), &struct{ At time.Time }{}, new(int), new([]string), new(complex64),
	} {
		err := client.Do(t.Context(), http.MethodGet, "/x", nil, out)
		require.Error(t, err, "%T", out)
		for _, text := range show(nil, err) {
			assert.NotContains(t, text, "canary", "%T", out)
		}
	}
	err := client.Do(t.Context(), http.MethodPost, "/x", map[string]any{"canary": func() {}}, nil)
	require.ErrorContains(t, err, "cannot be encoded")
	assert.NotContains(t, err.Error(), "canary")
}

// TestTransportErrorsRepeatNothing uses a transport whose error quotes the request.
func TestTransportErrorsRepeatNothing(t *testing.T) {
	t.Parallel()
	cause := errors.New("cannot reach canary.user@example.com\nwith Bearer canary")
	client := newClient(t, roundTripper(func(*http.Request) (*http.Response, error) { return nil, cause }),
		moneykit.WithRetry(moneykit.RetryPolicy{MaxRetries: -1}))
	_, err := client.Users.Links(t.Context(), "canary.user@example.com")
	require.ErrorIs(t, err, cause)
	for _, text := range show(nil, err) {
		assert.NotContains(t, text, "canary")
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestCraftedQueryIsCheap sends query values whose removal from a response was once expensive.
func TestCraftedQueryIsCheap(t *testing.T) { //nolint:paralleltest // It measures memory.
	mock := newMock(t)
	values := url.Values{}
	for i := range 10 {
		values.Set(fmt.Sprint("q", i), strings.Repeat("<&%\"", 5000))
	}
	mock.RegisterResponder(http.MethodGet, testBase+"/x", answers(500, strings.Repeat("<&%", 300_000)))
	client := newClient(t, mock, moneykit.WithRetry(moneykit.RetryPolicy{MaxRetries: -1}))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := client.Do(context.Background(), http.MethodGet, "/x?"+values.Encode(), nil, nil)
	runtime.ReadMemStats(&after)
	require.Error(t, err)
	assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(20<<20))
	assert.Less(t, len(err.Error()), 1000)
}
