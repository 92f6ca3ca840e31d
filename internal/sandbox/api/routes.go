package api

// route is one operation of the API.
type route struct {
	operation string // the operationId
	pattern   string
	handle    func(*API, *call) reply
	scope     string // required scope of the credentials; "" for none
	public    bool   // needs no authentication
}

// routes lists the operations.
func routes() []route {
	return []route{
		{"create_access_token", "POST /auth/token", (*API).createAccessToken, "", true},
		{"instrospect_client", "GET /auth/introspect", (*API).introspect, "", false},
		{"get_well_known_jwks", "GET /.well-known/jwks.json", (*API).getWellKnownJWKS, "", true},
		{"create_link_session", "POST /link-session", (*API).createLinkSession, linksScope, false},
		{"exchange_token", "POST /link-session/exchange-token", (*API).exchangeToken, linksScope, false},

		{"get_links", "GET /links", (*API).getLinks, readScope, false},
		{"import_link", "POST /links/import", (*API).importLink, linksScope, false},
		{"get_link", "GET /links/{id}", (*API).getLink, readScope, false},
		{"update_link", "PATCH /links/{id}", (*API).updateLink, linksScope, false},
		{"delete_link", "DELETE /links/{id}", (*API).deleteLink, linksScope, false},
		{"reset_link", "POST /links/{id}/reset", (*API).resetLink, linksScope, false},
		{"import_transactions", "POST /links/{id}/import/transactions", (*API).importTransactions, linksScope, false},
		{"refresh_products", "POST /links/{id}/products", (*API).refreshProducts, refreshScope, false},

		{"get_accounts", "GET /links/{id}/accounts", (*API).getAccounts, readScope, false},
		{"get_account_numbers", "GET /links/{id}/accounts/numbers", (*API).getAccountNumbers, readScope, false},
		{"get_account", "GET /links/{id}/accounts/{account_id}", (*API).getAccount, readScope, false},
		{"get_identities", "GET /links/{id}/identity", (*API).getIdentities, readScope, false},
		{"get_transactions", "GET /links/{id}/transactions", (*API).getTransactions, readScope, false},
		{"get_transactions_sync", "GET /links/{id}/transactions/sync", (*API).syncTransactions, readScope, false},
		{"correct_enrichment", "POST /links/{id}/transactions/{txn_id}/enrichment", (*API).correctEnrichment, linksScope, false},
		{"get_holdings", "GET /links/{id}/investments/holdings", (*API).getHoldings, readScope, false},
		{"get_investment_transactions", "GET /links/{id}/investments/transactions", (*API).getInvestmentTransactions, readScope, false},

		{"get_user_accounts", "GET /users/{id}/accounts", (*API).getUserAccounts, readScope, false},
		{"get_user_links", "GET /users/{id}/links", (*API).getUserLinks, readScope, false},
		{"get_user_transactions", "GET /users/{id}/transactions", (*API).getUserTransactions, readScope, false},

		{"get_institutions", "GET /institutions", (*API).getInstitutions, institutionsScope, false},
		{"get_institution", "GET /institutions/{institution_id}", (*API).getInstitution, institutionsScope, false},
		{"trigger_test_link_webhook_event", "POST /webhooks/test/link/{id}", (*API).triggerTestWebhook, linksScope, false},
	}
}
