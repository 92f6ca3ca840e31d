package world_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

func TestConnectInstitutions(t *testing.T) {
	t.Parallel()
	custom := &moneykit.CustomSandboxData{Accounts: []moneykit.CustomSandboxAccount{
		{AccountType: "depository.checking", Name: "Mine", AccountNumber: "000123456789", RoutingNumber: "021000021"},
		{AccountType: "liability.loan.mortgage", Name: "House", AccountNumber: "77"},
	}}
	tests := map[string]struct {
		session  string // institution_id of the link session
		custom   *moneykit.CustomSandboxData
		features *moneykit.ConnectFeatures
		play     world.Play
		bank     string
		accounts []string // names
		err      string
		mistake  bool
	}{
		"default":               {bank: "moneykit-instant-bank"},
		"chosen":                {play: world.Play{Institution: world.OAuthBank}, bank: "moneykit-oauth-bank"},
		"set by the session":    {session: world.OAuthBank, play: world.Play{Institution: world.InstantBank}, bank: "moneykit-oauth-bank"},
		"chosen by a user name": {play: world.Play{Username: "user_good"}, bank: "moneykit-creds-bank"},
		"user_good by default":  {play: world.Play{Institution: world.CredentialsBank}, bank: "moneykit-creds-bank"},
		"user_custom": {
			custom: custom, play: world.Play{Username: "user_custom"}, bank: "moneykit-creds-bank", accounts: []string{"Mine", "House"},
		},
		"user_good with custom data": {custom: custom, play: world.Play{Username: "user_good"}, bank: "moneykit-creds-bank"},
		"user_custom at another bank": {
			session: world.InstantBank, custom: custom, play: world.Play{Username: "user_custom"}, bank: "moneykit-instant-bank",
		},
		"unknown institution":             {play: world.Play{Institution: "no-bank"}, err: "unknown_institution", mistake: true},
		"unknown user":                    {play: world.Play{Username: "user_bad"}, err: "invalid_credentials"},
		"user_custom without custom data": {play: world.Play{Username: "user_custom"}, err: "no_accounts"},
		"some accounts": {
			play:     world.Play{Accounts: []string{"investment", "depository.savings"}},
			bank:     "moneykit-instant-bank",
			accounts: []string{"Rainy Day Savings", "Brokerage"},
		},
		"unknown accounts": {play: world.Play{Accounts: []string{"depository.prepaid"}}, err: "no_accounts", mistake: true},
		"one account": {
			features: &moneykit.ConnectFeatures{PermitOnlyOneAccount: true},
			bank:     "moneykit-instant-bank", accounts: []string{"Everyday Checking"},
		},
		"one of some": {
			features: &moneykit.ConnectFeatures{PermitOnlyOneAccount: true},
			play:     world.Play{Accounts: []string{"investment"}},
			bank:     "moneykit-instant-bank", accounts: []string{"Brokerage"},
		},
		"depository accounts": {
			features: &moneykit.ConnectFeatures{PermitOnlyDepositoryAccounts: true},
			bank:     "moneykit-instant-bank", accounts: []string{"Everyday Checking", "Rainy Day Savings"},
		},
		"no depository accounts": {
			custom:   &moneykit.CustomSandboxData{Accounts: custom.Accounts[1:]},
			features: &moneykit.ConnectFeatures{PermitOnlyDepositoryAccounts: true},
			play:     world.Play{Username: "user_custom"}, err: "no_accounts",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			params := sessionParams()
			params.InstitutionID, params.CustomSandboxData, params.ConnectFeatures = tt.session, tt.custom, tt.features
			end := w.Connect(w.OpenSession(params, start).Token, tt.play, start)
			assert.Equal(t, tt.mistake, end.Mistake)
			if tt.err != "" {
				require.NotNil(t, end.Err)
				assert.Equal(t, "moneykittest."+tt.err, end.Err.ID)
				assert.Empty(t, w.AllLinks(start), "an exit creates no link")
				return
			}
			require.Nil(t, end.Err)
			assert.Equal(t, tt.bank, end.Institution.ID)
			link := w.ExchangeToken(end.Token, start)
			assert.Equal(t, tt.bank, link.Institution.ID)
			assert.Equal(t, end.Accounts, link.Accounts)
			if tt.accounts == nil {
				tt.accounts = []string{"Everyday Checking", "Rainy Day Savings", "Rewards Card", "Brokerage"}
			}
			var names []string
			for _, a := range link.Accounts {
				names = append(names, a.Name)
			}
			assert.Equal(t, tt.accounts, names)
			if tt.accounts[0] == "Mine" {
				assert.Equal(t, "6789", link.Accounts[0].Mask)
				assert.Equal(t, "77", link.Accounts[1].Mask)
			}
		})
	}
}

func TestProducts(t *testing.T) {
	t.Parallel()
	const (
		accounts     = moneykit.ProductAccounts
		numbers      = moneykit.ProductAccountNumbers
		identity     = moneykit.ProductIdentity
		transactions = moneykit.ProductTransactions
		investments  = moneykit.ProductInvestments
		enrichment   = moneykit.ProductEnrichment
	)
	on := func() *moneykit.ProductSettings { return &moneykit.ProductSettings{} }
	tests := map[string]struct {
		settings  *moneykit.LinkSessionSettings
		decline   []moneykit.Product
		available []moneykit.Product
		fresh     []moneykit.Product
	}{
		"the app's": {fresh: []moneykit.Product{accounts, numbers, identity, transactions, investments, enrichment}},
		"settings without": {
			settings: &moneykit.LinkSessionSettings{Countries: []moneykit.Country{"US"}},
			fresh:    []moneykit.Product{accounts, numbers, identity, transactions, investments, enrichment},
		},
		"default products, declined": {
			decline: []moneykit.Product{transactions, accounts}, available: []moneykit.Product{transactions, enrichment},
			fresh: []moneykit.Product{accounts, numbers, identity, investments},
		},
		"none": {
			settings:  &moneykit.LinkSessionSettings{Products: &moneykit.SessionProducts{}},
			available: []moneykit.Product{numbers, identity, transactions, investments, enrichment},
			fresh:     []moneykit.Product{accounts},
		},
		"without data yet": {
			settings:  &moneykit.LinkSessionSettings{Products: &moneykit.SessionProducts{Transactions: on(), Identity: on()}},
			available: []moneykit.Product{numbers, investments},
			fresh:     []moneykit.Product{accounts},
		},
		"prefetched": {
			settings: &moneykit.LinkSessionSettings{Products: &moneykit.SessionProducts{
				Transactions: &moneykit.ProductSettings{Prefetch: true}, AccountNumbers: on(),
			}},
			available: []moneykit.Product{identity, investments},
			fresh:     []moneykit.Product{accounts, transactions, enrichment},
		},
		"required cannot be declined": {
			settings: &moneykit.LinkSessionSettings{Products: &moneykit.SessionProducts{
				Transactions:   &moneykit.ProductSettings{Required: true},
				AccountNumbers: &moneykit.ProductSettings{RequirePermission: true},
				Identity:       on(),
			}},
			decline:   []moneykit.Product{transactions, numbers, identity},
			available: []moneykit.Product{identity, investments},
			fresh:     []moneykit.Product{accounts},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			params := sessionParams()
			params.Settings = tt.settings
			end := w.Connect(w.OpenSession(params, start).Token, world.Play{Decline: tt.decline}, start)
			link := w.ExchangeToken(end.Token, start)
			var available, fresh []moneykit.Product
			for _, name := range world.AllProducts() {
				if p := link.Products[name]; p == nil {
					available = append(available, name)
				} else if !p.Refreshed.IsZero() {
					fresh = append(fresh, name)
				}
			}
			assert.Equal(t, tt.available, available)
			assert.Equal(t, tt.fresh, fresh)
		})
	}
}

func TestConnectOnlyOnce(t *testing.T) {
	t.Parallel()
	w := newWorld()
	session := w.OpenSession(sessionParams(), start)
	end := w.Connect(session.Token, world.Play{}, start)
	require.Nil(t, end.Err)
	link := w.Find(end.LinkID, start)
	assert.Equal(t, moneykit.LinkStateAwaitingTokenExchange, link.State)
	steps := len(session.Steps)
	end2 := w.Connect(session.Token, world.Play{}, start)
	assert.Equal(t, "moneykittest.used_session", end2.Err.ID)
	assert.True(t, end2.Mistake)
	assert.Len(t, session.Steps, steps)
	assert.Equal(t, "moneykittest.unknown_session", w.Connect("x", world.Play{}, start).Err.ID)

	late := start.Add(30 * time.Minute)
	assert.Nil(t, w.ExchangeToken(end.Token, late), "the token has expired")
	assert.Equal(t, link, w.ExchangeToken(end.Token, late.Add(-1)))
	assert.Equal(t, moneykit.LinkStateConnected, link.State)
	assert.Nil(t, w.ExchangeToken(end.Token, start))
	expired := w.Connect(w.OpenSession(sessionParams(), start).Token, world.Play{}, late)
	assert.Equal(t, "moneykittest.expired_session", expired.Err.ID)
	assert.True(t, expired.Note)

	end = w.Connect(w.OpenSession(sessionParams(), start).Token, world.Play{}, start)
	w.Delete(w.Links[end.LinkID], start)
	assert.Nil(t, w.ExchangeToken(end.Token, start), "the link is deleted")
}

// Creating the session of a relink replaces the webhook and the tags. The relink keeps accounts and
// products.
func TestRelink(t *testing.T) {
	t.Parallel()
	w := newWorld()
	link := add(t, w, world.LinkSpec{
		InstitutionID: world.CredentialsBank, Error: moneykit.LinkErrorAuthExpired, Webhook: hook, Tags: []string{"old"},
		Products: []moneykit.Product{moneykit.ProductIdentity, moneykit.ProductInvestments},
	})
	accounts, identity := link.Accounts, link.Products[moneykit.ProductIdentity]
	holdings := len(w.Portfolio(link).Holdings)
	params := sessionParams()
	params.ExistingLinkID, params.Tags = link.ID, []string{"new"}
	again := func(play world.Play) world.Ending { return w.Connect(w.OpenSession(params, start).Token, play, start) }

	end := again(world.Play{Username: "user_bad"})
	assert.Equal(t, "moneykittest.invalid_credentials", end.Err.ID)
	assert.Equal(t, moneykit.LinkStateError, link.State)
	assert.Empty(t, link.Webhook)
	assert.Equal(t, []string{"new"}, link.Tags)
	end = again(world.Play{Failure: moneykit.LinkErrorInstitutionError})
	assert.Equal(t, "moneykittest.institution_error", end.Err.ID)
	assert.Equal(t, moneykit.LinkErrorInstitutionError, link.Reason)
	end = again(world.Play{NewAccounts: []moneykit.Account{{ID: accounts[0].ID}}})
	assert.Equal(t, "moneykittest.taken_account", end.Err.ID)
	assert.Equal(t, accounts, link.Accounts)

	end = again(world.Play{NewAccounts: []moneykit.Account{{Type: "investment"}}, Provider: moneykit.ProviderMX})
	require.Nil(t, end.Err)
	assert.Empty(t, end.Token)
	assert.Equal(t, link.ID, end.LinkID)
	assert.Equal(t, moneykit.LinkStateConnected, link.State)
	assert.Equal(t, moneykit.ProviderMX, link.Provider)
	assert.Equal(t, accounts, link.Accounts[:4])
	assert.Len(t, link.Accounts, 5)
	assert.Greater(t, len(w.Portfolio(link).Holdings), holdings, "the new account has holdings")
	assert.Same(t, identity, link.Products[moneykit.ProductIdentity])
	assert.NotNil(t, link.Products[moneykit.ProductTransactions])

	w.Delete(link, start)
	assert.Equal(t, "moneykittest.link_deleted", again(world.Play{}).Err.ID)
}
