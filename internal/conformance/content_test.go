package conformance

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// This file varies the contents of requests and responses, from the least to all members in the
// document.

// sessions opens link sessions with all members and with few, and some that are refused.
func sessions(t *testing.T, seen *tally) {
	t.Helper()
	t.Parallel()
	w := newWire(t, moneykittest.NewServer(t, moneykittest.WithRedirectOrigins("https://app.test")), seen)
	client := w.client(t, moneykit.WithHeaderAuth())
	create := func(change func(*moneykit.LinkSessionParams)) error {
		params := leastSession()
		change(&params)
		_, err := client.LinkSessions.Create(t.Context(), params)
		return err
	}
	for name, change := range map[string]func(*moneykit.LinkSessionParams){
		"another origin":      func(p *moneykit.LinkSessionParams) { p.RedirectURI = "https://app.test:8443/oauth" },
		"unknown institution": func(p *moneykit.LinkSessionParams) { p.InstitutionID = "no-bank" },
		"unknown link":        func(p *moneykit.LinkSessionParams) { p.ExistingLinkID = "mk_unknown" },
	} {
		t.Log(name)
		failed(t, create(change), 403, moneykit.ErrorCodeLinkSessionForbiddenConfig)
	}
	for name, change := range map[string]func(*moneykit.LinkSessionParams){
		"empty settings": func(p *moneykit.LinkSessionParams) { p.Settings = &moneykit.LinkSessionSettings{} },
		"empty products": func(p *moneykit.LinkSessionParams) {
			p.Settings = &moneykit.LinkSessionSettings{Products: &moneykit.SessionProducts{Identity: &moneykit.ProductSettings{}}}
		},
		"empty features": func(p *moneykit.LinkSessionParams) { p.ConnectFeatures = &moneykit.ConnectFeatures{} },
		"empty data":     func(p *moneykit.LinkSessionParams) { p.CustomSandboxData = &moneykit.CustomSandboxData{} },
		"empty lists":    func(p *moneykit.LinkSessionParams) { p.Tags = []string{} },
	} {
		t.Log(name)
		require.NoError(t, create(change))
	}

	_ = w.take()
	link := w.mk.AddLink(moneykittest.LinkSpec{})
	_, err := client.LinkSessions.Create(t.Context(), fullSession(link.ID))
	require.NoError(t, err)
	x := w.last(t)
	require.NoError(t, errors.Join(x.request, x.response))
	params := w.oracle.doc.Components.Schemas["LinkSessionParams"].Value
	assert.Empty(t, leftOut(params, decode(t, x.sent), ""), "everything in the document has its place in Go")
}

// links reads links in every state and with every reason that the document lists.
func links(t *testing.T, seen *tally) {
	t.Helper()
	t.Parallel()
	w := newWire(t, moneykittest.NewServer(t), seen)
	client := w.client(t)
	schemas := w.oracle.doc.Components.Schemas
	var specs []moneykittest.LinkSpec
	for _, state := range schemas["LinkState"].Value.Enum {
		specs = append(specs, moneykittest.LinkSpec{State: moneykit.LinkState(state.(string))})
	}
	for _, reason := range schemas["LinkError"].Value.Enum {
		specs = append(specs, moneykittest.LinkSpec{Error: moneykit.LinkError(reason.(string))})
	}
	for _, product := range schemas["Product"].Value.Enum {
		p := []moneykit.Product{moneykit.Product(product.(string))}
		specs = append(specs, moneykittest.LinkSpec{Products: p}, moneykittest.LinkSpec{NotPermitted: p})
	}
	specs = append(specs,
		moneykittest.LinkSpec{InstitutionID: moneykittest.OAuthBank, Webhook: "https://app.test/hook", Tags: []string{"a", ""}},
		moneykittest.LinkSpec{Products: []moneykit.Product{}, Accounts: []moneykit.Account{}},
	)
	for _, spec := range specs {
		added := w.mk.AddLink(spec)
		link, err := client.Links.Get(t.Context(), added.ID)
		require.NoError(t, err)
		assert.Equal(t, &added, link)
		_, err = client.Accounts.List(t.Context(), link.ID, moneykit.AccountListParams{})
		switch {
		case link.State == moneykit.LinkStateDeleted:
			failed(t, err, 410, moneykit.ErrorCodeLinkDeleted)
		case link.State != moneykit.LinkStateConnected:
			e := failed(t, err, 422, moneykit.ErrorCodeLinkBadState)
			assert.True(t, e.LinkError.Known(), "%q", e.LinkError)
		case link.Products.Accounts == nil:
			failed(t, err, 403, moneykit.ErrorCodeLinkForbiddenAction)
		default:
			require.NoError(t, err)
		}
	}
	for _, id := range []string{"mk_unknown", "a:b c?d=é%#\"", ".x"} {
		_, err := client.Links.Get(t.Context(), id)
		failed(t, err, 404, moneykit.ErrorCodeLinkNotFound)
		_, err = client.Accounts.List(t.Context(), id, moneykit.AccountListParams{})
		failed(t, err, 404, moneykit.ErrorCodeLinkNotFound)
		failed(t, client.Links.Delete(t.Context(), id), 404, moneykit.ErrorCodeLinkNotFound)
	}
}

// accounts reads accounts with everything in them, and with nothing.
func accounts(t *testing.T, seen *tally) {
	t.Helper()
	t.Parallel()
	w := newWire(t, moneykittest.NewServer(t), seen)
	full := moneykit.Account{
		ID: "acc_1", Type: "liability.credit_card", Name: "Card", Nickname: "Plastic", Mask: "0001", OriginalID: "7",
		Balances: moneykit.Balances{
			Currency: "USD", Available: number("-0.00"), Current: number("12345678901234567890.123456789"), Limit: number("1.5e3"),
			Date: moneykit.Timestamp{Time: time.Date(2024, 2, 29, 23, 59, 59, 999999999, time.FixedZone("", 5*3600+1800))},
		},
	}
	link := w.mk.AddLink(moneykittest.LinkSpec{Accounts: []moneykit.Account{full, {}}})
	list, err := w.client(t).Accounts.List(t.Context(), link.ID, moneykit.AccountListParams{})
	require.NoError(t, err)
	require.Len(t, list.Accounts, 2)
	assert.True(t, full.Balances.Date.Equal(list.Accounts[0].Balances.Date.Time))
	list.Accounts[0].Balances.Date = full.Balances.Date // equal, apart from the name of the zone
	assert.Equal(t, full, list.Accounts[0])

	x := w.last(t)
	require.NoError(t, errors.Join(x.request, x.response))
	account := w.oracle.doc.Components.Schemas["Account"].Value
	assert.Equal(t, []string{"/closed"}, leftOut(account, decode(t, x.got)["accounts"].([]any)[0], ""),
		"closed accounts are not listed; everything else of the document has its place in Go")
}

// number returns nil for a value that is not a number.
func number(s string) *moneykit.Decimal {
	d, err := moneykit.ParseDecimal(s)
	if err != nil {
		return nil
	}
	return &d
}

// decode reads an object.
func decode(t *testing.T, text []byte) object {
	t.Helper()
	var value object
	require.NoError(t, json.Unmarshal(text, &value), "%s", text)
	return value
}

// leftOut returns the paths of the properties of a schema that value lacks. For a list it checks
// the first item.
func leftOut(schema *openapi3.Schema, value any, path string) []string {
	var paths []string
	switch v := value.(type) {
	case nil:
		return []string{path}
	case object:
		for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
			paths = append(paths, leftOut(schema.Properties[name].Value, v[name], path+"/"+name)...)
		}
	case []any:
		if len(v) == 0 {
			return []string{path}
		}
		return leftOut(schema.Items.Value, v[0], path)
	}
	return paths
}
