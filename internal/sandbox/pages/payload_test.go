package pages_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// platform describes the payloads of a platform.
type platform struct {
	source     moneykit.ConnectSource
	linked     moneykit.ConnectSource // the source that the payload is decoded as
	relinked   moneykit.ConnectSource
	failed     moneykit.ConnectSource
	noRelinkID bool
	noErrorID  bool
	linkedKeys []string // members of the object that contains the institution
	left       string
	noTag      bool
	noDuration bool
}

func platforms() []platform {
	return []platform{
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
			// Connect for React Native declares the same members as Connect for iOS.
			source: moneykit.ConnectReactNative, linked: moneykit.ConnectIOS, failed: moneykit.ConnectReactNative,
			noRelinkID: true, left: `null`,
			linkedKeys: []string{"institution", "accounts", "token", "linkIdentifier", "trackedScreens"}, noTag: true,
		},
	}
}

// TestConnectPayloads plays every outcome on every platform.
func TestConnectPayloads(t *testing.T) {
	t.Parallel()
	mk := newFake(t)
	failure := moneykit.ConnectError{ID: "some_error", DisplayedMessage: "It did not work.", RequestID: "req_1"}
	for _, tt := range platforms() {
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

			data := mk.connect(t, mk.open(sessionParams()), tt.source, world.Play{})
			linked := parse(data)
			link := mk.exchange(t, linked.ExchangeableToken)
			require.Len(t, linked.Accounts, 4)
			assert.Equal(t, "credit_card", linked.Accounts[2].Type)
			assert.Equal(t, &moneykit.ConnectResult{
				Outcome: moneykit.ConnectLinked, Source: tt.linked, ExchangeableToken: linked.ExchangeableToken, LinkID: link,
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
				assert.Equal(t, link, args[2])
			}

			params := sessionParams()
			params.ExistingLinkID = link
			relinked := parse(mk.connect(t, mk.open(params), tt.source, world.Play{}))
			want := &moneykit.ConnectResult{
				Outcome: moneykit.ConnectRelinked, Source: tt.relinked, LinkID: link,
				Institution: institution, Accounts: linked.Accounts, Screens: screens,
			}
			if tt.noRelinkID {
				want.LinkID = ""
			}
			assert.Equal(t, want, relinked)

			failed := parse(mk.connect(t, mk.open(sessionParams()), tt.source, world.Play{Exit: &failure}))
			wantErr := failure
			if tt.noErrorID {
				wantErr.ID = ""
			}
			assert.Equal(t, &moneykit.ConnectResult{Outcome: moneykit.ConnectExited, Source: tt.failed, Err: &wantErr}, failed)

			nothing := parse(mk.connect(t, mk.open(sessionParams()), tt.source, world.Play{Exit: &moneykit.ConnectError{}}))
			assert.Equal(t, &moneykit.ConnectError{DisplayedMessage: "Something went wrong."}, nothing.Err)

			data = mk.connect(t, mk.open(sessionParams()), tt.source, world.Play{Leave: true})
			assert.Equal(t, tt.left, string(data))
			left := parse(data)
			assert.Equal(t, moneykit.ConnectExited, left.Outcome)
			assert.Nil(t, left.Err)
		})
	}
}
