package moneykittest_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// linkErrors are all link errors.
func linkErrors() []moneykit.LinkError {
	return []moneykit.LinkError{
		moneykit.LinkErrorAuthExpired, moneykit.LinkErrorIncomplete, moneykit.LinkErrorInstitutionError,
		moneykit.LinkErrorInvalidCredentials, moneykit.LinkErrorNoAccounts, moneykit.LinkErrorProviderError,
		moneykit.LinkErrorSystemError, moneykit.LinkErrorUserError, moneykit.LinkErrorUserInputIncorrect,
		moneykit.LinkErrorUserOAuthDenied, moneykit.LinkErrorUserSetupRequired,
	}
}

// names returns the names of a link's accounts by their IDs.
func names(t *testing.T, mk *moneykittest.Server, linkID string) map[string]string {
	t.Helper()
	list, err := mk.Client().Accounts.List(t.Context(), linkID, moneykit.AccountListParams{})
	require.NoError(t, err)
	found := map[string]string{}
	for _, a := range list.Accounts {
		found[a.ID] = a.Name
	}
	require.Len(t, found, len(list.Accounts), "ids are not there twice")
	return found
}

// TestRelinkReasons breaks a link for every reason, and fixes it or does not.
func TestRelinkReasons(t *testing.T) {
	t.Parallel()
	for _, reason := range linkErrors() {
		for _, failure := range append(linkErrors(), "") {
			t.Run(string(reason)+" "+string(failure), func(t *testing.T) {
				t.Parallel()
				mk := moneykittest.NewServer(t)
				client := mk.Client()
				link := mk.AddLink(moneykittest.LinkSpec{InstitutionID: moneykittest.OAuthBank, Webhook: "https://app.example/hook"})
				mk.Break(link.ID, reason)
				_, err := client.Accounts.List(t.Context(), link.ID, moneykit.AccountListParams{})
				isError(t, err, reason, 422)

				params := sessionParams()
				params.ExistingLinkID, params.Webhook = link.ID, link.Webhook
				result := play(t, mk, open(t, client, params), moneykittest.Play{Failure: failure})
				got, err := client.Links.Get(t.Context(), link.ID)
				require.NoError(t, err)
				assert.Equal(t, failure, got.Error)
				if failure == "" {
					assert.Equal(t, moneykit.ConnectRelinked, result.Outcome)
					assert.Equal(t, moneykit.LinkStateConnected, got.State)
					return
				}
				assert.Equal(t, moneykit.ConnectExited, result.Outcome)
				assert.Equal(t, "moneykittest."+string(failure), result.Err.ID)
				assert.Equal(t, moneykit.LinkStateError, got.State)
				assert.Equal(t, link.Webhook, got.Webhook)

				// Another session fixes it.
				result = play(t, mk, open(t, client, params), moneykittest.Play{})
				assert.Equal(t, moneykit.ConnectRelinked, result.Outcome)
			})
		}
	}
}

// TestFailure makes the bank refuse a new link.
func TestFailure(t *testing.T) {
	t.Parallel()
	for _, failure := range linkErrors() {
		t.Run(string(failure), func(t *testing.T) {
			t.Parallel()
			mk := moneykittest.NewServer(t)
			result := play(t, mk, open(t, mk.Client(), oauthParams()), moneykittest.Play{Failure: failure})
			assert.Equal(t, moneykit.ConnectExited, result.Outcome)
			assert.Equal(t, "moneykittest."+string(failure), result.Err.ID)
			links, err := mk.Client().Users.Links(t.Context(), "user-42")
			require.NoError(t, err)
			assert.Empty(t, links.Links)
		})
	}
}

// TestRelinkAbandoned tests that an abandoned relink changes only the settings that the session has
// replaced.
func TestRelinkAbandoned(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]moneykittest.Play{
		"left":      {Leave: true},
		"failed":    {Exit: &moneykit.ConnectError{ID: "x"}},
		"with more": {Leave: true, NewAccounts: []moneykit.Account{{Name: "New"}}, Provider: moneykit.ProviderMX},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mk := moneykittest.NewServer(t)
			client := mk.Client()
			link := mk.AddLink(moneykittest.LinkSpec{
				Error: moneykit.LinkErrorIncomplete, Webhook: "https://app.example/old", Tags: []string{"old"},
				Products: []moneykit.Product{moneykit.ProductIdentity},
			})
			params := sessionParams()
			params.ExistingLinkID, params.Webhook = link.ID, "https://app.example/new"
			assert.Equal(t, moneykit.ConnectExited, play(t, mk, open(t, client, params), p).Outcome)
			got, err := client.Links.Get(t.Context(), link.ID)
			require.NoError(t, err)
			want := link
			want.Webhook, want.Tags, want.DeprecatedTags = "https://app.example/new", nil, nil //nolint:staticcheck // of the answer
			assert.Equal(t, &want, got)
			mk.Break(link.ID, "")
			assert.Len(t, names(t, mk, link.ID), 4)
		})
	}
}

func TestNewAccounts(t *testing.T) {
	t.Parallel()
	fresh := []moneykit.Account{
		{Type: "depository.savings", Name: "Holiday"},
		{Type: "investment", Name: "Pension", ID: "acc_pension"},
	}
	tests := map[string]struct {
		has      []moneykit.Account // made-up ones if nil
		features *moneykit.ConnectFeatures
		play     moneykittest.Play
		more     []string // names
		taken    bool
		none     bool
	}{
		"found":          {play: moneykittest.Play{NewAccounts: fresh}, more: []string{"Holiday", "Pension"}},
		"shared in part": {play: moneykittest.Play{NewAccounts: fresh, Accounts: []string{"investment"}}, more: []string{"Pension"}},
		"not shared":     {play: moneykittest.Play{NewAccounts: fresh, Accounts: []string{"depository.checking"}}},
		"none of them":   {play: moneykittest.Play{NewAccounts: fresh, Accounts: []string{"depository.cash"}}, none: true},
		"none":           {play: moneykittest.Play{Accounts: []string{"depository.checking"}}},
		"not permitted": {
			features: &moneykit.ConnectFeatures{PermitOnlyDepositoryAccounts: true}, play: moneykittest.Play{NewAccounts: fresh},
			more: []string{"Holiday"},
		},
		"one account": {features: &moneykit.ConnectFeatures{PermitOnlyOneAccount: true}, play: moneykittest.Play{NewAccounts: fresh}},
		"the one account": {
			has: []moneykit.Account{}, features: &moneykit.ConnectFeatures{PermitOnlyOneAccount: true},
			play: moneykittest.Play{NewAccounts: fresh}, more: []string{"Holiday"},
		},
		"among unnamed": {
			has:  []moneykit.Account{{Type: "depository.checking", Name: "A"}, {Type: "depository.checking", Name: "B"}},
			play: moneykittest.Play{NewAccounts: append(fresh, moneykit.Account{Name: "C"})}, more: []string{"Holiday", "Pension", "C"},
		},
		"taken":       {has: fresh, play: moneykittest.Play{NewAccounts: fresh}, taken: true},
		"twice taken": {play: moneykittest.Play{NewAccounts: append(fresh, fresh...)}, taken: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mk, tb := newFake(t)
			client := mk.Client()
			link := mk.AddLink(moneykittest.LinkSpec{Accounts: tt.has})
			before := names(t, mk, link.ID)
			_, err := client.Investments.Holdings(t.Context(), link.ID, moneykit.HoldingListParams{})
			require.NoError(t, err)
			mk.Break(link.ID, moneykit.LinkErrorAuthExpired)

			params := sessionParams()
			params.ExistingLinkID, params.ConnectFeatures = link.ID, tt.features
			result := play(t, mk, open(t, client, params), tt.play)
			if tt.taken || tt.none {
				assert.Equal(t, moneykit.ConnectExited, result.Outcome)
				require.Len(t, tb.errors, 1)
				mk.Break(link.ID, "")
				assert.Equal(t, before, names(t, mk, link.ID))
				return
			}
			assert.Empty(t, tb.errors)
			require.Equal(t, moneykit.ConnectRelinked, result.Outcome)
			after := names(t, mk, link.ID)
			assert.Len(t, result.Accounts, len(after))
			for _, a := range result.Accounts {
				assert.Equal(t, after[a.ID], a.Name)
			}
			for id, name := range before {
				assert.Equal(t, name, after[id], "old ids stay")
				delete(after, id)
			}
			var more []string
			for id, name := range after {
				assert.NotEmpty(t, id)
				more = append(more, name)
			}
			assert.ElementsMatch(t, tt.more, more)

			list, err := client.Accounts.List(t.Context(), link.ID, moneykit.AccountListParams{})
			require.NoError(t, err)
			for _, a := range list.Accounts[len(before):] {
				assert.Equal(t, "USD", a.Balances.Currency)
				assert.False(t, a.Balances.Date.IsZero())
			}
			holdings, err := client.Investments.Holdings(t.Context(), link.ID, moneykit.HoldingListParams{})
			require.NoError(t, err)
			held := map[string]bool{}
			for _, h := range holdings.Holdings {
				held[h.AccountID] = true
			}
			_, pension := after["acc_pension"]
			assert.Equal(t, pension, held["acc_pension"])
		})
	}

	// A new link has them in addition to the made-up ones.
	mk, tb := newFake(t)
	link := connect(t, mk, sessionParams(), moneykittest.Play{NewAccounts: fresh})
	assert.Len(t, names(t, mk, link.ID), 6)
	link = connect(t, mk, sessionParams(), moneykittest.Play{Username: "user_custom", NewAccounts: fresh[:1]})
	assert.Len(t, names(t, mk, link.ID), 1)
	assert.Empty(t, tb.errors)
	result := play(t, mk, open(t, mk.Client(), sessionParams()), moneykittest.Play{NewAccounts: append(fresh, fresh...)})
	assert.Equal(t, "moneykittest.taken_account", result.Err.ID)
	assert.Len(t, tb.errors, 1)
	assert.Empty(t, fresh[0].ID, "what the test wrote is left alone")
}

func TestProviders(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t)
	client := mk.Client()
	link := connect(t, mk, sessionParams(), moneykittest.Play{Provider: moneykit.ProviderFinicity})
	assert.Equal(t, moneykit.ProviderFinicity, link.Provider)
	before := names(t, mk, link.ID)
	params := sessionParams()
	params.ExistingLinkID = link.ID
	for _, step := range []struct{ play, want moneykit.Provider }{
		{"", moneykit.ProviderFinicity},
		{moneykit.ProviderMX, moneykit.ProviderMX},
		{"someday", "someday"},
		{"", "someday"},
	} {
		mk.Break(link.ID, moneykit.LinkErrorProviderError)
		require.Nil(t, play(t, mk, open(t, client, params), moneykittest.Play{Provider: step.play}).Err)
		got, err := client.Links.Get(t.Context(), link.ID)
		require.NoError(t, err)
		assert.Equal(t, step.want, got.Provider)
		assert.Equal(t, before, names(t, mk, link.ID))
	}
}

// TestRelinkProducts adds products to a link, and does not change or remove others.
func TestRelinkProducts(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t)
	client := mk.Client()
	on := func(settings moneykit.ProductSettings) *moneykit.ProductSettings { return &settings }
	params := sessionParams()
	params.Settings = &moneykit.LinkSessionSettings{Products: &moneykit.SessionProducts{Identity: on(moneykit.ProductSettings{Reason: "know you"})}}
	link := connect(t, mk, params, moneykittest.Play{})
	params.ExistingLinkID = link.ID
	params.Settings.Products = &moneykit.SessionProducts{
		Identity:       on(moneykit.ProductSettings{Reason: "know you better", Prefetch: true}),
		Transactions:   on(moneykit.ProductSettings{Prefetch: true}),
		AccountNumbers: on(moneykit.ProductSettings{}),
		Investments:    on(moneykit.ProductSettings{Required: true}),
	}
	decline := []moneykit.Product{moneykit.ProductAccountNumbers, moneykit.ProductInvestments}
	require.Nil(t, play(t, mk, open(t, client, params), moneykittest.Play{Decline: decline}).Err)
	got, err := client.Links.Get(t.Context(), link.ID)
	require.NoError(t, err)
	assert.Equal(t, link.Products.Identity, got.Products.Identity)
	assert.False(t, got.Products.Transactions.RefreshedAt.IsZero())
	assert.NotNil(t, got.Products.Investments, "a required product cannot be declined")
	assert.Equal(t, []moneykit.Product{moneykit.ProductAccountNumbers}, got.AvailableProducts)

	params.Settings.Products = &moneykit.SessionProducts{}
	require.Nil(t, play(t, mk, open(t, client, params), moneykittest.Play{}).Err)
	again, err := client.Links.Get(t.Context(), link.ID)
	require.NoError(t, err)
	assert.Equal(t, got.AvailableProducts, again.AvailableProducts)
}

func TestDuplicates(t *testing.T) {
	t.Parallel()
	const instant, creds = moneykittest.InstantBank, moneykittest.CredentialsBank
	rejected := &moneykit.ConnectFeatures{DuplicateInstitutionRejected: true}
	warned := &moneykit.ConnectFeatures{DuplicateInstitutionWarning: true}
	both := &moneykit.ConnectFeatures{DuplicateInstitutionWarning: true, DuplicateInstitutionRejected: true}
	tests := map[string]struct {
		has      moneykittest.LinkSpec
		features *moneykit.ConnectFeatures
		rejected bool
		warned   bool
	}{
		"not said":          {has: moneykittest.LinkSpec{}},
		"warned":            {features: warned, warned: true},
		"rejected":          {features: rejected, rejected: true},
		"both":              {features: both, rejected: true},
		"broken":            {has: moneykittest.LinkSpec{Error: moneykit.LinkErrorAuthExpired}, features: rejected, rejected: true},
		"deleted":           {has: moneykittest.LinkSpec{State: moneykit.LinkStateDeleted}, features: both},
		"not exchanged":     {has: moneykittest.LinkSpec{State: moneykit.LinkStateAwaitingTokenExchange}, features: both},
		"another's":         {has: moneykittest.LinkSpec{UserID: "user-43"}, features: both},
		"somewhere else":    {has: moneykittest.LinkSpec{InstitutionID: creds}, features: both},
		"by the session's":  {features: warned, warned: true},
		"only one, or some": {features: &moneykit.ConnectFeatures{PermitOnlyOneAccount: true}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mk := moneykittest.NewServer(t)
			client := mk.Client()
			if tt.has.UserID == "" {
				tt.has.UserID = "user-42"
			}
			old := mk.AddLink(tt.has)
			params := sessionParams()
			params.ConnectFeatures = tt.features
			if name == "by the session's" {
				params.InstitutionID = instant
			}
			token := open(t, client, params)
			result := play(t, mk, token, moneykittest.Play{Institution: instant})
			if tt.rejected {
				assert.Equal(t, moneykit.ConnectExited, result.Outcome)
				assert.Equal(t, "moneykittest.duplicate_institution", result.Err.ID)
			} else {
				assert.Equal(t, moneykit.ConnectLinked, result.Outcome)
			}
			warned := false
			for _, e := range connectEvents(t, mk, token, moneykit.ConnectWeb) {
				warned = warned || e.Screen() == "Duplicate Institution"
			}
			assert.Equal(t, tt.warned, warned)

			if tt.has.State != moneykit.LinkStateDeleted { // Linking it again is not a relink.
				params.ExistingLinkID = old.ID
				assert.Equal(t, moneykit.ConnectRelinked, play(t, mk, open(t, client, params), moneykittest.Play{}).Outcome)
			}
		})
	}

	// At the OAuth Bank a rejected user does not get to the bank.
	mk, tb := newFake(t)
	mk.AddLink(moneykittest.LinkSpec{UserID: "user-42", InstitutionID: moneykittest.OAuthBank})
	params := oauthParams()
	params.ConnectFeatures = rejected
	assert.Empty(t, mk.Authorize(open(t, mk.Client(), params), moneykittest.Play{}))
	assert.Empty(t, tb.errors)
}

// TestAnotherUsersToken exchanges the token of another user of the application. MoneyKit allows
// this, so the application must check the owner of the link.
func TestAnotherUsersToken(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t)
	client := mk.Client()
	params := sessionParams()
	params.CustomerUser.ID = "user-43"
	link := connect(t, mk, params, moneykittest.Play{})
	theirs, err := client.Users.Links(t.Context(), "user-43")
	require.NoError(t, err)
	assert.Contains(t, theirs.Links, link.ID)
	mine, err := client.Users.Links(t.Context(), "user-42")
	require.NoError(t, err)
	assert.Empty(t, mine.Links)

	// A relink by another user does not change the owner.
	params.CustomerUser.ID, params.ExistingLinkID = "user-42", link.ID
	assert.Equal(t, moneykit.ConnectRelinked, play(t, mk, open(t, client, params), moneykittest.Play{}).Outcome)
	mine, err = client.Users.Links(t.Context(), "user-42")
	require.NoError(t, err)
	assert.Empty(t, mine.Links)
}
