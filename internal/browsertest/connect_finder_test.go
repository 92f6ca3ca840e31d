package browsertest

import (
	"slices"
	"testing"

	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"

	"github.com/moneykit/moneykit-go"
)

// search types a search term in the Finder.
func search(frame tab, term string) {
	frame.t.Helper()
	frame.do("search.focus(); search.select(); document.execCommand('insertText', false, " + "`" + term + "`" + ")")
}

// The search finds banks by the beginnings of words, without regard to case and accents, and the
// best match is first.
func TestConnectSearch(t *testing.T) {
	t.Parallel()
	a := newApp(t, nil).link()
	shown(a.frame, "Finder")
	for term, first := range map[string]string{
		"chase": "Chase", "CHÂSE": "Chase", "oauth": "OAuth Bank", "bank cred": "Credentials Bank",
		"moneykit-instant-bank": "Instant Bank", "beacon hill caisse": "Beacon Hill Caisse",
	} {
		search(a.frame, term)
		assert.Equal(t, first, texts(a.frame, ".banks .name")[0], term)
		assert.Empty(t, texts(a.frame, ".featured .name"), term)
	}
	search(a.frame, "no such bank")
	assert.Empty(t, texts(a.frame, ".banks .name"))
	assert.Contains(t, texts(a.frame, ".none")[0], "We found no bank with this name.")
	a.frame.click("[data-clear]")
	assert.NotEmpty(t, texts(a.frame, ".featured .name"))
	assert.Empty(t, texts(a.frame, ".none"))

	// The keyboard is sufficient.
	search(a.frame, "chase")
	press(a.page, kb.ArrowDown)
	press(a.page, kb.Enter)
	shown(a.frame, "Permissions")
	assert.Contains(t, eval[string](a.frame, "document.querySelector('.brand').innerText"), "C")
	leave(a.frame)
	assert.Empty(t, a.exited())
	steps := a.steps()
	assert.Contains(t, steps, "select_institution chase")
	assert.Contains(t, steps, "search_institution chase")
}

// The Finder offers the banks of the session's countries only.
func TestConnectCountries(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		countries []moneykit.Country
		tags      bool // that tell countries apart
	}{
		"one": {[]moneykit.Country{moneykit.CountryGB}, false}, "two": {[]moneykit.Country{moneykit.CountryGB, moneykit.CountryCA}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, func(params *moneykit.LinkSessionParams) {
				params.Settings = &moneykit.LinkSessionSettings{Countries: tc.countries}
			}).link()
			shown(a.frame, "Finder")
			names := texts(a.frame, ".banks .name")
			assert.Contains(t, names, "Beacon Hill Building Society")
			assert.Equal(t, len(tc.countries) == 2, slices.Contains(names, "Beacon Hill Caisse"))
			assert.NotContains(t, names, "Chase")
			assert.NotContains(t, names, "Instant Bank")
			assert.Equal(t, tc.tags, len(texts(a.frame, ".banks .tag")) > 0)
			pick(a.frame, "beacon-hill-building-society")
			submit(a.frame, "Permissions")
			shown(a.frame, "Credentials")
			enter(a.frame, login("user_good"))
			shown(a.frame, "Accounts")
			for _, amount := range texts(a.frame, ".amount") {
				assert.Contains(t, amount, "£")
			}
			link, _ := a.linked()
			assert.Equal(t, "beacon-hill-building-society", link.InstitutionID)
		})
	}
}

// A double click is one step.
func TestConnectDoubleClick(t *testing.T) {
	t.Parallel()
	a := newApp(t, nil).link()
	shown(a.frame, "Finder")
	a.frame.do("const bank = document.querySelector('[value=chase]'); bank.click(); bank.click()")
	shown(a.frame, "Permissions")
	a.frame.do("const form = document.querySelector('.screen'); form.requestSubmit(); form.requestSubmit()")
	shown(a.frame, "Credentials")
	leave(a.frame)
	assert.Empty(t, a.exited())
	assert.Equal(t, []string{
		"open", "change_screen Finder", "select_institution chase", "change_screen Permissions", "submit_permissions",
		"change_screen Credentials", "exit",
	}, a.steps())
}
