package pages_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/pages"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

func TestConnectEvents(t *testing.T) {
	t.Parallel()
	const creds, oauth = world.CredentialsBank, world.OAuthBank
	whole := []string{"open", "change_screen", "select_institution", "change_screen", "submit_accounts", "submit_permissions", "success"}
	tests := map[string]struct {
		at     string // institution_id
		relink bool
		play   world.Play
		stages bool
		want   []string
		bank   string
	}{
		"link": {want: whole, bank: "Instant Bank"},
		"by the session": {
			at: creds, want: []string{"open", "submit_credentials", "change_screen", "submit_accounts", "submit_permissions", "success"},
			bank: "Credentials Bank",
		},
		"credentials": {
			play: world.Play{Username: "user_good"}, bank: "Credentials Bank",
			want: []string{
				"open", "change_screen", "select_institution", "submit_credentials", "change_screen", "submit_accounts",
				"submit_permissions", "success",
			},
		},
		"wrong credentials": {
			at: creds, play: world.Play{Username: "x"}, want: []string{"open", "submit_credentials", "error", "exit"},
			bank: "Credentials Bank",
		},
		"oauth": {
			at: oauth, want: []string{"open", "open_oauth", "change_screen", "submit_accounts", "submit_permissions", "success"},
			bank: "OAuth Bank",
		},
		"oauth in stages": {
			at: oauth, stages: true,
			want: []string{"open", "open_oauth", "change_screen", "submit_accounts", "submit_permissions", "success"}, bank: "OAuth Bank",
		},
		"left":       {play: world.Play{Leave: true}, want: []string{"open", "change_screen", "exit"}},
		"left early": {at: oauth, play: world.Play{Leave: true}, want: []string{"open", "exit"}},
		"failed": {
			play: world.Play{Exit: &moneykit.ConnectError{ID: "x", DisplayedMessage: "Oh.", RequestID: "r"}},
			want: []string{"open", "change_screen", "error", "exit"},
		},
		"relink": {relink: true, want: []string{"open", "submit_permissions", "success"}, bank: "Instant Bank"},
		"relink with more": {
			relink: true, play: world.Play{NewAccounts: []moneykit.Account{{Type: "investment"}}},
			want: []string{"open", "change_screen", "submit_accounts", "submit_permissions", "success"}, bank: "Instant Bank",
		},
	}
	for name, tt := range tests {
		for _, source := range append(sources(), "") {
			t.Run(name+" "+string(source), func(t *testing.T) {
				t.Parallel()
				mk := newFake(t)
				params := sessionParams()
				params.InstitutionID = tt.at
				if tt.relink {
					params.ExistingLinkID = mk.addLink(world.LinkSpec{Products: []moneykit.Product{moneykit.ProductIdentity}})
				}
				token := mk.open(params)
				assert.Empty(t, mk.events(t, token, source))
				mk.World.Do(func(w *world.World, now time.Time) {
					if tt.stages {
						returned, _ := w.Authorize(token, tt.play, now)
						assert.Len(t, w.Sessions[token].Steps, 2)
						w.Continue(token, returned, tt.play, now)
					} else {
						w.Connect(token, tt.play, now)
					}
				})
				var all []*moneykit.ConnectEvent
				for _, data := range mk.events(t, token, source) {
					e, err := moneykit.ParseConnectEvent(data)
					require.NoError(t, err, "%s", data)
					all = append(all, e)
				}
				var got []string
				session := all[0].SessionID
				for _, e := range all {
					got = append(got, string(e.Name))
					assert.True(t, e.Name.Known())
					assert.Equal(t, session, e.SessionID)
					if source == moneykit.ConnectAndroid || source == moneykit.ConnectReactNative {
						assert.Empty(t, e.LinkType)
						assert.Zero(t, e.Timestamp)
						continue
					}
					assert.Equal(t, start(), e.Timestamp.Time)
					assert.Equal(t, map[bool]string{false: "link", true: "relink"}[tt.relink], e.LinkType)
				}
				assert.Equal(t, tt.want, got)
				assert.NotEqual(t, token, session)
				assert.Equal(t, source == moneykit.ConnectAndroid, session == "")
				last := all[len(all)-1]
				if source != moneykit.ConnectAndroid && source != moneykit.ConnectReactNative {
					assert.Equal(t, tt.bank, last.Institution.Name)
				}
				for _, e := range all {
					switch e.Name {
					case "select_institution":
						assert.Equal(t, tt.bank, e.Institution.Name)
						assert.NotEmpty(t, e.Institution.ID)
					case "change_screen":
						assert.Contains(t, []string{"Finder", "Accounts"}, e.Screen())
					case "error":
						if tt.play.Exit != nil {
							assert.Equal(t, tt.play.Exit, e.Err())
						} else {
							assert.Equal(t, "moneykittest.invalid_credentials", e.Err().ID)
						}
					default:
						assert.Empty(t, e.Properties)
					}
				}
			})
		}
	}
}

// TestConnectEventMembers looks at an event as each platform has it.
func TestConnectEventMembers(t *testing.T) {
	t.Parallel()
	mk := newFake(t)
	token := mk.open(sessionParams())
	mk.connect(t, token, "", world.Play{})
	for source, want := range map[moneykit.ConnectSource][]string{
		moneykit.ConnectWeb:         {"name", "meta"},
		moneykit.ConnectIOS:         {"name", "properties", "meta"},
		moneykit.ConnectAndroid:     {"name", "properties"},
		moneykit.ConnectReactNative: {"name", "properties", "sessionId"},
	} {
		var members map[string]any
		require.NoError(t, json.Unmarshal(mk.events(t, token, source)[0], &members))
		assert.Len(t, members, len(want))
		for _, name := range want {
			assert.Contains(t, members, name)
		}
	}
	mk.World.Do(func(w *world.World, _ time.Time) {
		_, err := pages.Event(w.Sessions[token], w.Sessions[token].Steps[0], "windows_phone")
		assert.EqualError(t, err, `there is no source "windows_phone" with version ""`)
	})
}
