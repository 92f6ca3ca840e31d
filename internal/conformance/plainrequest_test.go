package conformance

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// This file contains a request for each operation of the document, and sends it in all ways of
// HTTP.

// plainBodies are bodies of requests in JSON: one with the required members of an operation, and
// one with all members.
var plainBodies = map[string]struct{ least, full string }{
	"create_link_session": {
		least: `{"customer_user":{"id":"user-1"},"redirect_uri":"https://app.test/oauth"}`,
		full: `{
			"customer_user": {
				"id": "user-1",
				"email": {"address": "jane@app.test", "customer_verified_at": "2024-02-29T12:00:00.5-05:00"},
				"phone": {"number": "+1 617 555 0100", "country": "US", "customer_verified_at": "2024-02-29T12:00:00Z"}
			},
			"redirect_uri": "https://app.test/oauth",
			"settings": {
				"providers": ["moneykit", "mx"],
				"countries": ["US", "GB"],
				"products": {
					"account_numbers": {"required": true, "require_permission": true, "prefetch": true, "reason": "pay you"},
					"identity": {"required": false, "require_permission": false, "prefetch": true, "reason": ""},
					"transactions": {"required": true, "require_permission": false, "prefetch": false, "reason": "advise you"},
					"investments": {"required": false, "require_permission": true, "prefetch": false, "reason": "x"}
				}
			},
			"institution_id": "chase",
			"existing_link_id": "",
			"webhook": "https://app.test/hook?a=b",
			"link_tags": ["beta", "7", "Zürich \"West\""],
			"connect_features": {
				"issue_reporter": true, "enable_money_id": true, "duplicate_institution_warning": true,
				"duplicate_institution_rejected": false, "connect_manually": true,
				"permit_only_one_account": false, "permit_only_depository_accounts": true
			},
			"custom_sandbox_data": {
				"accounts": [
					{"account_type": "depository.checking", "name": "Giro", "account_number": "001", "routing_number": "021000021"}
				],
				"owners": [{
					"names": ["Jane"],
					"addresses": [{
						"street": "1 Main St", "city": "Boston", "region": "MA", "postal_code": "02108", "country": "US", "primary": true
					}],
					"phone_numbers": [{"number": "+16175550100", "type": "home", "primary": true}],
					"emails": [{"address": "jane@app.test", "primary": false}]
				}]
			}
		}`,
	},
	"exchange_token": {least: `{"exchangeable_token":"{token}"}`},
	"import_link": {
		least: `{
			"customer_user": {"id": "user-2"}, "institution_id": "mx.chase",
			"accounts": [{"account_id": "1", "type": "depository.checking", "name": "Checking", "balances": {}}],
			"transactions": []
		}`,
		full: `{
			"customer_user": {
				"id": "user-2",
				"email": {"address": "jane@app.test", "customer_verified_at": "2024-02-29T12:00:00Z"},
				"phone": {"number": "+16175550100", "country": "CA", "customer_verified_at": "2024-02-29T12:00:00Z"}
			},
			"institution_id": "chase", "provider": "mx",
			"accounts": [{
				"account_id": "1", "type": "depository.checking", "name": "Checking", "nickname": "Daily", "mask": "0001",
				"balances": {
					"currency": "USD", "available": 12.50, "current": -0.00, "limit": 1.5e3, "balance_date": "2024-02-29T12:00:00Z"
				}
			}],
			"transactions": [{
				"transaction_id": "7", "account_id": "1", "amount": "-0.10", "date": "2024-02-29", "description": "Kaffee", "type": "food"
			}]
		}`,
	},
	"import_transactions": {
		least: `{"transactions":[]}`,
		full: `{"transactions":[{
			"transaction_id": "8", "account_id": "1", "amount": "12.00", "date": "2024-03-01T10:00:00Z", "description": "Tee", "type": "x"
		}]}`,
	},
	"update_link":        {least: `{}`, full: `{"webhook":"https://app.test/hook","link_tags":["a"],"tags":["b"]}`},
	"refresh_products":   {least: `{"products":["accounts"]}`},
	"correct_enrichment": {least: `{"category":"travel"}`, full: `{"category":"travel","subcategory":"taxi"}`},
	"trigger_test_link_webhook_event": {
		least: `{"webhook_event":"link.state_changed","webhook_idempotency_key":"k"}`,
	},
}

// fullBody returns the fullest body of an operation.
func fullBody(id string) string {
	if b := plainBodies[id]; b.full != "" {
		return b.full
	}
	return plainBodies[id].least
}

// scene contains the objects of requests.
type scene struct{ user, link, imported, account, txn string }

// set creates the links of requests.
func (p *plain) set(t *testing.T) scene {
	t.Helper()
	s := scene{user: "user 1/é%&?#"}
	s.link = p.link(t, s.user, `,"webhook":"https://app.test/hook"`, `{}`)
	s.imported = p.ask(t, http.MethodPost, "/links/import", plainBodies["import_link"].full).success(t, 200)["link_id"].(string)
	page := p.ask(t, http.MethodGet, "/links/"+s.link+"/transactions", "").success(t, 200)
	require.NotEmpty(t, page["transactions"])
	row := page["transactions"].([]any)[0].(object)
	s.account, s.txn = row["account_id"].(string), row["transaction_id"].(string)
	return s
}

// attempt is a request to an operation.
type attempt struct {
	id, method, target, body, media string

	status int // of its success
	op     *openapi3.Operation
}

// prepare returns a request to an operation that succeeds once.
func (p *plain) prepare(t *testing.T, s scene, id string) attempt {
	t.Helper()
	link := s.link
	switch id {
	case "update_link", "delete_link", "reset_link": // They change the link.
		link = p.link(t, "user-3", "", `{}`)
	case "import_transactions":
		link = s.imported
	}
	a := p.about(t, s, id, link)
	if id == "exchange_token" {
		a.body = strings.ReplaceAll(a.body, "{token}", p.exchangeable(t, "user-3", "", `{}`))
	}
	return a
}

// about returns a request to an operation, about this link if the operation is about one.
func (p *plain) about(t *testing.T, s scene, id, link string) attempt {
	t.Helper()
	a := attempt{id: id, body: plainBodies[id].least}
	var path string
	for where, item := range p.oracle.doc.Paths.Map() {
		for method, op := range item.Operations() {
			if op.OperationID == id {
				path, a.method, a.op = where, method, op
			}
		}
	}
	require.NotNil(t, a.op, id)
	for status := range a.op.Responses.Map() {
		if n, err := strconv.Atoi(status); err == nil && n < 300 {
			a.status = n
		}
	}
	if a.body != "" {
		a.media = "application/json"
	}
	if id == "create_access_token" {
		a.media = "application/x-www-form-urlencoded"
		a.body = "grant_type=client_credentials&client_id=" + url.QueryEscape(p.id) + "&client_secret=" + url.QueryEscape(p.secret)
	}
	if strings.HasPrefix(path, "/users/") {
		link = url.PathEscape(s.user)
	}
	a.target = strings.NewReplacer(
		"{id}", link, "{account_id}", s.account, "{txn_id}", s.txn, "{institution_id}", "chase",
	).Replace(path)
	return a
}

// none is the value of a header that is not sent.
const none = "none"

// try sends an attempt with the access token and these headers, which replace its own.
func (p *plain) try(t *testing.T, a attempt, headers ...string) answered {
	t.Helper()
	all := []string{"Authorization: Bearer " + p.token}
	if a.media != "" {
		all = append(all, "Content-Type: "+a.media)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		all = slices.DeleteFunc(all, func(own string) bool { return strings.HasPrefix(own, name+": ") })
		if value != none {
			all = append(all, h)
		}
	}
	return p.send(t, a.method, a.target, a.body, all...)
}

// operationIDs lists the operations of the document.
func operationIDs(t *testing.T) []string {
	t.Helper()
	o, err := theOracle()
	require.NoError(t, err)
	var ids []string
	for _, item := range o.doc.Paths.Map() {
		for _, op := range item.Operations() {
			ids = append(ids, op.OperationID)
		}
	}
	slices.Sort(ids)
	return ids
}

// plainRequests sends each operation's request in all ways that do not change its meaning.
func plainRequests(t *testing.T, seen *heard) {
	t.Helper()
	t.Parallel()
	p := newPlain(t, seen)
	s := p.set(t)
	same := func(a attempt) attempt { return a }
	target := func(more string) func(attempt) attempt {
		return func(a attempt) attempt { a.target += more; return a }
	}
	tests := map[string]struct {
		change  func(attempt) attempt
		headers []string
	}{
		"as it is":                 {same, nil},
		"credentials in headers":   {same, []string{"Authorization: " + none, "X-Client-Id: " + p.id, "X-Client-Secret: " + p.secret}},
		"scheme in small letters":  {same, []string{"Authorization: bearer " + p.token}},
		"scheme in capitals":       {same, []string{"Authorization: BEARER " + p.token}},
		"known version":            {same, []string{"MoneyKit-Version: 2023-02-18"}},
		"empty version":            {same, []string{"MoneyKit-Version: "}},
		"compressed response":      {same, []string{"Accept-Encoding: gzip, deflate, br"}},
		"other media accepted":     {same, []string{"Accept: text/html"}},
		"headers of other clients": {same, []string{"X-Stainless-Lang: js", "Cookie: a=b", "X-HTTP-Method-Override: DELETE"}},
		"last on the connection":   {same, []string{"Connection: close"}},
		"made elsewhere":           {same, []string{"Origin: https://app.test", "X-Forwarded-For: 203.0.113.7", "Via: 1.1 proxy"}},
		"unknown parameters":       {target("?zzz=1&a[]=2&page%5B%5D=x&Limit=0&flag&%C3%A9=%C3%A9"), nil},
		"empty query":              {target("?"), nil},
	}
	for _, id := range operationIDs(t) {
		t.Run(id, func(t *testing.T) {
			for name, tt := range tests {
				a := p.prepare(t, s, id)
				r := p.try(t, tt.change(a), tt.headers...)
				r.success(t, a.status)
				assert.Equal(t, id, r.operation)
				assert.NotContains(t, r.header, "Content-Encoding", name)
			}
		})
	}
}
