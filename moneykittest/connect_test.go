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
