package moneykittest_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// events reads the events of a session.
func events(t *testing.T, mk *moneykittest.Server, token string, source moneykit.ConnectSource) []*moneykit.ConnectEvent {
	t.Helper()
	var all []*moneykit.ConnectEvent
	for _, data := range mk.ConnectEvents(token, source) {
		e, err := moneykit.ParseConnectEvent(data)
		require.NoError(t, err, "%s", data)
		all = append(all, e)
	}
	return all
}

func TestConnectEvents(t *testing.T) {
	t.Parallel()
	const creds, oauth = moneykittest.CredentialsBank, moneykittest.OAuthBank
	whole := []string{"open", "change_screen", "select_institution", "change_screen", "submit_accounts", "submit_permissions", "success"}
	tests := map[string]struct {
		at     string // institution_id
		relink bool
		play   moneykittest.Play
		stages bool
		want   []string
		bank   string
	}{
		"link":           {want: whole, bank: "Instant Bank"},
		"by the session": {at: creds, want: []string{"open", "submit_credentials", "change_screen", "submit_accounts", "submit_permissions", "success"}, bank: "Credentials Bank"},
		"credentials": {
			play: moneykittest.Play{Username: "user_good"}, bank: "Credentials Bank",
			want: []string{"open", "change_screen", "select_institution", "submit_credentials", "change_screen", "submit_accounts", "submit_permissions", "success"},
		},
		"wrong credentials": {at: creds, play: moneykittest.Play{Username: "x"}, want: []string{"open", "submit_credentials", "error", "exit"}, bank: "Credentials Bank"},
		"oauth":             {at: oauth, want: []string{"open", "open_oauth", "change_screen", "submit_accounts", "submit_permissions", "success"}, bank: "OAuth Bank"},
		"oauth in stages":   {at: oauth, stages: true, want: []string{"open", "open_oauth", "change_screen", "submit_accounts", "submit_permissions", "success"}, bank: "OAuth Bank"},
		"left":              {play: moneykittest.Play{Leave: true}, want: []string{"open", "change_screen", "exit"}},
		"left early":        {at: oauth, play: moneykittest.Play{Leave: true}, want: []string{"open", "exit"}},
		"failed":            {play: moneykittest.Play{Exit: &moneykit.ConnectError{ID: "x", DisplayedMessage: "Oh.", RequestID: "r"}}, want: []string{"open", "change_screen", "error", "exit"}},
		"relink":            {relink: true, want: []string{"open", "submit_permissions", "success"}, bank: "Instant Bank"},
		"relink with more": {
			relink: true, play: moneykittest.Play{NewAccounts: []moneykit.Account{{Type: "investment"}}},
			want: []string{"open", "change_screen", "submit_accounts", "submit_permissions", "success"}, bank: "Instant Bank",
		},
	}
	for name, tt := range tests {
		for _, source := range append(sources(), "") {
			t.Run(name+" "+string(source), func(t *testing.T) {
				t.Parallel()
				now := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
				mk := moneykittest.NewServer(t, moneykittest.WithClock(func() time.Time { return now }))
				params := sessionParams()
				params.InstitutionID = tt.at
				if tt.relink {
					params.ExistingLinkID = mk.AddLink(moneykittest.LinkSpec{Products: []moneykit.Product{moneykit.ProductIdentity}}).ID
				}
				token := open(t, mk.Client(), params)
				assert.Empty(t, mk.ConnectEvents(token, source))
				if tt.stages {
					returned := mk.Authorize(token, tt.play)
					assert.Len(t, mk.ConnectEvents(token, source), 2)
					mk.Continue(token, returned, source, tt.play)
				} else {
					mk.Connect(token, source, tt.play)
				}
				all := events(t, mk, token, source)
				var got []string
				session := all[0].Meta.SessionID
				for _, e := range all {
					got = append(got, string(e.Name))
					assert.True(t, e.Name.Known())
					assert.Equal(t, session, e.Meta.SessionID)
					if source == moneykit.ConnectAndroid || source == moneykit.ConnectReactNative {
						assert.Equal(t, moneykit.ConnectEventMeta{SessionID: session}, e.Meta)
						continue
					}
					assert.Equal(t, now, e.Meta.Timestamp.Time)
					assert.Equal(t, map[bool]string{false: "link", true: "relink"}[tt.relink], e.Meta.LinkType)
				}
				assert.Equal(t, tt.want, got)
				assert.NotEqual(t, token, session)
				assert.Equal(t, source == moneykit.ConnectAndroid, session == "")
				last := all[len(all)-1]
				if source != moneykit.ConnectAndroid && source != moneykit.ConnectReactNative {
					assert.Equal(t, tt.bank, last.Institution().Name)
				}
				for _, e := range all {
					switch e.Name {
					case "select_institution":
						assert.Equal(t, tt.bank, e.Institution().Name)
						assert.NotEmpty(t, e.Institution().ID)
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
	mk, tb := newFake(t)
	token := open(t, mk.Client(), sessionParams())
	mk.Connect(token, "", moneykittest.Play{})
	for source, want := range map[moneykit.ConnectSource][]string{
		moneykit.ConnectWeb:         {"name", "meta"},
		moneykit.ConnectIOS:         {"name", "properties", "meta"},
		moneykit.ConnectAndroid:     {"name", "properties"},
		moneykit.ConnectReactNative: {"name", "properties", "sessionId"},
	} {
		var members map[string]any
		require.NoError(t, json.Unmarshal(mk.ConnectEvents(token, source)[0], &members))
		assert.Len(t, members, len(want))
		for _, name := range want {
			assert.Contains(t, members, name)
		}
	}
	require.Empty(t, tb.errors)
	assert.Nil(t, mk.ConnectEvents("no such token", moneykit.ConnectWeb))
	assert.Nil(t, mk.ConnectEvents(token, "windows_phone"))
	require.Len(t, tb.errors, 2)
	assert.Contains(t, tb.errors[0], "ConnectEvents: the link session token is unknown")
	assert.Contains(t, tb.errors[1], `ConnectEvents: there is no source "windows_phone"`)

	// A token that is used again adds nothing.
	before := mk.ConnectEvents(token, "")
	mk.Connect(token, "", moneykittest.Play{})
	assert.Equal(t, before, mk.ConnectEvents(token, ""))
}
