package conformance

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/moneykittest"
)

// This file tests the members of responses: it reads data of all kinds.

// neverThere are the members that moneykittest does not make up.
var neverThere = map[member]bool{
	{"Account", "closed"}:               true, // closed accounts are not listed
	{"AccountIdentity", "closed"}:       true,
	{"AccountWithNumbers", "closed"}:    true,
	{"AppClient", "disabled_at"}:        true, // a disabled client could not ask
	{"BasicLinkProduct", "unavailable"}: true, // all products can be refreshed
	{"LinkedProduct", "unavailable"}:    true,

	{"Institution", "color_dark"}:           true,
	{"InvestmentTransaction", "forex_rate"}: true,
	{"Security", "sedol"}:                   true,
	{"TransactionProcessor", "logo"}:        true,
}

// neverNull are the optional members that always have a value, also with WithNulls.
var neverNull = map[member]bool{
	{"LinkPage", "links"}:       true, // whether MoneyKit has null for these lists is not known
	{"LinkPage", "next_cursor"}: true, // its default is an empty text

	{"AccountGroup", "last_synced_at"}:               true, // accounts are fetched when a link is made
	{"BasicAccount", "last_synced_at"}:               true,
	{"Link", "last_synced_at"}:                       true,
	{"LinkProducts", "accounts"}:                     true,
	{"Balances", "currency"}:                         true,
	{"Balances", "balance_date"}:                     true,
	{"Holding", "value"}:                             true,
	{"Institution", "domain"}:                        true,
	{"TransactionCategory", "confidence"}:            true,
	{"TransactionSubcategory", "confidence"}:         true,
	{"TransactionMerchant", "id"}:                    true,
	{"TransactionMerchant", "name"}:                  true,
	{"TransactionMerchant", "logo"}:                  true,
	{"TransactionMerchant", "confidence"}:            true,
	{"TransactionProcessor", "id"}:                   true,
	{"TransactionProcessor", "name"}:                 true,
	{"TransactionProcessor", "confidence"}:           true,
	{"TransactionRecurrence", "frequency"}:           true,
	{"TransactionRecurrence", "next_predicted_date"}: true,
}

// plainShapes reads links of all kinds.
func plainShapes(t *testing.T, seen *heard) {
	t.Helper()
	t.Parallel()
	readShapes(t, newPlain(t, seen, moneykittest.WithRefreshDelay(time.Minute)))
}

// plainNulls reads the same data with WithNulls.
func plainNulls(t *testing.T, seen *heard) {
	t.Helper()
	t.Parallel()
	readShapes(t, newPlain(t, seen, moneykittest.WithRefreshDelay(time.Minute), moneykittest.WithNulls()))
}

func readShapes(t *testing.T, p *plain) {
	t.Helper()
	s := p.set(t)
	for _, id := range operationIDs(t) {
		a := p.prepare(t, s, id)
		p.try(t, a).success(t, a.status)
	}
	p.readAll(t, s.link)

	// Numbers of accounts differ by country.
	countries := map[any]bool{}
	for _, in := range p.ask(t, http.MethodGet, "/institutions?limit=1000", "").success(t, http.StatusOK)["institutions"].([]any) {
		if country := in.(object)["country"]; !countries[country] {
			countries[country] = true
			p.readAll(t, p.link(t, "user-4", "", `{"institution":`+quote(in.(object)["institution_id"].(string))+`}`))
		}
	}
	assert.Len(t, countries, 3)

	// All that an app can ask for and a user can have, and as little.
	settings := `,"settings":{"products":{
		"account_numbers":{"required":true,"require_permission":true,"reason":"pay you"},
		"identity":{"required":true,"reason":"greet you"},
		"transactions":{"required":true,"require_permission":true,"prefetch":true,"reason":"advise you"},
		"investments":{}
	}},"link_tags":["a"]`
	data := `,"custom_sandbox_data":{
		"accounts":[{"account_type":"depository.checking","name":"Giro","account_number":"1"}],
		"owners":[{"names":["Jane"],"addresses":[{}],"phone_numbers":[{"number":"1","type":"work"}],"emails":[{"address":"a@b"}]}]
	}`
	accounts := `{"new_accounts":[
		{"account_type":"depository.checking","name":"Full","nickname":"Daily","account_mask":"1","original_id":"7","balances":{"limit":1}},
		{"account_type":"depository.savings","name":"Empty","balances":{}}
	]}`
	p.readAll(t, p.link(t, "user-5", settings, accounts))
	p.readAll(t, p.link(t, "user-6", data, `{"username":"user_custom"}`))
	none := p.link(t, "user-7", `,"settings":{"products":{"identity":{"prefetch":false},"transactions":{}}}`, `{}`)
	p.ask(t, http.MethodGet, "/links/"+none, "").success(t, http.StatusOK)
	p.ask(t, http.MethodGet, "/links/"+none+"/identity", "").success(t, http.StatusOK)
	declined := p.link(t, "user-8", "", `{"decline":["transactions"]}`)
	p.ask(t, http.MethodGet, "/links/"+declined, "").success(t, http.StatusOK)

	// Imported links keep the app's ids when they are connected.
	little := strings.Replace(plainBodies["import_link"].least, "[]", `[{"account_id":"1","amount":"1","date":"2024-02-29"}]`, 1)
	least := p.ask(t, http.MethodPost, "/links/import", little).success(t, http.StatusOK)["link_id"].(string)
	for _, imported := range []string{s.imported, least} {
		p.play(t, p.session(t, "user-2", `,"existing_link_id":`+quote(imported)), `{}`)
		p.readAll(t, imported)
	}

	// A refresh fails.
	products := `{"products":["accounts","account_numbers","identity","transactions","investments"]}`
	p.ask(t, http.MethodPost, "/links/"+s.link+"/products", products).success(t, http.StatusAccepted)
	p.mk.Break(s.link, "auth_expired")
	p.mk.Advance(time.Minute)
	p.ask(t, http.MethodGet, "/links/"+s.link, "").success(t, http.StatusOK)
	p.ask(t, http.MethodGet, "/users/"+url.PathEscape(s.user)+"/links", "").success(t, http.StatusOK)
}

// readAll reads all data of a link.
func (p *plain) readAll(t *testing.T, link string) {
	t.Helper()
	for _, path := range []string{
		"", "/accounts", "/accounts/numbers", "/identity", "/transactions?size=1000", "/transactions/sync?size=500",
		"/investments/holdings", "/investments/transactions?size=1000",
	} {
		if r := p.ask(t, http.MethodGet, "/links/"+link+path, ""); r.status != http.StatusForbidden { // a product that it does not have
			r.success(t, http.StatusOK)
		}
	}
}

// plainMoments checks that all times have the form of WithZonelessTimestamps.
func plainMoments(t *testing.T, _ *heard) {
	t.Helper()
	t.Parallel()
	p := newPlain(t, nil, moneykittest.WithZonelessTimestamps())
	p.zoneless = true
	s := p.set(t)
	moments := 0
	for _, id := range operationIDs(t) {
		a := p.prepare(t, s, id)
		r := p.try(t, a)
		require.Equal(t, a.status, r.status, id)
		media := a.op.Responses.Status(a.status).Value.Content["application/json"]
		if media == nil {
			continue
		}
		eachMember(media.Schema, decode(t, r.text), func(m member, schema *openapi3.Schema, value any, _ bool) {
			text, ok := value.(string)
			switch {
			case !ok:
			case schema.Format == "date-time":
				assert.Regexp(t, `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$`, text, "%v", m)
				moments++
			case schema.Format == "date":
				assert.Regexp(t, `^\d{4}-\d\d-\d\d$`, text, "%v", m)
			}
		})
	}
	assert.Greater(t, moments, 100)
}
