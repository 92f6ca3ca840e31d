package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/api"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

func TestFaultResponses(t *testing.T) {
	t.Parallel()
	header := http.Header{"Retry-After": {"7"}, "x-custom": {"a", "b"}}
	tests := map[string]struct {
		fault  api.Fault
		status int
		code   string
		link   string
		body   string
		media  string
	}{
		"zero":           {status: 500, body: "Internal Server Error", media: "text/plain; charset=utf-8"},
		"status":         {fault: api.Fault{Status: 502}, status: 502, body: "Bad Gateway", media: "text/plain; charset=utf-8"},
		"no status":      {fault: api.Fault{Status: 101}, status: 500, body: "Internal Server Error", media: "text/plain; charset=utf-8"},
		"no such status": {fault: api.Fault{Status: 4000, Code: "x"}, status: 500, code: "x"},
		"code": {
			fault: api.Fault{Code: moneykit.ErrorCodeLinkUnauthorizedAccess}, status: 401, code: "link_error.unauthorized_access",
		},
		"unknown code":    {fault: api.Fault{Code: "x"}, status: 500, code: "x"},
		"code and status": {fault: api.Fault{Status: 418, Code: moneykit.ErrorCodeLinkNotFound}, status: 418, code: "link_error.not_found"},
		"bad config":      {fault: api.Fault{Code: moneykit.ErrorCodeLinkBadConfig}, status: 400, code: "link_error.bad_config"},
		"link error": {
			fault: api.Fault{LinkError: moneykit.LinkErrorNoAccounts}, status: 422, code: "link_error.bad_state", link: "no_accounts",
		},
		"header": {
			fault: api.Fault{Status: 429, Header: header}, status: 429, body: "Too Many Requests", media: "text/plain; charset=utf-8",
		},
		"page": {fault: api.Fault{Status: 503, Body: "<html>"}, status: 503, body: "<html>", media: "text/html; charset=utf-8"},
		"JSON": {fault: api.Fault{Status: 503, Body: `{"a":1}`}, status: 503, body: `{"a":1}`, media: "application/json"},
		"type": {
			fault: api.Fault{Status: 503, Body: `{"a":1}`, ContentType: "text/css"}, status: 503, body: `{"a":1}`, media: "text/css",
		},
		"the response's body":   {fault: api.Fault{Body: "[]"}, status: 200, body: "[]", media: "application/json"},
		"the response's header": {fault: api.Fault{Header: header, Body: "1"}, status: 200, body: "1", media: "application/json"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mk := newFake(t)
			link := mk.addLink(t, world.LinkSpec{})
			mk.Fail("get_link", 1, tt.fault)
			a := ask(t, mk, http.MethodGet, "/links/"+link.ID, "")
			assert.Equal(t, tt.status, a.status)
			switch {
			case tt.code != "":
				assert.Equal(t, tt.code, a.field(t, "error_code"))
				if tt.link != "" {
					assert.Equal(t, tt.link, a.field(t, "link_error_code"))
				}
			case tt.body != "":
				assert.Equal(t, tt.body, string(a.body))
				assert.Equal(t, tt.media, a.header.Get("Content-Type"))
			}
			if tt.fault.Header != nil {
				assert.Equal(t, "7", a.header.Get("Retry-After"))
				assert.Equal(t, []string{"a", "b"}, a.header.Values("X-Custom"))
			}
			assert.Equal(t, tt.status, mk.Requests()[0].Status)
			assert.Equal(t, 200, ask(t, mk, http.MethodGet, "/links/"+link.ID, "").status, "only one fault was planned")
		})
	}
}

// A fault with the code of malformed requests has the members of such responses.
func TestFaultOfValidation(t *testing.T) {
	t.Parallel()
	mk := newFake(t)
	mk.Fail("create_link_session", 1, api.Fault{Code: moneykit.ErrorCodeValidationFailed})
	a := ask(t, mk, http.MethodPost, "/link-session", "{}")
	assert.Equal(t, 422, a.status)
	assert.JSONEq(t, `[{"location":["body"],"message":"a planned fault","type":"value_error"}]`, string(raw(t, a, "validation_errors")))
	a = ask(t, mk, http.MethodPost, "/link-session", "{}")
	assert.Equal(t, 422, a.status)
	assert.Contains(t, string(a.body), `"location":["body","customer_user"]`)
	for _, other := range []moneykit.ErrorCode{moneykit.ErrorCodeLinkNotFound, "x"} {
		mk.Fail("create_link_session", 1, api.Fault{Code: other})
		assert.NotContains(t, string(ask(t, mk, http.MethodPost, "/link-session", "{}").body), "validation_errors")
	}
}

func TestFailQueue(t *testing.T) {
	t.Parallel()
	mk := newFake(t)
	link := mk.addLink(t, world.LinkSpec{})
	statuses := func(n int) (out []int) {
		for range n {
			out = append(out, ask(t, mk, http.MethodGet, "/links/"+link.ID, "").status)
		}
		return out
	}
	mk.Fail("get_link", 2, api.Fault{Status: 502})
	mk.Fail("get_link", 1, api.Fault{Status: 503})
	mk.Fail("", 1, api.Fault{Status: 504})
	mk.Fail("delete_link", -1, api.Fault{Status: 500})
	assert.Equal(t, []int{502, 502, 503, 504, 200}, statuses(5))
	assert.Equal(t, 500, ask(t, mk, http.MethodDelete, "/links/"+link.ID, "").status)

	mk.Fail("get_link", -1, api.Fault{Status: 502})
	assert.Equal(t, []int{502, 502, 502}, statuses(3))
	mk.Fail("get_link", 0, api.Fault{})
	assert.Equal(t, []int{200}, statuses(1))
	mk.Fail("", -1, api.Fault{Status: 502})
	assert.Equal(t, []int{502, 502}, statuses(2))
	assert.Equal(t, 502, ask(t, mk, http.MethodGet, "/nowhere", "").status)
	assert.Empty(t, mk.errors)
	mk.Fail("", 0, api.Fault{})
	assert.Equal(t, []int{200}, statuses(1))

	require.ErrorContains(t, mk.Fail("getLink", 1, api.Fault{}), `"getLink"`)

	// The caller may change the header after Fail has returned.
	header := http.Header{"X-Custom": {"a"}}
	mk.Fail("get_link", 1, api.Fault{Header: header})
	header["X-Custom"][0] = "b"
	assert.Equal(t, "a", ask(t, mk, http.MethodGet, "/links/"+link.ID, "").header.Get("X-Custom"))
}
