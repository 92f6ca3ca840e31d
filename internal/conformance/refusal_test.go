package conformance

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// This file sends requests that the document allows, and requests that it does not.

// requests sends every operation with its required members, and with all members.
func requests(t *testing.T, seen *tally) {
	t.Helper()
	for _, op := range operations() {
		for way, opts := range ways {
			t.Run(op.id+" "+way, func(t *testing.T) {
				t.Parallel()
				w := newWire(t, moneykittest.NewServer(t), seen)
				client := w.client(t, opts...)
				require.NoError(t, op.call(t.Context(), w, client, op.link(t, w)))
				x := w.last(t)
				if op.full != nil {
					assert.NoError(t, x.request, "%s", x.sent)
					assert.NoError(t, x.response, "%s", x.got)
					if err := op.full(t.Context(), w, client, op.link(t, w)); err != nil {
						// The full query includes a cursor, which no response contained.
						e := failed(t, err, 422, moneykit.ErrorCodeValidationFailed)
						require.Len(t, e.Fields, 1)
						assert.Equal(t, "query.cursor", e.Fields[0].Field)
					}
					x = w.last(t)
				}
				assert.Equal(t, op.id, x.operation)
				assert.NoError(t, x.request, "%s", x.sent)
				assert.NoError(t, x.response, "%s", x.got)
				declared := w.oracle.operation(t, op.id)
				for _, p := range declared.Parameters {
					if p.Value.In == "query" && !p.Value.Deprecated {
						assert.Contains(t, x.again.URL.Query(), p.Value.Name)
					}
				}
				if declared.RequestBody != nil && declared.RequestBody.Value.Content["application/json"] != nil {
					schema := declared.RequestBody.Value.Content["application/json"].Schema.Value
					assert.Equal(t, op.leftOut, leftOut(schema, decode(t, x.sent), ""),
						"everything in the document has its place in Go")
				}
			})
		}
	}
}

// refusals sends operations about links in states that do not allow them.
func refusals(t *testing.T, seen *tally) {
	t.Helper()
	t.Parallel()
	all := []moneykit.Product{}
	o, err := theOracle()
	require.NoError(t, err)
	for _, product := range o.doc.Components.Schemas["Product"].Value.Enum {
		all = append(all, moneykit.Product(product.(string)))
	}
	unfit := map[string][]moneykittest.LinkSpec{
		"link_error.not_found":        {{}}, // the link does not exist
		"link_error.deleted":          {{State: moneykit.LinkStateDeleted}},
		"link_error.forbidden_action": {{NotPermitted: all}},
		"link_error.bad_config":       {{}}, // it has no webhook
		"link_error.bad_state": {
			{State: moneykit.LinkStateConnecting},
			{State: moneykit.LinkStateAwaitingTokenExchange},
			{Error: moneykit.LinkErrorAuthExpired},
			{Error: moneykit.LinkErrorInstitutionError},
		},
	}
	for a, why := range answers {
		if why != byItself || unfit[a.code] == nil {
			continue
		}
		t.Run(a.operation+" "+a.code, func(t *testing.T) {
			t.Parallel()
			w := newWire(t, moneykittest.NewServer(t), seen)
			op := operationOf(t, a.operation)
			for _, spec := range unfit[a.code] {
				id := "mk_unknown"
				if a.code != "link_error.not_found" {
					id = w.mk.AddLink(spec).ID
				}
				err := op.call(t.Context(), w, w.client(t), id)
				if op.id == "reset_link" && spec.Error != "" {
					require.NoError(t, err, "one that is broken can be")
					continue
				}
				e := failed(t, err, a.status, moneykit.ErrorCode(a.code))
				assert.Equal(t, a.code == "link_error.bad_state", e.LinkError.Known(), "%q", e.LinkError)
			}
		})
	}
	t.Run("parts", func(t *testing.T) {
		t.Parallel()
		w := newWire(t, moneykittest.NewServer(t), seen)
		client := w.client(t)
		link := w.mk.AddLink(moneykittest.LinkSpec{}).ID
		_, err := client.Accounts.Get(t.Context(), link, "acc_unknown")
		failed(t, err, 404, moneykit.ErrorCodeLinkNotFound)
		_, err = client.Transactions.CorrectEnrichment(t.Context(), link, "txn_unknown", moneykit.EnrichmentParams{Category: moneykit.CategoryHome})
		failed(t, err, 404, moneykit.ErrorCodeLinkNotFound)
		for _, id := range []string{"unknown", "a:b c?d=é%#\"", "mx."} {
			_, err = client.Institutions.Get(t.Context(), id)
			failed(t, err, 404, moneykit.ErrorCodeInstitutionNotFound)
		}
	})
}

// operationOf returns an operation by its id.
func operationOf(t *testing.T, id string) operation {
	t.Helper()
	all := operations()
	i := slices.IndexFunc(all, func(op operation) bool { return op.id == id })
	require.GreaterOrEqual(t, i, 0, id)
	return all[i]
}

// malformed sends requests that neither the document nor moneykittest accepts.
func malformed(t *testing.T, seen *tally) {
	t.Helper()
	t.Parallel()
	const (
		session, exchange       = "POST /link-session", "POST /link-session/exchange-token"
		imports, links          = "POST /links/import", "GET /links?"
		rows, update            = "POST /links/{id}/import/transactions", "PATCH /links/{id}"
		refresh, enrich         = "POST /links/{id}/products", "POST /links/{id}/transactions/txn_1/enrichment"
		list, trades            = "GET /links/{id}/transactions?", "GET /links/{id}/investments/transactions?"
		sync, event             = "GET /links/{id}/transactions/sync?", "POST /webhooks/test/link/{id}"
		userAccounts, userTrans = "GET /users/abcd/accounts?", "GET /users/abcd/transactions?"
		institutions            = "GET /institutions?"
	)
	w := newWire(t, moneykittest.NewServer(t), seen)
	client := w.client(t, moneykit.WithHeaderAuth())
	imported, err := client.Links.Import(t.Context(), fullImport())
	require.NoError(t, err)
	for _, tt := range []struct{ path, sent, place string }{
		{session, `{}`, "body.customer_user"},
		{session, `[]`, "body"},
		{session, `{"customer_user":{"id":null},"redirect_uri":"x://y"}`, "body.customer_user.id"},
		{session, `{"customer_user":{"id":"abc"},"redirect_uri":"x://y"}`, "body.customer_user.id"},
		{session, `{"customer_user":{"id":"user"},"redirect_uri":""}`, "body.redirect_uri"},
		{session, `{"customer_user":{"id":"user"},"redirect_uri":"x://y","link_tags":["a","-"]}`, "body.link_tags.1"},
		{session, `{"customer_user":{"id":"user"},"redirect_uri":"x://y","settings":{"countries":["FR"]}}`, "body.settings.countries.0"},
		{session, `{"customer_user":{"id":"user"},"redirect_uri":"x://y","webhook":7}`, "body.webhook"},
		{
			session, `{"customer_user":{"id":"user"},"redirect_uri":"x://y","connect_features":{"connect_manually":1}}`,
			"body.connect_features.connect_manually",
		},
		{exchange, `{}`, "body.exchangeable_token"},
		{exchange, `{"exchangeable_token":7}`, "body.exchangeable_token"},
		{imports, `{}`, "body.customer_user"},
		{imports, `{"customer_user":{"id":"user"},"institution_id":"","accounts":[],"transactions":[]}`, "body.accounts"},
		{
			imports, `{"customer_user":{"id":"user"},"institution_id":"",
				"accounts":[{"account_id":"","name":"","type":"","balances":{"limit":"1"}}],"transactions":[]}`,
			"body.accounts.0.balances.limit",
		},
		{
			imports, `{"customer_user":{"id":"user"},"institution_id":"","accounts":[{"account_id":"","name":"","type":"","balances":{}}]}`,
			"body.transactions",
		},
		{rows, `{}`, "body.transactions"},
		{rows, `{"transactions":[{"account_id":"1","amount":1,"date":"2024-02-29"}]}`, "body.transactions.0.amount"},
		{rows, `{"transactions":[{"account_id":"1","amount":"1","date":"2024-02-32"}]}`, "body.transactions.0.date"},
		{update, `{"webhook":""}`, "body.webhook"},
		{update, `{"link_tags":null}`, "body.link_tags"},
		{update, `{"link_tags":["-"]}`, "body.link_tags.0"},
		{refresh, `{}`, "body.products"},
		{refresh, `{"products":[]}`, "body.products"},
		{refresh, `{"products":["identity","mood"]}`, "body.products.1"},
		{enrich, `{}`, "body.category"},
		{enrich, `{"category":"mood"}`, "body.category"},
		{enrich, `{"category":"home","subcategory":"mood"}`, "body.subcategory"},
		{event, `{}`, "body.webhook_event"},
		{event, `{"webhook_event":"link.mood","webhook_idempotency_key":"k"}`, "body.webhook_event"},
		{links, `limit=499`, "query.limit"},
		{links, `limit=5001`, "query.limit"},
		{links, `limit=many`, "query.limit"},
		{list, `page=0`, "query.page"},
		{list, `size=1001`, "query.size"},
		{list, `start_date=2024-02-32`, "query.start_date"},
		{list, `end_date=tomorrow`, "query.end_date"},
		{sync, `size=0`, "query.size"},
		{sync, `size=501`, "query.size"},
		{trades, `page=0`, "query.page"},
		{trades, `size=0`, "query.size"},
		{trades, `end_date=2024-13-01`, "query.end_date"},
		{userAccounts, `account_ids=`, "query.account_ids"},
		{userTrans, `account_id=a&account_id=`, "query.account_id"},
		{userTrans, `page=x`, "query.page"},
		{userTrans, `start_date=now`, "query.start_date"},
		{institutions, `limit=0`, "query.limit"},
		{institutions, `limit=1001`, "query.limit"},
		{institutions, `featured=perhaps`, "query.featured"},
	} {
		method, path, _ := strings.Cut(strings.ReplaceAll(tt.path, "{id}", imported.ID), " ")
		var err error
		if method == http.MethodGet {
			err = client.Do(t.Context(), method, path+tt.sent, nil, nil)
		} else {
			err = client.Do(t.Context(), method, path, json.RawMessage(tt.sent), nil)
		}
		e := failed(t, err, 422, moneykit.ErrorCodeValidationFailed)
		assert.NotEmpty(t, e.Fields)
		x := w.last(t)
		problems, _ := decode(t, x.got)["validation_errors"].([]any)
		require.NotEmpty(t, problems, "%s", x.got)
		var place []string
		for _, step := range problems[0].(object)["location"].([]any) {
			place = append(place, fmt.Sprint(step))
		}
		assert.Equal(t, tt.place, strings.Join(place, "."), tt.sent)
		require.Error(t, x.request, "%s %s", tt.path, tt.sent)
		assert.NoError(t, x.response, "%s", x.got)
	}
}
