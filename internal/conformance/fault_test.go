package conformance

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// This file tests that the oracle refuses errors: it adds faults to valid responses and requests.

const (
	goodLink = `{"link_id":"mk_1","state":"connected","institution_id":"b","institution_name":"B",` +
		`"institution_avatar":"https://b.test/a.png","provider":"mx","available_products":["identity"],` +
		`"products":{"accounts":{"refreshed_at":null,"error_code":null},"identity":null,"transactions":{"has_history":true}},` +
		`"error_code":null,"link_tags":null,"webhook":null}`
	goodError = `{"error_code":"link_error.not_found","error_message":null,"documentation_url":null}`
	goodToken = `{"access_token":"t","token_type":"bearer","expires_in":60}`
	goodList  = `{"accounts":[{"account_id":"acc_1","account_type":"x","name":"","balances":{"current":1.5,"limit":null}}],"link":` + goodLink + `}`
)

func TestAnswerFaults(t *testing.T) {
	t.Parallel()
	type fault = moneykittest.Fault
	// change replaces a piece of a good body.
	change := func(body, before, after string) string {
		changed := strings.Replace(body, before, after, 1)
		require.NotEqual(t, body, changed)
		return changed
	}
	link := func(before, after string) fault { return fault{Status: 200, Body: change(goodLink, before, after)} }
	list := func(before, after string) fault { return fault{Status: 200, Body: change(goodList, before, after)} }
	tests := map[string]struct {
		operation string
		fault     fault
		want      string // in what the oracle says; "" for nothing
	}{
		"good link":         {"get_link", fault{Status: 200, Body: goodLink}, ""},
		"good list":         {"get_accounts", fault{Status: 200, Body: goodList}, ""},
		"good token":        {"create_access_token", fault{Status: 201, Body: goodToken}, ""},
		"good error":        {"get_link", fault{Status: 404, Body: goodError}, ""},
		"a reason":          {"get_link", link(`"connected"`, `"error"`), ""},
		"charset":           {"get_link", fault{Status: 200, Body: goodLink, ContentType: "application/json; charset=utf-8"}, ""},
		"no link id":        {"get_link", link(`"link_id":"mk_1",`, ``), "link_id"},
		"null link id":      {"get_link", link(`"mk_1"`, `null`), "link_id"},
		"number for a text": {"get_link", link(`"mk_1"`, `1`), "link_id"},
		"unknown state":     {"get_link", link(`"connected"`, `"hibernating"`), "state"},
		"null provider":     {"get_link", link(`"mx"`, `null`), "provider"},
		"unknown reason":    {"get_link", link(`"error_code":null,"link`, `"error_code":"mood","link`), "error_code"},
		"text for a list":   {"get_link", link(`["identity"]`, `"identity"`), "available_products"},
		"null product":      {"get_link", link(`["identity"]`, `[null]`), "available_products"},
		"no history":        {"get_link", link(`{"has_history":true}`, `{}`), "transactions"},
		"not a time":        {"get_link", link(`"refreshed_at":null`, `"refreshed_at":"noon"`), "accounts"},
		"member unknown":    {"get_link", link(`"link_id"`, `"user_id":"u","link_id"`), "user_id"},
		"deep unknown":      {"get_accounts", list(`"limit"`, `"owed":1,"limit"`), "owed"},
		"text for a number": {"get_accounts", list(`1.5`, `"1.5"`), "current"},
		"null accounts": {
			"get_accounts", list(`[{"account_id":"acc_1","account_type":"x","name":"","balances":{"current":1.5,"limit":null}}]`, `null`),
			"accounts",
		},
		"no balances":      {"get_accounts", list(`,"balances":{"current":1.5,"limit":null}`, ``), "balances"},
		"deep null":        {"get_accounts", list(`"mk_1"`, `null`), "link_id"},
		"fraction":         {"create_access_token", fault{Status: 201, Body: change(goodToken, "60", "60.5")}, "expires_in"},
		"error of another": {"get_link", fault{Status: 404, Body: change(goodError, "not_found", "deleted")}, "error_code"},
		"error unknown":    {"get_link", fault{Code: "link_error.tired", Status: 422}, "error_code"},
		"error's member":   {"get_link", fault{Status: 404, Body: change(goodError, `"error_message"`, `"message"`)}, "message"},
		"problem half": {"get_link", fault{
			Status: 422, Body: `{"error_code":"link_error.bad_state","validation_errors":[{"message":"x","type":"y"}]}`,
		}, "location"},
		"problem's place": {"get_link", fault{
			Status: 422, Body: `{"error_code":"link_error.bad_state","validation_errors":[{"location":[1.5],"message":"x","type":"y"}]}`,
		}, "location"},
		"status undeclared":  {"get_link", fault{Status: 418, Body: goodError}, "status"},
		"success undeclared": {"get_link", fault{Status: 201, Body: goodLink}, "status"},
		"server failed":      {"get_link", fault{Status: 502}, "status"},
		"page":               {"get_link", fault{Status: 404, Body: "<html></html>"}, "text/html"},
		"other media type":   {"get_link", fault{Status: 200, Body: goodLink, ContentType: "text/json"}, "text/json"},
		"not JSON":           {"get_link", fault{Status: 200, Body: "{", ContentType: "application/json"}, "decode"},
		"list for an object": {"get_link", fault{Status: 200, Body: "[" + goodLink + "]"}, "object"},
		"body where none is": {"delete_link", fault{Status: 204, Body: goodLink}, "body"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWire(t, moneykittest.NewServer(t), nil)
			w.mk.Fail(tt.operation, 1, tt.fault)
			for _, op := range operations() {
				if op.id == tt.operation {
					_ = op.call(t.Context(), w, w.client(t, moneykit.WithHeaderAuth()), "mk_1") // the wire reports errors
				}
			}
			x := w.last(t)
			require.NoError(t, x.request)
			require.Equal(t, tt.operation, x.operation)
			if tt.want == "" {
				assert.NoError(t, x.response)
			} else {
				assert.ErrorContains(t, x.response, tt.want)
			}
		})
	}
}

// TestOutside lists the responses of moneykittest that the document does not have. They are for
// mistakes in a test.
func TestOutside(t *testing.T) {
	t.Parallel()
	w := newWire(t, moneykittest.New(), nil)
	t.Cleanup(w.mk.Close)
	tests := map[string]struct {
		method string
		path   string
		body   any
		status int
	}{
		"too large":    {http.MethodPost, "/link-session", strings.Repeat("x", 1<<20), 413},
		"unknown path": {http.MethodGet, "/links/mk_1/moods", nil, 404},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			err := w.client(t, moneykit.WithHeaderAuth()).Do(t.Context(), tt.method, tt.path, tt.body, nil)
			require.Error(t, err)
			x := w.last(t)
			assert.Equal(t, tt.status, x.status)
			require.Error(t, x.request)
			require.Error(t, x.response)
		})
	}
}

func TestRequestFaults(t *testing.T) {
	t.Parallel()
	const bearer, basic, form = "Bearer abc", "Basic YTpi", "application/x-www-form-urlencoded"
	session := func(more string) string {
		return `{"customer_user":{"id":"user_0001"},"redirect_uri":"https://app.test/oauth"` + more + `}`
	}
	tests := map[string]struct {
		request string // method and target
		header  string // "Name: value" and so on, separated by newlines
		body    string
		want    string // in what the oracle says; "" for nothing
	}{
		"good":         {"POST /link-session", "", session(``), ""},
		"good headers": {"GET /links/mk_1", "Authorization:\nX-Client-Id: a\nX-Client-Secret: b", "", ""},
		"good query":   {"GET /links/mk_1/accounts?account_ids=a&account_ids=b", "", "", ""},
		"good form": {
			"POST /auth/token", "Authorization:\nContent-Type: " + form, "grant_type=client_credentials&client_id=a&client_secret=b", "",
		},
		"good Basic":         {"POST /auth/token", "Authorization: " + basic + "\nContent-Type: " + form, "grant_type=client_credentials", ""},
		"unknown path":       {"GET /link", "", "", "no matching"},
		"other method":       {"PUT /links/mk_1", "", "", "not allowed"},
		"empty id":           {"GET /links/", "", "", "no matching"},
		"number for a text":  {"POST /link-session", "", session(`,"institution_id":7`), "institution_id"},
		"text for an object": {"POST /link-session", "", session(`,"settings":"mx"`), "settings"},
		"null":               {"POST /link-session", "", session(`,"webhook":null`), "webhook"},
		"unknown value":      {"POST /link-session", "", session(`,"settings":{"providers":["sophtron"]}`), "providers"},
		"unknown member":     {"POST /link-session", "", session(`,"user":"me"`), "user"},
		"deep unknown":       {"POST /link-session", "", session(`,"settings":{"products":{"accounts":{}}}`), "accounts"},
		"too short":          {"POST /link-session", "", `{"customer_user":{"id":"abc"},"redirect_uri":"https://app.test"}`, "/customer_user/id"},
		"against a pattern":  {"POST /link-session", "", session(`,"link_tags":["-a"]`), "link_tags"},
		"missing":            {"POST /link-session", "", `{"redirect_uri":"https://app.test"}`, "customer_user"},
		"not a time": {
			"POST /link-session", "",
			`{"customer_user":{"id":"user","email":{"address":"a@b.c","customer_verified_at":"now"}},"redirect_uri":"x:/"}`,
			"customer_verified_at",
		},
		"no body":             {"POST /link-session", "", "", "required"},
		"form for JSON":       {"POST /link-session", "Content-Type: " + form, "a=b", "Content-Type"},
		"JSON for a form":     {"POST /auth/token", "Authorization:", `{"grant_type":"client_credentials"}`, "Content-Type"},
		"body where none is":  {"GET /links/mk_1", "", `{}`, "body"},
		"field unknown":       {"POST /auth/token", "Authorization:\nContent-Type: " + form, "grant_type=client_credentials&user=me", "user"},
		"grant type unknown":  {"POST /auth/token", "Authorization:\nContent-Type: " + form, "grant_type=password", "grant_type"},
		"parameter unknown":   {"GET /links/mk_1/accounts?account_id=a", "", "", "account_id"},
		"parameter obsolete":  {"GET /users/u/accounts?institution_ids=a", "", "", "institution_ids"},
		"number out of range": {"GET /links?limit=1", "", "", "limit"},
		"no credentials":      {"GET /links/mk_1", "Authorization:", "", "authenticates"},
		"half of them":        {"GET /links/mk_1", "Authorization:\nX-Client-Id: a", "", "authenticates"},
		"both":                {"GET /links/mk_1", "X-Client-Id: a\nX-Client-Secret: b", "", "authenticates"},
		"Basic elsewhere":     {"GET /links/mk_1", "Authorization: " + basic, "", "authenticates"},
		"a token for a token": {"POST /auth/token", "Content-Type: " + form, "grant_type=client_credentials", "authenticates"},
		"secret for keys":     {"GET /.well-known/jwks.json", "Authorization:\nX-Client-Secret: b", "", "authenticates"},
		"no version":          {"GET /links/mk_1", "MoneyKit-Version:", "", "version"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, err := theOracle()
			require.NoError(t, err)
			method, target, _ := strings.Cut(tt.request, " ")
			r, err := http.NewRequestWithContext(t.Context(), method, "http://moneykit.test"+target, strings.NewReader(tt.body))
			require.NoError(t, err)
			r.Header.Set("Authorization", bearer)
			r.Header.Set("MoneyKit-Version", "2023-02-18")
			if tt.body != "" {
				r.Header.Set("Content-Type", "application/json")
			}
			for line := range strings.SplitSeq(tt.header, "\n") {
				if key, value, _ := strings.Cut(line, ":"); key != "" {
					r.Header.Set(key, strings.TrimSpace(value))
				}
			}
			x := o.judge(r, []byte(tt.body), 429, http.Header{"Content-Type": {"application/json"}}, []byte(`{}`))
			if tt.want == "" {
				assert.NoError(t, x.request)
			} else {
				assert.ErrorContains(t, x.request, tt.want)
			}
		})
	}
}
