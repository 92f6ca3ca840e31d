package browsertest

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// broken adds a link of the user that has to be relinked.
func (a *app) broken(spec moneykittest.LinkSpec) moneykit.Link {
	a.t.Helper()
	spec.UserID, spec.Error = user, moneykit.LinkErrorAuthExpired
	link := a.mk.AddLink(spec)
	require.NoError(a.t, a.store(a.t.Context(), user, &link))
	return link
}

// state returns a link at MoneyKit.
func (a *app) state(id string) *moneykit.Link {
	a.t.Helper()
	link, err := a.mk.Client().Links.Get(a.t.Context(), id)
	require.NoError(a.t, err)
	return link
}

// remove deletes a link at MoneyKit.
func (a *app) remove(id string) {
	a.t.Helper()
	require.NoError(a.t, a.mk.Client().Links.Delete(a.t.Context(), id))
}

// relinked continues to the end, and returns the link and its accounts.
func (a *app) relinked(id string) (*moneykit.Link, []string) {
	a.t.Helper()
	goOn(a.frame)
	assert.Equal(a.t, "relinked", settled(a.page)["outcome"])
	links := a.stored()
	require.Len(a.t, links, 1)
	assert.Equal(a.t, id, links[0].ID)
	assert.Equal(a.t, moneykit.LinkStateConnected, links[0].State)
	assert.Empty(a.t, a.page.said())
	return links[0], a.accounts(id)
}

// A relink names the bank, and asks only for products and accounts that the link lacks.
func TestConnectRelink(t *testing.T) {
	t.Parallel()
	for bank, name := range map[string]string{
		moneykittest.CredentialsBank: "Credentials Bank", moneykittest.InstantBank: "Instant Bank", moneykittest.OAuthBank: "OAuth Bank",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, nil)
			link := a.broken(moneykittest.LinkSpec{InstitutionID: bank})
			a.relink(link)
			shown(a.frame, "Reconnect")
			assert.Equal(t, []string{"Reconnect " + name}, texts(a.frame, "h1"))
			submit(a.frame, "Reconnect")
			want := []string{"open", "change_screen Reconnect"}
			switch bank {
			case moneykittest.CredentialsBank:
				shown(a.frame, "Credentials")
				enter(a.frame, login("user_good"))
				want = append(want, "change_screen Credentials", "submit_credentials")
			case moneykittest.OAuthBank:
				answer(a.openBank(a.frame), true)
				want = append(want, "change_screen OAuth", "open_oauth")
			}
			shown(a.frame, "Success")
			assert.Equal(t, []string{"Reconnected to " + name}, texts(a.frame, "h1"))
			_, accounts := a.relinked(link.ID)
			assert.Equal(t, allAccounts(), accounts)
			assert.Equal(t, append(want, "change_screen Success", "success"), a.steps())
			a.mu.Lock()
			defer a.mu.Unlock()
			for _, event := range a.events {
				assert.Equal(t, "relink", event.LinkType)
				if event.Name != moneykit.ConnectEventOpen {
					assert.Equal(t, bank, event.Institution.ID)
				}
			}
		})
	}
}

// The user may add new accounts of the bank. The link keeps its accounts.
func TestConnectRelinkWithMoreAccounts(t *testing.T) {
	t.Parallel()
	for name, add := range map[string]bool{"added": true, "not added": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, nil)
			link := a.broken(moneykittest.LinkSpec{InstitutionID: moneykittest.CredentialsBank})
			a.relink(link)
			submit(a.frame, "Reconnect")
			shown(a.frame, "Credentials")
			enter(a.frame, login("user_more"))
			shown(a.frame, "Accounts")
			rows := texts(a.frame, "label.row .name")
			require.Len(t, rows, 5)
			for _, row := range rows[:4] {
				assert.Contains(t, row, "· stays connected")
			}
			assert.Contains(t, rows[4], "Holiday Savings")
			want := allAccounts()
			if add {
				want = append(want, "Holiday Savings")
			} else {
				check(a.frame) // Those of the link cannot be unchecked.
			}
			assert.Len(t, texts(a.frame, "label.row:has(:checked)"), len(want))
			_, accounts := a.relinked(link.ID)
			assert.Equal(t, want, accounts)
		})
	}
}

// A session for one account adds none to a link that has some.
func TestConnectRelinkWithOneAccount(t *testing.T) {
	t.Parallel()
	a := newApp(t, nil)
	a.again = func(params *moneykit.RelinkParams) {
		params.ConnectFeatures = &moneykit.ConnectFeatures{PermitOnlyOneAccount: true}
	}
	link := a.broken(moneykittest.LinkSpec{InstitutionID: moneykittest.CredentialsBank})
	a.relink(link)
	submit(a.frame, "Reconnect")
	shown(a.frame, "Credentials")
	enter(a.frame, login("user_more"))
	shown(a.frame, "Success")
	_, accounts := a.relinked(link.ID)
	assert.Equal(t, allAccounts(), accounts)
}

// Products that the link lacks are asked for, and may be declined again.
func TestConnectRelinkForProducts(t *testing.T) {
	t.Parallel()
	a := newApp(t, nil)
	a.again = func(params *moneykit.RelinkParams) {
		params.Settings = &moneykit.LinkSessionSettings{Products: &moneykit.SessionProducts{
			Transactions:   &moneykit.ProductSettings{Reason: "show what you spend"},
			Identity:       &moneykit.ProductSettings{Reason: "greet you"},
			AccountNumbers: &moneykit.ProductSettings{RequirePermission: true},
		}}
	}
	link := a.broken(moneykittest.LinkSpec{
		InstitutionID: moneykittest.InstantBank, Products: []moneykit.Product{moneykit.ProductTransactions},
	})
	a.relink(link)
	submit(a.frame, "Reconnect")
	shown(a.frame, "Permissions")
	assert.Equal(t, []string{"Account and routing numbers Required", "Name, address and contact details is used to greet you"},
		texts(a.frame, "label.row .name"))
	check(a.frame)
	submit(a.frame, "Permissions")
	again, _ := a.relinked(link.ID)
	assert.NotNil(t, again.Products.AccountNumbers)
	assert.NotNil(t, again.Products.Transactions)
	assert.Nil(t, again.Products.Identity)
	assert.Contains(t, again.AvailableProducts, moneykit.ProductIdentity)
}

// A link that is connected can get more accounts.
func TestConnectRelinkOfConnectedLink(t *testing.T) {
	t.Parallel()
	a := newApp(t, nil)
	a.again = func(params *moneykit.RelinkParams) { params.EvenConnected = true }
	link := a.add(moneykittest.CredentialsBank)
	a.relink(link)
	submit(a.frame, "Reconnect")
	shown(a.frame, "Credentials")
	enter(a.frame, login("user_more"))
	shown(a.frame, "Accounts")
	_, accounts := a.relinked(link.ID)
	assert.Len(t, accounts, 5)
}

// After an exit with an error, the link has that error. Other exits do not change it.
func TestConnectRelinkFails(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		leave  func(a *app)
		id     string
		reason moneykit.LinkError
	}{
		"left": {func(a *app) { leave(a.frame) }, "", moneykit.LinkErrorAuthExpired},
		"wrong password": {func(a *app) {
			enter(a.frame, map[string]string{"username": "user_good", "password": "x"})
			corrected(a.frame, "password is wrong")
			leave(a.frame)
		}, "moneykittest.invalid_credentials", moneykit.LinkErrorInvalidCredentials},
		"bank down": {func(a *app) {
			enter(a.frame, login("user_down"))
			shown(a.frame, "Error")
			assert.Equal(t, []string{"Try again", "Close"}, texts(a.frame, ".actions button"))
			giveUp(a.frame)
		}, "moneykittest.institution_error", moneykit.LinkErrorInstitutionError},
		"setup": {func(a *app) {
			enter(a.frame, login("user_setup"))
			giveUp(a.frame)
		}, "moneykittest.user_setup_required", moneykit.LinkErrorUserSetupRequired},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, nil)
			link := a.broken(moneykittest.LinkSpec{InstitutionID: moneykittest.CredentialsBank})
			a.relink(link)
			submit(a.frame, "Reconnect")
			shown(a.frame, "Credentials")
			tc.leave(a)
			assert.Equal(t, tc.id, a.exited())
			assert.Equal(t, moneykit.LinkStateError, a.state(link.ID).State)
			assert.Equal(t, tc.reason, a.state(link.ID).Error)
			assert.Equal(t, "exit", a.steps()[len(a.steps())-1])
		})
	}
}

// The link may be deleted while the user is in Connect.
func TestConnectRelinkOfDeletedLink(t *testing.T) {
	t.Parallel()
	for _, when := range []string{"before Connect opens", "Reconnect", "Credentials", "Accounts"} {
		t.Run(when, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, nil)
			link := a.broken(moneykittest.LinkSpec{InstitutionID: moneykittest.CredentialsBank})
			if when == "before Connect opens" {
				a.around = func(_ http.ResponseWriter, r *http.Request) bool {
					if r.URL.Path == "/relink" {
						a.remove(link.ID)
					}
					return false
				}
			}
			a.relink(link)
			if when != "before Connect opens" {
				shown(a.frame, "Reconnect")
				if when == "Reconnect" {
					a.remove(link.ID)
				}
				submit(a.frame, "Reconnect")
			}
			if when == "Credentials" || when == "Accounts" {
				shown(a.frame, "Credentials")
				if when == "Credentials" {
					a.remove(link.ID)
				}
				enter(a.frame, login("user_more"))
			}
			if when == "Accounts" {
				shown(a.frame, "Accounts")
				a.remove(link.ID)
				submit(a.frame, "Accounts")
			}
			shown(a.frame, "Error")
			assert.Equal(t, []string{"This bank is not connected any more"}, texts(a.frame, "h1"))
			assert.Equal(t, []string{"Close"}, texts(a.frame, ".actions button"))
			giveUp(a.frame)
			assert.Equal(t, "moneykittest.link_deleted", a.exited())
			assert.Equal(t, 1, count(a.steps(), "error moneykittest.link_deleted"))
			assert.Equal(t, moneykit.LinkStateDeleted, a.state(link.ID).State)
		})
	}
}
