package pages_test

import (
	"encoding/json"
	"strings"
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
	// Names of screens are in brackets.
	tests := map[string]struct {
		at     string // institution_id of the session
		relink bool
		play   world.Play
		stages bool
		want   string
		bank   string
	}{
		"link": {
			want: "open [Finder] select_institution [Permissions] submit_permissions [Accounts] submit_accounts [Success] success",
			bank: "Instant Bank",
		},
		"set by the session": {
			at: creds, bank: "Credentials Bank",
			want: "open [Permissions] submit_permissions [Credentials] submit_credentials [Accounts] submit_accounts [Success] success",
		},
		"credentials": {
			play: world.Play{Username: "user_good"}, bank: "Credentials Bank",
			want: "open [Finder] select_institution [Permissions] submit_permissions [Credentials] submit_credentials " +
				"[Accounts] submit_accounts [Success] success",
		},
		"code": {
			at: creds, play: world.Play{Username: "user_otp"}, bank: "Credentials Bank",
			want: "open [Permissions] submit_permissions [Credentials] submit_credentials [OTP Device] submit_otp_device " +
				"[OTP] submit_otp [Accounts] submit_accounts [Success] success",
		},
		"question": {
			at: creds, play: world.Play{Username: "user_question"}, bank: "Credentials Bank",
			want: "open [Permissions] submit_permissions [Credentials] submit_credentials [Security Question] submit_mfa " +
				"[Accounts] submit_accounts [Success] success",
		},
		"slow": {
			at: creds, play: world.Play{Username: "user_slow"}, bank: "Credentials Bank",
			want: "open [Permissions] submit_permissions [Credentials] submit_credentials [Waiting] " +
				"[Accounts] submit_accounts [Success] success",
		},
		"wrong credentials": {
			at: creds, play: world.Play{Username: "x"}, bank: "Credentials Bank",
			want: "open [Permissions] submit_permissions [Credentials] submit_credentials error exit",
		},
		"oauth": {
			at: oauth, bank: "OAuth Bank",
			want: "open [Permissions] submit_permissions [OAuth] open_oauth [Accounts] submit_accounts [Success] success",
		},
		"oauth with Authorize and Continue": {
			at: oauth, stages: true, bank: "OAuth Bank",
			want: "open [Permissions] submit_permissions [OAuth] open_oauth [Accounts] submit_accounts [Success] success",
		},
		"closed":                    {play: world.Play{Leave: true}, want: "open [Finder] exit"},
		"closed at the permissions": {at: oauth, play: world.Play{Leave: true}, want: "open [Permissions] exit", bank: "OAuth Bank"},
		"failed": {
			play: world.Play{Exit: &moneykit.ConnectError{ID: "x", DisplayedMessage: "Oh.", RequestID: "r"}},
			want: "open [Finder] error exit",
		},
		"relink": {
			relink: true, bank: "Instant Bank",
			want: "open [Reconnect] [Permissions] submit_permissions [Success] success",
		},
		"relink with new accounts": {
			relink: true, play: world.Play{NewAccounts: []moneykit.Account{{Type: "investment"}}}, bank: "Instant Bank",
			want: "open [Reconnect] [Permissions] submit_permissions [Accounts] submit_accounts [Success] success",
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
						assert.Len(t, w.Sessions[token].Steps, 5)
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
					if e.Name == moneykit.ConnectEventChangeScreen {
						got = append(got, "["+e.Screen()+"]")
					} else {
						got = append(got, string(e.Name))
					}
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
				assert.Equal(t, tt.want, strings.Join(got, " "))
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
						assert.NotEmpty(t, e.Screen())
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

// TestConnectEventMembers checks the members of an event on each platform.
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
