package browsertest

import (
	"context"
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/connect"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// app is an application whose user is in Connect.
type app struct {
	*site

	page, frame tab
	again       func(*moneykit.RelinkParams) // changes sessions for a relink, if it is not nil

	// The calls of the hooks, guarded by mu.
	events []*moneykit.ConnectEvent
	exits  []*moneykit.ConnectResult
}

// newApp returns an application that opens link sessions with changed parameters.
func newApp(t *testing.T, change func(*moneykit.LinkSessionParams)) *app {
	t.Helper()
	a := &app{}
	a.site = newSite(t, func(c *connect.Config) {
		c.PrepareLink = func(_ *http.Request, params *moneykit.LinkSessionParams) error {
			if change != nil {
				change(params)
			}
			return nil
		}
		c.PrepareRelink = func(_ *http.Request, _ string, params *moneykit.RelinkParams) error {
			if a.again != nil {
				a.again(params)
			}
			return nil
		}
		c.OnExited = func(_ context.Context, _ string, result *moneykit.ConnectResult) {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.exits = append(a.exits, result)
		}
		c.OnEvent = func(_ context.Context, _ string, event *moneykit.ConnectEvent) {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.events = append(a.events, event)
		}
	})
	return a
}

// link opens Connect for a new link.
func (a *app) link() *app {
	a.t.Helper()
	a.page = a.probed("{}")
	a.page.do("go(connect.link())")
	a.frame = a.site.frame(a.page, "start")
	return a
}

// relink opens Connect for a link that the user has.
func (a *app) relink(link moneykit.Link) *app {
	a.t.Helper()
	a.page = a.probed("{}")
	a.page.do("go(connect.relink('" + link.ID + "'))")
	a.frame = a.site.frame(a.page, "relink")
	return a
}

// linked continues from the choice of accounts to the end, and returns the new link and its
// accounts.
func (a *app) linked() (*moneykit.Link, []string) {
	a.t.Helper()
	goOn(a.frame)
	assert.Equal(a.t, "linked", settled(a.page)["outcome"])
	links := a.stored()
	require.NotEmpty(a.t, links)
	link := links[len(links)-1]
	assert.Equal(a.t, moneykit.LinkStateConnected, link.State)
	assert.Empty(a.t, a.page.said())
	return link, a.accounts(link.ID)
}

// accounts returns the names of the accounts that a link has.
func (a *app) accounts(id string) (names []string) {
	a.t.Helper()
	list, err := a.mk.Client().Accounts.List(a.t.Context(), id, moneykit.AccountListParams{})
	require.NoError(a.t, err)
	for _, account := range list.Accounts {
		names = append(names, account.Name)
	}
	return names
}

// exited waits until Connect has ended without a link, and returns the id of the error.
func (a *app) exited() string {
	a.t.Helper()
	assert.Equal(a.t, "exited", settled(a.page)["outcome"])
	a.mu.Lock()
	defer a.mu.Unlock()
	require.Len(a.t, a.exits, 1)
	if a.exits[0].Err == nil {
		return ""
	}
	return a.exits[0].Err.ID
}

// steps waits for the last event, success or exit, and returns all events with their subjects.
func (a *app) steps() (all []string) {
	a.t.Helper()
	var events []*moneykit.ConnectEvent
	within(func() bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		events = slices.Clone(a.events)
		return len(events) > 0 && slices.Contains([]moneykit.ConnectEventName{"success", "exit"}, events[len(events)-1].Name)
	})
	for _, event := range events {
		assert.True(a.t, event.Name.Known(), event.Name)
		assert.NotEmpty(a.t, event.SessionID)
		assert.False(a.t, event.Timestamp.IsZero())
		text := string(event.Name)
		for _, name := range []string{"current_screen_name", "institution_id", "search_term", "error_id"} {
			if value, ok := event.Properties[name].(string); ok {
				text += " " + value
			}
		}
		all = append(all, text)
	}
	return all
}

// allAccounts are the names of the accounts that users have at banks.
func allAccounts() []string {
	return []string{"Everyday Checking", "Rainy Day Savings", "Rewards Card", "Brokerage"}
}

// atBank opens Connect and goes to where the user signs in at the Credentials Bank.
func atBank(t *testing.T, change func(*moneykit.LinkSessionParams)) *app {
	t.Helper()
	a := newApp(t, change).link()
	choose(a.frame, moneykittest.CredentialsBank)
	return a
}

// login returns the input of a test user.
func login(name string) map[string]string {
	return map[string]string{"username": name, "password": "pass_good"}
}
