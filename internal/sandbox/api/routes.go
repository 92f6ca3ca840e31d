package api

// route is one operation of the API.
type route struct {
	operation string // the operationId
	pattern   string
	handle    func(*API, *call) reply
	scope     string // required of the credentials; "" for none
	public    bool   // needs no authentication
	limits    []limit
}

// routes lists the operations.
func routes() []route {
	return []route{
		{"create_access_token", "POST /auth/token", (*API).createAccessToken, "", true, []limit{{perClient, 300}}},
		{"instrospect_client", "GET /auth/introspect", (*API).introspect, "", false, nil},
		{"get_well_known_jwks", "GET /.well-known/jwks.json", (*API).getWellKnownJWKS, "", true, nil},
		{"create_link_session", "POST /link-session", (*API).createLinkSession, linksScope, false, []limit{{perUser, 20}, {perApp, 1200}}},
		{"exchange_token", "POST /link-session/exchange-token", (*API).exchangeToken, linksScope, false, nil},

		{"get_links", "GET /links", (*API).getLinks, readScope, false, []limit{{perApp, 600}}},
		{"import_link", "POST /links/import", (*API).importLink, linksScope, false, []limit{{perApp, 60}}},
		{"get_link", "GET /links/{id}", (*API).getLink, readScope, false, []limit{{perLink, 15}, {perApp, 1000}}},
		{"update_link", "PATCH /links/{id}", (*API).updateLink, linksScope, false, []limit{{perLink, 4}, {perApp, 600}}},
		{"delete_link", "DELETE /links/{id}", (*API).deleteLink, linksScope, false, []limit{{perApp, 600}}},
		{"reset_link", "POST /links/{id}/reset", (*API).resetLink, linksScope, false, nil},
		{"import_transactions", "POST /links/{id}/import/transactions", (*API).importTransactions, linksScope, false, nil},
		{"refresh_products", "POST /links/{id}/products", (*API).refreshProducts, refreshScope, false, nil},

		{"get_accounts", "GET /links/{id}/accounts", (*API).getAccounts, readScope, false, []limit{{perLink, 4}, {perApp, 600}}},
		{"get_account_numbers", "GET /links/{id}/accounts/numbers", (*API).getAccountNumbers, readScope, false, []limit{{perLink, 3}, {perApp, 600}}},
		{"get_account", "GET /links/{id}/accounts/{account_id}", (*API).getAccount, readScope, false, []limit{{perLink, 15}, {perApp, 600}}},
		{"get_identities", "GET /links/{id}/identity", (*API).getIdentities, readScope, false, []limit{{perLink, 3}, {perApp, 600}}},
		{"get_transactions", "GET /links/{id}/transactions", (*API).getTransactions, readScope, false, nil},
		{"get_transactions_sync", "GET /links/{id}/transactions/sync", (*API).syncTransactions, readScope, false, nil},
		{"correct_enrichment", "POST /links/{id}/transactions/{txn_id}/enrichment", (*API).correctEnrichment, linksScope, false, nil},
		{"get_holdings", "GET /links/{id}/investments/holdings", (*API).getHoldings, readScope, false, nil},
		{"get_investment_transactions", "GET /links/{id}/investments/transactions", (*API).getInvestmentTransactions, readScope, false, nil},

		{"get_user_accounts", "GET /users/{id}/accounts", (*API).getUserAccounts, readScope, false, nil},
		{"get_user_links", "GET /users/{id}/links", (*API).getUserLinks, readScope, false, nil},
		{"get_user_transactions", "GET /users/{id}/transactions", (*API).getUserTransactions, readScope, false, nil},

		{"get_institutions", "GET /institutions", (*API).getInstitutions, institutionsScope, false, []limit{{perApp, 30}}},
		{"get_institution", "GET /institutions/{institution_id}", (*API).getInstitution, institutionsScope, false, []limit{{perApp, 400}}},
		{"trigger_test_link_webhook_event", "POST /webhooks/test/link/{id}", (*API).triggerTestWebhook, linksScope, false, nil},
	}
}
