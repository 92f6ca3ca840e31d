package pages

import (
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const markup = `<b title="x">'&`

// sampleViews returns a view of each screen and of each page of the bank.
func sampleViews() map[string]any {
	bank := &bankView{
		ID: "moneykit-creds-bank", Name: "Credentials Bank" + markup, Domain: "creds.bank.test", Country: "US",
		Initials: "CB", Color: "#0a7d5c", Keywords: "sandbox", Tile: true,
	}
	hints := []hint{{"user_good" + markup, "Logs in.", map[string]string{"username": "user_good" + markup, "password": "pass_good"}}}
	products := []productView{
		{"accounts", "Accounts and balances", "show your money" + markup, true, false},
		{"account_numbers", "Account and routing numbers", "", false, true},
		{"identity", "Identity", "check who you are", false, false},
		{"transactions", "Transactions", "sort your spending", false, false},
		{"investments", "Investments", "", false, false},
	}
	views := map[string]any{}
	for _, v := range []view{
		{Screen: "Finder", Banks: []bankView{*bank, {ID: "ca", Name: "Caisse", Country: "CA", Initials: "C", Color: "#ffd400"}}},
		{Screen: "Duplicate Institution"},
		{Screen: "Permissions", Products: products},
		{Screen: "Reconnect", Relink: true},
		{Screen: "Credentials", Back: true, Username: markup},
		{Screen: "OTP Device", Devices: []deviceView{{"1", "sms", "•••• 4242"}, {"2", "email", "a•••@bank.test"}, {"3", "phone", markup}}},
		{Screen: "OTP", Device: "the phone •••• 4242" + markup},
		{Screen: "Security Question", Question: "What was your first pet?" + markup},
		{Screen: "OAuth", BankURL: "/connect/bank?a=1&b=2"},
		{Screen: "Accounts", Hidden: true, Accounts: []accountView{
			{"a", "Checking" + markup, "Checking account", "1234", "$1,204.50", false, true, true},
			{"b", "Savings", "Savings account", "9876", "$25,000.00", true, false, true},
			{"c", "Rewards Card", "Credit card", "0005", "$310.22", false, false, false},
			{"d", "Brokerage", "Investment account", "", "", false, false, false},
		}},
		{Screen: "Waiting", After: 1500},
		{Screen: "Success", Shared: 2, After: 4000},
		{Screen: "Error", Failure: &failureView{
			Title: "The bank does not respond" + markup, Text: "Try again later.", Retry: true, Other: true, Website: true,
		}},
	} {
		v.App, v.Hints = "Budget"+markup, hints
		if v.Screen != "Finder" {
			v.Bank = bank
		}
		views[v.Screen] = v
		switch v.Screen {
		case "Credentials", "OTP", "Security Question", "Permissions", "OTP Device", "Accounts":
			v.Error = "This is not right" + markup + "."
			views[v.Screen+" with an error"] = v
		}
	}
	page := struct {
		App, User, Error string
		Products         []productView
		Hints            []hint
	}{"Budget" + markup, "user_good" + markup, "This is not right" + markup, products, hints}
	for _, name := range []string{"bank-login", "bank-grant", "bank-stop"} {
		views[name] = page
	}
	return views
}

func TestScreens(t *testing.T) {
	t.Parallel()
	all := templates()
	for name, data := range sampleViews() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			template := name
			if v, ok := data.(view); ok {
				template = v.Screen
			}
			var out strings.Builder
			require.NoError(t, all.ExecuteTemplate(&out, template, data))
			html := out.String()
			assert.Equal(t, 1, strings.Count(html, "<h1"))
			assert.Equal(t, 1, strings.Count(html, "<form")+strings.Count(name, "bank-stop"))
			assert.NotContains(t, html, "<b ")
			assert.NotContains(t, html, "ZgotmplZ")
			assert.NotRegexp(t, `(?i)<script>|<style|\sstyle=|\son[a-z]+=`, html, "refused by the content security policy")
			for _, input := range regexp.MustCompile(`<input [^>]*>`).FindAllString(html, -1) {
				switch id := regexp.MustCompile(` id="([^"]*)"`).FindStringSubmatch(input); {
				case strings.Contains(input, `type="hidden"`), strings.Contains(input, "aria-label="):
				case id != nil:
					assert.Contains(t, html, `<label for="`+id[1]+`"`)
				default:
					assert.Regexp(t, `(?s)<label class="row">.{0,900}`+regexp.QuoteMeta(input)+"</label>", html)
				}
			}
		})
	}
}

// TestScreensWithoutNames renders the screens without optional values of the front end.
func TestScreensWithoutNames(t *testing.T) {
	t.Parallel()
	all := templates()
	for _, name := range slices.Sorted(maps.Keys(sampleViews())) {
		if v, ok := sampleViews()[name].(view); ok {
			var out strings.Builder
			require.NoError(t, all.ExecuteTemplate(&out, v.Screen, view{Screen: v.Screen}), name)
			assert.NotContains(t, out.String(), "nil")
		}
	}
}

// The assets of Connect are small, so that they load fast.
func TestAssetsAreSmall(t *testing.T) {
	t.Parallel()
	size := 0
	require.NoError(t, fs.WalkDir(assets, ".", func(path string, d fs.DirEntry, err error) error {
		require.NoError(t, err)
		if !d.IsDir() {
			data, err := fs.ReadFile(assets, path)
			require.NoError(t, err)
			size += len(data)
		}
		return nil
	}))
	assert.LessOrEqual(t, size, 60<<10)
}

func TestInk(t *testing.T) {
	t.Parallel()
	for background, want := range map[string]string{"#ffffff": "#111", "#000000": "#fff", "#7a1fa2": "#fff", "#ffd400": "#111", "": "#fff"} {
		assert.Equal(t, want, ink(background), background)
	}
}
