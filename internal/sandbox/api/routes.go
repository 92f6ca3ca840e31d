package api

// route is one operation of the API.
type route struct {
	operation string // the operationId
	pattern   string
	handle    func(*API, *call) reply
	public    bool // needs no authentication
	limits    []limit
}

// routes lists the operations, and last the route of all other requests.
func routes() []route {
	return []route{
		{"create_access_token", "POST /auth/token", (*API).createAccessToken, true, []limit{{perClient, 300}}},
		{"instrospect_client", "GET /auth/introspect", (*API).introspect, false, nil},
		{"get_well_known_jwks", "GET /.well-known/jwks.json", (*API).getWellKnownJWKS, true, nil},
		{"create_link_session", "POST /link-session", (*API).createLinkSession, false, []limit{{perUser, 20}, {perApp, 1200}}},
		{"exchange_token", "POST /link-session/exchange-token", (*API).exchangeToken, false, nil},

		{"get_links", "GET /links", (*API).getLinks, false, []limit{{perApp, 600}}},
		{"import_link", "POST /links/import", (*API).importLink, false, []limit{{perApp, 60}}},
		{"get_link", "GET /links/{id}", (*API).getLink, false, []limit{{perLink, 15}, {perApp, 1000}}},
		{"update_link", "PATCH /links/{id}", (*API).updateLink, false, []limit{{perLink, 4}, {perApp, 600}}},
		{"delete_link", "DELETE /links/{id}", (*API).deleteLink, false, []limit{{perApp, 600}}},
		{"reset_link", "POST /links/{id}/reset", (*API).resetLink, false, nil},
		{"import_transactions", "POST /links/{id}/import/transactions", (*API).importTransactions, false, nil},
		{"refresh_products", "POST /links/{id}/products", (*API).refreshProducts, false, nil},

		{"get_accounts", "GET /links/{id}/accounts", (*API).getAccounts, false, []limit{{perLink, 4}, {perApp, 600}}},
		{"get_account_numbers", "GET /links/{id}/accounts/numbers", (*API).getAccountNumbers, false, []limit{{perLink, 3}, {perApp, 600}}},
		{"get_account", "GET /links/{id}/accounts/{account_id}", (*API).getAccount, false, []limit{{perLink, 15}, {perApp, 600}}},
		{"get_identities", "GET /links/{id}/identity", (*API).getIdentities, false, []limit{{perLink, 3}, {perApp, 600}}},
		{"get_transactions", "GET /links/{id}/transactions", (*API).getTransactions, false, nil},
		{"get_transactions_sync", "GET /links/{id}/transactions/sync", (*API).syncTransactions, false, nil},
		{"correct_enrichment", "POST /links/{id}/transactions/{txn_id}/enrichment", (*API).correctEnrichment, false, nil},
		{"get_holdings", "GET /links/{id}/investments/holdings", (*API).getHoldings, false, nil},
		{"get_investment_transactions", "GET /links/{id}/investments/transactions", (*API).getInvestmentTransactions, false, nil},

		{"get_user_accounts", "GET /users/{id}/accounts", (*API).getUserAccounts, false, nil},
		{"get_user_links", "GET /users/{id}/links", (*API).getUserLinks, false, nil},
		{"get_user_transactions", "GET /users/{id}/transactions", (*API).getUserTransactions, false, nil},

		{"get_institutions", "GET /institutions", (*API).getInstitutions, false, []limit{{perApp, 30}}},
		{"get_institution", "GET /institutions/{institution_id}", (*API).getInstitution, false, []limit{{perApp, 400}}},
		{"trigger_test_link_webhook_event", "POST /webhooks/test/link/{id}", (*API).triggerTestWebhook, false, nil},

		{"", "/", (*API).unknownRoute, true, nil},
	}
}
