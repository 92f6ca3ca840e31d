package browsertest

import (
	"cmp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// atAccounts opens Connect and goes to the choice of accounts at the Credentials Bank.
func atAccounts(t *testing.T, features moneykit.ConnectFeatures) *app {
	t.Helper()
	a := atBank(t, func(params *moneykit.LinkSessionParams) { params.ConnectFeatures = &features })
	enter(a.frame, login("user_good"))
	shown(a.frame, "Accounts")
	return a
}

func TestConnectAccounts(t *testing.T) {
	t.Parallel()
	type names []string
	for name, tc := range map[string]struct {
		features moneykit.ConnectFeatures
		title    string
		offered  names
		checked  names // before the user chooses
		note     string
		kind     string // of the inputs
		choose   names
	}{
		"some": {
			title: "Choose accounts", offered: allAccounts(), checked: allAccounts(), kind: "checkbox",
			choose: names{"Rainy Day Savings", "Brokerage"},
		},
		"only one": {
			features: moneykit.ConnectFeatures{PermitOnlyOneAccount: true},
			title:    "Choose an account", offered: allAccounts(), checked: names{"Everyday Checking"}, kind: "radio",
			choose: names{"Rewards Card"},
		},
		"only bank accounts": {
			features: moneykit.ConnectFeatures{PermitOnlyDepositoryAccounts: true},
			title:    "Choose accounts", offered: allAccounts()[:2], checked: allAccounts()[:2], kind: "checkbox",
			note: "only asks for bank accounts, so others are not shown", choose: names{"Everyday Checking"},
		},
		"only one bank account": {
			features: moneykit.ConnectFeatures{PermitOnlyOneAccount: true, PermitOnlyDepositoryAccounts: true},
			title:    "Choose an account", offered: allAccounts()[:2], checked: names{"Everyday Checking"}, kind: "radio",
			note: "only asks for bank accounts", choose: names{"Rainy Day Savings"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := atAccounts(t, tc.features)
			assert.Equal(t, []string{tc.title}, texts(a.frame, "h1"))
			var offered names
			for _, text := range texts(a.frame, "label.row .name") {
				offered = append(offered, allAccounts()[slices.IndexFunc(allAccounts(), func(s string) bool { return text[:len(s)] == s })])
				assert.Regexp(t, `^[A-Z][A-Za-z ]+ •••• \d{4} (Checking|Savings|Credit card|Investment)$`, text)
			}
			assert.Equal(t, tc.offered, offered)
			for i, text := range texts(a.frame, "label.row:has(:checked) .name") {
				assert.Contains(t, text, tc.checked[i])
			}
			assert.Len(t, texts(a.frame, "label.row:has(:checked) .name"), len(tc.checked))
			for _, kind := range eval[[]string](a.frame, "[...document.querySelectorAll('label.row input')].map((input) => input.type)") {
				assert.Equal(t, tc.kind, kind)
			}
			if notes := texts(a.frame, ".note"); tc.note == "" {
				assert.Empty(t, notes)
			} else if assert.Len(t, notes, 1) {
				assert.Contains(t, notes[0], tc.note)
			}
			check(a.frame, tc.choose...)
			link, accounts := a.linked()
			assert.Equal(t, []string(tc.choose), accounts)
			assert.Equal(t, "moneykit-creds-bank", link.InstitutionID)
		})
	}
}

func TestConnectNoAccountChosen(t *testing.T) {
	t.Parallel()
	a := atAccounts(t, moneykit.ConnectFeatures{})
	all := func(label string, checked int) {
		t.Helper()
		assert.Equal(t, []string{label}, texts(a.frame, "[data-all]"))
		assert.Len(t, texts(a.frame, "label.row:has(:checked)"), checked)
	}
	all("Select none", 4)
	check(a.frame, "Rewards Card")
	all("Select all", 1)
	a.frame.click("[data-all]")
	all("Select none", 4)
	a.frame.click("[data-all]")
	all("Select all", 0)
	submit(a.frame, "Accounts")
	corrected(a.frame, "Please choose at least one account")
	check(a.frame, "Brokerage")
	submit(a.frame, "Accounts")
	shown(a.frame, "Success")
	assert.Contains(t, texts(a.frame, ".middle p")[0], "can now see one account")
	_, accounts := a.linked()
	assert.Equal(t, []string{"Brokerage"}, accounts)
	submitted := slices.DeleteFunc(a.steps(), func(s string) bool { return s != "submit_accounts" })
	assert.Len(t, submitted, 1)
}

// A user without suitable accounts gets a message, and the application gets an exit.
func TestConnectNoBankAccounts(t *testing.T) {
	t.Parallel()
	a := atBank(t, func(params *moneykit.LinkSessionParams) {
		params.ConnectFeatures = &moneykit.ConnectFeatures{PermitOnlyDepositoryAccounts: true}
		params.CustomSandboxData = &moneykit.CustomSandboxData{Accounts: []moneykit.CustomSandboxAccount{
			{AccountType: "liability.loan.mortgage", Name: "House", AccountNumber: "77"},
		}}
	})
	enter(a.frame, login("user_custom"))
	shown(a.frame, "Error")
	assert.Equal(t, []string{"There is nothing to share"}, texts(a.frame, "h1"))
	giveUp(a.frame)
	assert.Equal(t, "moneykittest.no_accounts", a.exited())
	assert.Empty(t, a.stored())
}

// Accounts that the user has connected before are marked. Only other accounts are selected at
// first, if there are any.
func TestConnectKnownAccounts(t *testing.T) {
	t.Parallel()
	types := []string{"depository.checking", "depository.savings", "liability.credit_card", "investment"}
	for name, tc := range map[string]struct {
		bank      string   // of the first link
		had       []string // types of its accounts
		abandoned bool     // its token is not exchanged
		one       bool     // only one account is permitted
		known     int
		chosen    []string
	}{
		"some":                   {had: types[:3], known: 3, chosen: allAccounts()[3:]},
		"some, and only one":     {had: types[:2], one: true, known: 2, chosen: allAccounts()[2:3]},
		"all":                    {had: types, known: 4, chosen: allAccounts()},
		"all, and only one":      {had: types, one: true, known: 4, chosen: allAccounts()[:1]},
		"of another bank":        {bank: "chase", had: types, chosen: allAccounts()},
		"of a link never stored": {had: types, abandoned: true, chosen: allAccounts()},
		"one in the middle":      {had: types[1:2], known: 1, chosen: []string{"Everyday Checking", "Rewards Card", "Brokerage"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, func(params *moneykit.LinkSessionParams) {
				params.InstitutionID = moneykittest.CredentialsBank
				params.ConnectFeatures = &moneykit.ConnectFeatures{PermitOnlyOneAccount: tc.one}
			})
			client := a.mk.Client()
			session, err := client.LinkSessions.Create(t.Context(), moneykit.LinkSessionParams{
				CustomerUser: moneykit.CustomerUser{ID: user}, RedirectURI: a.origin + "/connect/oauth",
				InstitutionID: cmp.Or(tc.bank, moneykittest.CredentialsBank),
			})
			require.NoError(t, err)
			payload := a.mk.Connect(session.Token, moneykit.ConnectWeb, moneykittest.Play{Accounts: tc.had})
			if !tc.abandoned {
				result, err := moneykit.ParseConnectResult(payload)
				require.NoError(t, err)
				_, err = client.LinkSessions.Finish(t.Context(), moneykit.FinishParams{Result: result, UserID: user})
				require.NoError(t, err)
			}

			a.link()
			submit(a.frame, "Permissions")
			shown(a.frame, "Credentials")
			enter(a.frame, login("user_good"))
			shown(a.frame, "Accounts")
			assert.Len(t, texts(a.frame, "label.row"), 4)
			known := 0
			for _, text := range texts(a.frame, "label.row .name") {
				known += strings.Count(text, "· already connected")
			}
			assert.Equal(t, tc.known, known)
			_, accounts := a.linked()
			assert.Equal(t, tc.chosen, accounts)
		})
	}
}

func TestConnectDuplicateInstitution(t *testing.T) {
	t.Parallel()
	warning := moneykit.ConnectFeatures{DuplicateInstitutionWarning: true}
	rejected := moneykit.ConnectFeatures{DuplicateInstitutionRejected: true}
	for name, tc := range map[string]struct {
		features moneykit.ConnectFeatures
		only     bool // the session names the institution
		screen   string
		buttons  []string
		click    string
		next     string // screen
		event    string
	}{
		"acknowledged": {
			warning, false, "Duplicate Institution",
			[]string{"Connect it anyway", "Choose another bank"},
			".main", "Permissions", "acknowledge_institution_alert",
		},
		"dismissed": {
			warning, false, "Duplicate Institution",
			[]string{"Connect it anyway", "Choose another bank"},
			"[data-action=dismiss]", "Finder", "dismiss_institution_alert",
		},
		"dismissed without choice": {
			warning, true, "Duplicate Institution",
			[]string{"Connect it anyway", "Do not connect it again"},
			"[data-action=dismiss]", "Error", "dismiss_institution_alert",
		},
		"rejected": {
			rejected, false, "Error",
			[]string{"Choose another bank", "Close"},
			"[data-action=restart]", "Finder", "error moneykittest.duplicate_institution",
		},
		"rejected without choice": {
			rejected, true, "Error", []string{"Close"}, "", "Error", "error moneykittest.duplicate_institution",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, func(params *moneykit.LinkSessionParams) {
				params.ConnectFeatures = &tc.features
				if tc.only {
					params.InstitutionID = moneykittest.InstantBank
				}
			})
			a.add(moneykittest.InstantBank)
			a.link()
			if !tc.only {
				pick(a.frame, moneykittest.InstantBank)
			}
			shown(a.frame, tc.screen)
			assert.Contains(t, texts(a.frame, "h1")[0], "You have already connected")
			assert.Equal(t, tc.buttons, texts(a.frame, ".actions button"))
			if tc.click != "" {
				a.frame.click(tc.click)
			}
			shown(a.frame, tc.next)
			switch tc.next {
			case "Permissions":
				submit(a.frame, "Permissions")
				shown(a.frame, "Accounts")
				check(a.frame, "Brokerage")
				link, _ := a.linked()
				assert.Equal(t, "moneykit-instant-bank", link.InstitutionID)
			case "Finder":
				pick(a.frame, "chase")
				submit(a.frame, "Permissions")
				shown(a.frame, "Credentials")
				enter(a.frame, login("user_good"))
				shown(a.frame, "Accounts")
				link, _ := a.linked()
				assert.Equal(t, "chase", link.InstitutionID)
			default:
				assert.Equal(t, []string{"You have already connected this bank"}, texts(a.frame, "h1"))
				giveUp(a.frame)
				assert.Equal(t, "moneykittest.duplicate_institution", a.exited())
				assert.Len(t, a.stored(), 1)
			}
			assert.Contains(t, a.steps(), tc.event)
		})
	}
}

// Consent lists each product with the application's reason. The user can decline optional products.
func TestConnectConsent(t *testing.T) {
	t.Parallel()
	a := newApp(t, func(params *moneykit.LinkSessionParams) {
		params.Settings = &moneykit.LinkSessionSettings{Products: &moneykit.SessionProducts{
			AccountNumbers: &moneykit.ProductSettings{Required: true, Reason: "pay you <b>"},
			Identity:       &moneykit.ProductSettings{RequirePermission: true},
			Transactions:   &moneykit.ProductSettings{Reason: "show what you spend"},
			Investments:    &moneykit.ProductSettings{},
		}}
	}).link()
	pick(a.frame, moneykittest.InstantBank)
	shown(a.frame, "Permissions")
	assert.Equal(t, []string{
		"Accounts and balances Required", "Account and routing numbers is used to pay you <b> Required",
		"Name, address and contact details Required", "Transactions is used to show what you spend", "Investments",
	}, texts(a.frame, "label.row .name"))
	check(a.frame, "Investments") // A click on a required one has no effect.
	assert.Equal(t, []string{"accounts", "account_numbers", "identity", "investments"},
		eval[[]string](a.frame, "[...document.querySelectorAll('label.row :checked')].map((box) => box.value)"))
	submit(a.frame, "Permissions")
	shown(a.frame, "Accounts")
	link, _ := a.linked()
	assert.Equal(t, []moneykit.Product{moneykit.ProductTransactions, moneykit.ProductEnrichment}, link.AvailableProducts)
	assert.NotNil(t, link.Products.AccountNumbers)
	assert.NotNil(t, link.Products.Identity)
	assert.NotNil(t, link.Products.Investments)
	assert.Nil(t, link.Products.Transactions)
}

// Consent asks only for the accounts if the application wants nothing else.
func TestConnectConsentToAccounts(t *testing.T) {
	t.Parallel()
	a := newApp(t, func(params *moneykit.LinkSessionParams) {
		params.Settings = &moneykit.LinkSessionSettings{Products: &moneykit.SessionProducts{}}
	}).link()
	pick(a.frame, moneykittest.InstantBank)
	shown(a.frame, "Permissions")
	assert.Equal(t, []string{"Accounts and balances Required"}, texts(a.frame, "label.row .name"))
	link, _ := a.linked()
	assert.Nil(t, link.Products.Transactions)
	assert.NotNil(t, link.Products.Accounts)
}
