package moneykittest_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

func TestExitLeavesNothing(t *testing.T) {
	t.Parallel()
	mk, other := moneykittest.NewServer(t), moneykittest.NewServer(t)
	params := sessionParams()
	params.ConnectFeatures = &moneykit.ConnectFeatures{PermitOnlyDepositoryAccounts: true}
	params.CustomSandboxData = &moneykit.CustomSandboxData{}
	exited := play(t, mk, open(t, mk.Client(), params), moneykittest.Play{Username: "user_custom"})
	assert.Equal(t, moneykit.ConnectExited, exited.Outcome)
	play(t, mk, open(t, mk.Client(), params), moneykittest.Play{Exit: &moneykit.ConnectError{}})
	play(t, mk, open(t, mk.Client(), params), moneykittest.Play{Leave: true})
	// The other server knows the ids that links have.
	for range 3 {
		_, err := mk.Client().Links.Get(t.Context(), other.AddLink(moneykittest.LinkSpec{}).ID)
		isError(t, err, moneykit.ErrNotFound, 404)
	}
}

// TestConnectPayloads plays every outcome on every platform.
func TestConnectPayloads(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t)
	client := mk.Client()
	failure := moneykit.ConnectError{ID: "some_error", DisplayedMessage: "It did not work.", RequestID: "req_1"}
	tests := []struct {
		source     moneykit.ConnectSource
		linked     moneykit.ConnectSource // the source that the payload shows
		relinked   moneykit.ConnectSource
		failed     moneykit.ConnectSource
		noRelinkID bool
		noErrorID  bool
		linkedKeys []string // of the object that has the institution
		left       string
		noTag      bool
		noDuration bool
	}{
		{
			source: moneykit.ConnectWeb, linked: moneykit.ConnectWeb, relinked: moneykit.ConnectWeb, failed: moneykit.ConnectWeb,
			left: `[null]`,
		},
		{
			source: moneykit.ConnectIOS, linked: moneykit.ConnectIOS, failed: moneykit.ConnectIOS, noRelinkID: true, left: `null`,
			linkedKeys: []string{"institution", "accounts", "token", "linkIdentifier", "trackedScreens"}, noTag: true,
		},
		{
			source: moneykit.ConnectAndroid, linked: moneykit.ConnectAndroid, relinked: moneykit.ConnectAndroid, noErrorID: true,
			left:       `null`,
			linkedKeys: []string{"institution", "accounts", "token", "linkId", "trackedScreens"}, noDuration: true,
		},
		{
			// Connect for React Native declares the same members as that for iOS.
			source: moneykit.ConnectReactNative, linked: moneykit.ConnectIOS, failed: moneykit.ConnectReactNative,
			noRelinkID: true, left: `null`,
			linkedKeys: []string{"institution", "accounts", "token", "linkIdentifier", "trackedScreens"}, noTag: true,
		},
	}
	for _, tt := range tests {
		t.Run(string(tt.source), func(t *testing.T) {
			t.Parallel()
			institution := moneykit.ConnectInstitution{
				ID: "moneykit-instant-bank", Name: "Instant Bank", Country: "US", Domain: "instant.bank.test",
			}
			screens := []moneykit.ConnectScreen{
				{Name: "Finder", Tag: "finder", Duration: 2.5}, {Name: "Accounts", Tag: "accounts", Duration: 1.25},
			}
			for i := range screens {
				if tt.noTag {
					screens[i].Tag = ""
				}
				if tt.noDuration {
					screens[i].Duration = 0
				}
			}
			parse := func(data []byte) *moneykit.ConnectResult {
				result, err := moneykit.ParseConnectResult(data)
				require.NoError(t, err, "%s", data)
				return result
			}

			data := mk.Connect(open(t, client, sessionParams()), tt.source, moneykittest.Play{})
			linked := parse(data)
			link, err := client.LinkSessions.Exchange(t.Context(), linked.ExchangeableToken)
			require.NoError(t, err)
			require.Len(t, linked.Accounts, 4)
			assert.Equal(t, "credit_card", linked.Accounts[2].Type)
			assert.Equal(t, &moneykit.ConnectResult{
				Outcome: moneykit.ConnectLinked, Source: tt.linked, ExchangeableToken: linked.ExchangeableToken, LinkID: link.ID,
				Institution: institution, Accounts: linked.Accounts, Screens: screens,
			}, linked)
			if tt.linkedKeys != nil {
				var object map[string]any
				require.NoError(t, json.Unmarshal(data, &object))
				assert.Len(t, object, len(tt.linkedKeys))
				for _, key := range tt.linkedKeys {
					assert.Contains(t, object, key)
				}
			} else {
				var args []any
				require.NoError(t, json.Unmarshal(data, &args))
				assert.Len(t, args, 3)
				assert.Equal(t, linked.ExchangeableToken, args[0])
				assert.Equal(t, link.ID, args[2])
			}

			params := sessionParams()
			params.ExistingLinkID = link.ID
			mk.Break(link.ID, moneykit.LinkErrorAuthExpired)
			relinked := parse(mk.Connect(open(t, client, params), tt.source, moneykittest.Play{}))
			want := &moneykit.ConnectResult{
				Outcome: moneykit.ConnectRelinked, Source: tt.relinked, LinkID: link.ID,
				Institution: institution, Accounts: linked.Accounts, Screens: screens,
			}
			if tt.noRelinkID {
				want.LinkID = ""
			}
			assert.Equal(t, want, relinked)

			failed := parse(mk.Connect(open(t, client, sessionParams()), tt.source, moneykittest.Play{Exit: &failure}))
			wantErr := failure
			if tt.noErrorID {
				wantErr.ID = ""
			}
			assert.Equal(t, &moneykit.ConnectResult{Outcome: moneykit.ConnectExited, Source: tt.failed, Err: &wantErr}, failed)

			nothing := parse(mk.Connect(open(t, client, sessionParams()), tt.source, moneykittest.Play{Exit: &moneykit.ConnectError{}}))
			assert.Equal(t, &moneykit.ConnectError{DisplayedMessage: "Something went wrong."}, nothing.Err)

			data = mk.Connect(open(t, client, sessionParams()), tt.source, moneykittest.Play{Leave: true})
			assert.Equal(t, tt.left, string(data))
			left := parse(data)
			assert.Equal(t, moneykit.ConnectExited, left.Outcome)
			assert.Nil(t, left.Err)
		})
	}
}

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
		play     moneykittest.Play
		bank     string
		accounts []string // names
		err      string
		mistake  bool
	}{
		"nothing said":           {bank: "moneykit-instant-bank"},
		"chosen":                 {play: moneykittest.Play{Institution: moneykittest.OAuthBank}, bank: "moneykit-oauth-bank"},
		"by the session":         {session: moneykittest.OAuthBank, play: moneykittest.Play{Institution: moneykittest.InstantBank}, bank: "moneykit-oauth-bank"},
		"by the user name":       {play: moneykittest.Play{Username: "user_good"}, bank: "moneykit-creds-bank"},
		"user_good by default":   {play: moneykittest.Play{Institution: moneykittest.CredentialsBank}, bank: "moneykit-creds-bank"},
		"user_custom":            {custom: custom, play: moneykittest.Play{Username: "user_custom"}, bank: "moneykit-creds-bank", accounts: []string{"Mine", "House"}},
		"user_good has his own":  {custom: custom, play: moneykittest.Play{Username: "user_good"}, bank: "moneykit-creds-bank"},
		"no names elsewhere":     {session: moneykittest.InstantBank, custom: custom, play: moneykittest.Play{Username: "user_custom"}, bank: "moneykit-instant-bank"},
		"unknown institution":    {play: moneykittest.Play{Institution: "chase"}, err: "unknown_institution", mistake: true},
		"unknown user":           {play: moneykittest.Play{Username: "user_bad"}, err: "invalid_credentials"},
		"nothing of user_custom": {play: moneykittest.Play{Username: "user_custom"}, err: "no_accounts"},
		"some accounts": {
			play:     moneykittest.Play{Accounts: []string{"investment", "depository.savings"}},
			bank:     "moneykit-instant-bank",
			accounts: []string{"Rainy Day Savings", "Brokerage"},
		},
		"accounts that are not": {play: moneykittest.Play{Accounts: []string{"depository.prepaid"}}, err: "no_accounts", mistake: true},
		"one account": {
			features: &moneykit.ConnectFeatures{PermitOnlyOneAccount: true},
			bank:     "moneykit-instant-bank", accounts: []string{"Everyday Checking"},
		},
		"one of some": {
			features: &moneykit.ConnectFeatures{PermitOnlyOneAccount: true},
			play:     moneykittest.Play{Accounts: []string{"investment"}},
			bank:     "moneykit-instant-bank", accounts: []string{"Brokerage"},
		},
		"depository accounts": {
			features: &moneykit.ConnectFeatures{PermitOnlyDepositoryAccounts: true},
			bank:     "moneykit-instant-bank", accounts: []string{"Everyday Checking", "Rainy Day Savings"},
		},
		"no depository accounts": {
			custom:   &moneykit.CustomSandboxData{Accounts: custom.Accounts[1:]},
			features: &moneykit.ConnectFeatures{PermitOnlyDepositoryAccounts: true},
			play:     moneykittest.Play{Username: "user_custom"}, err: "no_accounts",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mk, tb := newFake(t)
			client := mk.Client()
			params := sessionParams()
			params.InstitutionID, params.CustomSandboxData, params.ConnectFeatures = tt.session, tt.custom, tt.features
			result := play(t, mk, open(t, client, params), tt.play)
			if tt.mistake {
				assert.Len(t, tb.errors, 1)
			} else {
				assert.Empty(t, tb.errors)
			}
			if tt.err != "" {
				require.NotNil(t, result.Err)
				assert.Equal(t, "moneykittest."+tt.err, result.Err.ID)
				return
			}
			require.Nil(t, result.Err)
			assert.Equal(t, tt.bank, result.Institution.ID)
			link, err := client.LinkSessions.Exchange(t.Context(), result.ExchangeableToken)
			require.NoError(t, err)
			assert.Equal(t, tt.bank, link.InstitutionID)
			list, err := client.Accounts.List(t.Context(), link.ID, moneykit.AccountListParams{})
			require.NoError(t, err)
			if tt.accounts == nil {
				tt.accounts = []string{"Everyday Checking", "Rainy Day Savings", "Rewards Card", "Brokerage"}
			}
			var names []string
			for _, a := range list.Accounts {
				names = append(names, a.Name)
			}
			assert.Equal(t, tt.accounts, names)
			if tt.accounts[0] == "Mine" {
				assert.Equal(t, "6789", list.Accounts[0].Mask)
				assert.Equal(t, "77", list.Accounts[1].Mask)
				assert.Equal(t, "loan.mortgage", result.Accounts[1].Type)
			}
		})
	}
}

func TestConnectUnknown(t *testing.T) {
	t.Parallel()
	mk, tb := newFake(t)
	result := play(t, mk, "no such token", moneykittest.Play{})
	assert.Equal(t, "moneykittest.unknown_session", result.Err.ID)
	require.Len(t, tb.errors, 1)
	assert.NotContains(t, tb.errors[0], "no such token")

	result, err := moneykit.ParseConnectResult(mk.Connect(open(t, mk.Client(), sessionParams()), "windows_phone", moneykittest.Play{}))
	require.NoError(t, err)
	assert.Equal(t, moneykit.ConnectWeb, result.Source)
	assert.Len(t, tb.errors, 2)

	result, err = moneykit.ParseConnectResult(mk.Connect(open(t, mk.Client(), sessionParams()), "", moneykittest.Play{}))
	require.NoError(t, err)
	assert.Equal(t, moneykit.ConnectWeb, result.Source)
	assert.Len(t, tb.errors, 2)

	// Outside a test there is nobody to tell.
	free := moneykittest.New()
	defer free.Close()
	assert.Equal(t, "moneykittest.unknown_session", play(t, free, "no such token", moneykittest.Play{}).Err.ID)
}

func TestRelink(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t)
	client := mk.Client()
	link := mk.AddLink(moneykittest.LinkSpec{
		InstitutionID: moneykittest.CredentialsBank, Error: moneykit.LinkErrorAuthExpired,
		Webhook: "https://app.example/old", Tags: []string{"old"}, Products: []moneykit.Product{moneykit.ProductIdentity},
	})
	params := sessionParams()
	params.ExistingLinkID = link.ID
	params.InstitutionID = "ignored"
	params.Webhook, params.Tags = "https://app.example/new", []string{"new"}

	// Opening the session replaces the webhook and the tags; Connect does the rest.
	token := open(t, client, params)
	got, err := client.Links.Get(t.Context(), link.ID)
	require.NoError(t, err)
	assert.Equal(t, moneykit.LinkStateError, got.State)
	assert.Equal(t, "https://app.example/new", got.Webhook)
	assert.Equal(t, []string{"new"}, got.Tags)
	_, err = client.Accounts.List(t.Context(), link.ID, moneykit.AccountListParams{})
	e := isError(t, err, moneykit.ErrRelinkRequired, 422)
	assert.Equal(t, moneykit.LinkErrorAuthExpired, e.LinkError)

	// A failure and an exit leave it as it is.
	bad := play(t, mk, open(t, client, params), moneykittest.Play{Username: "user_bad"})
	assert.Equal(t, "moneykittest.invalid_credentials", bad.Err.ID)
	assert.Nil(t, play(t, mk, open(t, client, params), moneykittest.Play{Leave: true}).Err)
	got, err = client.Links.Get(t.Context(), link.ID)
	require.NoError(t, err)
	assert.Equal(t, moneykit.LinkStateError, got.State)

	result := play(t, mk, token, moneykittest.Play{})
	assert.Equal(t, moneykit.ConnectRelinked, result.Outcome)
	assert.Empty(t, result.ExchangeableToken)
	assert.Equal(t, link.ID, result.LinkID)
	got, err = client.Links.Get(t.Context(), link.ID)
	require.NoError(t, err)
	assert.Equal(t, moneykit.LinkStateConnected, got.State)
	assert.Empty(t, got.Error)
	assert.NotNil(t, got.Products.Transactions, "new products are added")
	assert.Equal(t, link.Products.Identity, got.Products.Identity, "old ones stay")

	// What is left out is lost.
	params.Webhook, params.Tags = "", nil
	open(t, client, params)
	got, err = client.Links.Get(t.Context(), link.ID)
	require.NoError(t, err)
	assert.Empty(t, got.Webhook)
	assert.Empty(t, got.Tags)

	// A link that goes away in the meantime cannot be relinked, nor can one that never was.
	token = open(t, client, params)
	require.NoError(t, client.Links.Delete(t.Context(), link.ID))
	assert.Equal(t, "moneykittest.link_deleted", play(t, mk, token, moneykittest.Play{}).Err.ID)
	for _, id := range []string{link.ID, "mk_unknown"} {
		params.ExistingLinkID = id
		_, err = client.LinkSessions.Create(t.Context(), params)
		isError(t, err, moneykit.ErrorCodeLinkSessionForbiddenConfig, 403)
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
		"the app's":           {fresh: []moneykit.Product{accounts, numbers, identity, transactions, investments, enrichment}},
		"settings without":    {settings: &moneykit.LinkSessionSettings{Countries: []moneykit.Country{"US"}}, fresh: []moneykit.Product{accounts, numbers, identity, transactions, investments, enrichment}},
		"the app's, declined": {decline: []moneykit.Product{transactions, accounts}, available: []moneykit.Product{transactions, enrichment}, fresh: []moneykit.Product{accounts, numbers, identity, investments}},
		"none": {
			settings:  &moneykit.LinkSessionSettings{Products: &moneykit.ProductsSettings{}},
			available: []moneykit.Product{numbers, identity, transactions, investments, enrichment},
			fresh:     []moneykit.Product{accounts},
		},
		"without data yet": {
			settings:  &moneykit.LinkSessionSettings{Products: &moneykit.ProductsSettings{Transactions: on(), Identity: on()}},
			available: []moneykit.Product{numbers, investments},
			fresh:     []moneykit.Product{accounts},
		},
		"prefetched": {
			settings: &moneykit.LinkSessionSettings{Products: &moneykit.ProductsSettings{
				Transactions: &moneykit.ProductSettings{Prefetch: true}, AccountNumbers: on(),
			}},
			available: []moneykit.Product{identity, investments},
			fresh:     []moneykit.Product{accounts, transactions, enrichment},
		},
		"required cannot be declined": {
			settings: &moneykit.LinkSessionSettings{Products: &moneykit.ProductsSettings{
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
			params := sessionParams()
			params.Settings = tt.settings
			link := connect(t, moneykittest.NewServer(t), params, moneykittest.Play{Decline: tt.decline})
			if tt.available == nil {
				tt.available = []moneykit.Product{}
			}
			assert.Equal(t, tt.available, link.AvailableProducts)
			for product, p := range map[moneykit.Product]*moneykit.LinkProduct{
				accounts: link.Products.Accounts, numbers: link.Products.AccountNumbers, identity: link.Products.Identity,
				transactions: link.Products.Transactions, investments: link.Products.Investments, enrichment: link.Products.Enrichment,
			} {
				if p == nil {
					assert.Contains(t, tt.available, product)
					continue
				}
				assert.NotContains(t, tt.available, product)
				if p.RefreshedAt.IsZero() {
					assert.NotContains(t, tt.fresh, product)
				} else {
					assert.Contains(t, tt.fresh, product)
				}
			}
		})
	}
}
