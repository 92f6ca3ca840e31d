package browsertest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/connect"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// quoted writes a text in JavaScript.
func quoted(t *testing.T, text string) string {
	t.Helper()
	data, err := json.Marshal(text)
	require.NoError(t, err)
	return string(data)
}

// guard makes a page record the violations of its Content-Security-Policy.
func guard(page tab) {
	page.t.Helper()
	page.do("addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => " +
		"(window.violations ??= []).push(violatedDirective + blockedURI))")
}

// isUnharmed checks that a page has not run or rendered markup in the texts that it shows.
func isUnharmed(page tab) {
	page.t.Helper()
	assert.Empty(page.t, eval[string](page, "String(window.hacked ?? '') + String(window.violations ?? '')"))
	assert.Zero(page.t, eval[int](page,
		"document.querySelectorAll('[onerror], [onload], marquee, main script, main style, main iframe, main a').length"))
	assert.NotContains(page.t, page.said(), "exception")
}

// fits checks that no part of a page is wider than the page, and that its button is reachable.
func fits(page tab, where string) {
	page.t.Helper()
	wide := eval[[]string](page, `[...document.querySelectorAll("html, body, .card, main, .screen, .main, h1, .row")]
		.filter((e) => e.checkVisibility() &&
		((e.matches("html, body, .card, .screen") && e.scrollWidth > e.clientWidth + 1) || e.getBoundingClientRect().right > innerWidth + 1))
		.map((e) => e.tagName + "." + e.className + " " + e.scrollWidth)`)
	assert.Empty(page.t, wide, where)
	assert.True(page.t, eval[bool](page, `(() => {
		const button = document.querySelector(".actions .main:not([hidden]), button.main");
		button?.scrollIntoView();
		const { x, y, width, height } = button?.getBoundingClientRect() ?? {};
		return !button || button.contains(document.elementFromPoint(x + width / 2, y + height / 2));
	})()`), where)
}

// Search terms are shown as text. Applications get at most 200 characters of them.
func TestSearchIsOdd(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	b := s.probed("{ onEvent: (event) => { (window.terms ??= []).push(event.properties?.search_term) } }")
	b.look(320, "light")
	b.do("go(connect.link())")
	frame := s.frame(b, "start")
	guard(frame)
	found := 0
	for _, tc := range []struct{ term, told string }{
		{`<img src=x onerror="window.hacked=1">`, ""},
		{`"><script>window.hacked=1</script><marquee>`, ""},
		{"{{.Banks}} ${hacked=1} %00 %3Cscript%3E", ""},
		{"' OR 1=1 -- \\", ""},
		{"(((([[[[a-z]+*?{1,}", ""},
		{"\x00\x01\x07\x1b[31mred\x7f\u0085\u2028\u2029.", ""},
		{"\u202eknaB\u202c בנק البنك \u200f\u200d\ufeff.", ""},
		{"🏦👩‍👩‍👧‍👦", ""},
		{"e" + strings.Repeat("\u0301", 150), ""},
		{"a" + strings.Repeat("🏦", 120), "a" + strings.Repeat("🏦", 99)}, // The last half of one is left out.
		{strings.Repeat("x", 100_000), strings.Repeat("x", 200)},
		{strings.Repeat("<b>", 33_333), strings.Repeat("<b>", 66) + "<b"},
	} {
		frame.do("search.value = " + quoted(t, tc.term) + "; search.dispatchEvent(new Event('input', { bubbles: true }))")
		if tc.told == "" {
			tc.told = tc.term
		}
		found++
		b.until(fmt.Sprintf("window.terms?.filter((term) => term !== undefined).length === %d", found))
		assert.Equal(t, strings.TrimSpace(tc.told), eval[string](b, "terms.at(-1)"))
		assert.NotEqual(t, eval[bool](frame, "document.querySelector('.none').checkVisibility()"),
			eval[bool](frame, "document.querySelectorAll('.banks li:not([hidden])').length > 0"), "banks, or none")
		isUnharmed(frame)
		fits(frame, tc.term[:1])
	}
	frame.click("[data-clear]")
	assert.Empty(t, eval[string](frame, "search.value"))
	choose(frame, moneykittest.InstantBank)
	assert.Equal(t, "linked", settled(b)["outcome"])
}

// A text of 100,000 characters arrives by a paste, and by typing.
func TestSearchIsLong(t *testing.T) {
	t.Parallel()
	for name, chunk := range map[string]int{"pasted": 100_000, "typed": 1000} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, nil)
			b := s.visit()
			b.click("#link")
			frame := s.frame(b, "start")
			x, y := middle(frame, "#search")
			b.press(x, y, 1)
			for range 100_000 / chunk {
				_, err := chromedp.Call(b.ctx, input.InsertText, input.InsertTextParams{Text: strings.Repeat("y", chunk)})
				require.NoError(t, err)
			}
			frame.until("search.value.length === 100_000")
			says(frame, "We found no bank with this name")
			frame.click("[data-clear]")
			frame.until("document.querySelectorAll('.banks li:not([hidden])').length > 100")
			choose(frame, moneykittest.InstantBank)
			shows(b, "Instant Bank: linked")
			assert.NotContains(t, frame.said(), "exception")
		})
	}
}

// oddNames are texts of an application and its customers.
var oddNames = map[string]string{
	"markup":  `<img src=x onerror="window.hacked=1"><script>window.hacked=1</script><b>Bold</b>&amp;</title></h1><marquee>`,
	"quotes":  "\" onload=\"window.hacked=1\" x='` ${window.hacked=1} {{.}} </textarea>",
	"long":    strings.Repeat("W", 3000),
	"words":   strings.Repeat("long name ", 300),
	"mixed":   "\u202egnol \u0000\u0007 🏦 بنك " + strings.Repeat("ﷺ", 100) + strings.Repeat("\u0301", 100),
	"address": "javascript:window.hacked=1//https://" + strings.Repeat("a.", 500),
}

// Every screen shows names and reasons as text, and the layout does not break.
func TestNamesAreOdd(t *testing.T) {
	t.Parallel()
	for name, odd := range oddNames {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, func(c *connect.Config) {
				c.PrepareLink = func(_ *http.Request, p *moneykit.LinkSessionParams) error {
					reason := &moneykit.ProductSettings{Reason: odd}
					p.Settings = &moneykit.LinkSessionSettings{Products: &moneykit.SessionProducts{
						AccountNumbers: reason, Identity: reason, Transactions: reason, Investments: reason,
					}}
					p.CustomSandboxData = &moneykit.CustomSandboxData{Accounts: []moneykit.CustomSandboxAccount{
						{AccountType: "depository.checking", Name: odd, AccountNumber: "12345678"},
						{AccountType: "depository.savings", Name: "Savings", AccountNumber: odd},
					}}
					return nil
				}
			})
			s.script = strings.Replace(probe, "super(options)", "super({ ...options, __applicationName: "+quoted(t, odd)+" })", 1)
			b := s.visit()
			b.look(320, "light")
			b.do("go(connect.link())")
			frame := s.frame(b, "start")
			guard(frame)
			check := func(screen string) {
				shown(frame, screen)
				isUnharmed(frame)
				fits(frame, screen)
			}
			pick(frame, moneykittest.CredentialsBank)
			check("Permissions")
			if name == "markup" || name == "quotes" {
				assert.Contains(t, eval[string](frame, "document.querySelector('h1').textContent"), odd)
				assert.Contains(t, eval[string](frame, "document.querySelector('.row small').textContent + "+
					"document.querySelectorAll('.row small')[1].textContent"), odd)
			}
			submit(frame, "Permissions")
			check("Credentials")
			fillIn(frame, "Credentials", map[string]string{"username": odd, "password": odd})
			submit(frame, "Credentials")
			frame.until("document.querySelector('[aria-invalid]')")
			check("Credentials")
			assert.Equal(t, strings.ReplaceAll(odd, "\x00", "\ufffd"), eval[string](frame, "document.querySelector('#username').value"))
			fillIn(frame, "Credentials", map[string]string{"username": "user_custom", "password": ""})
			submit(frame, "Credentials")
			check("Accounts")
			submit(frame, "Accounts")
			check("Success")
			submit(frame, "Success")
			assert.Equal(t, "linked", settled(b)["outcome"])
			isUnharmed(b)

			b.do("go(connect.link())")
			frame = s.frame(b, "start")
			choose(frame, moneykittest.OAuthBank)
			bank := b.find("page", s.host.URL+bankPath)
			bank.look(320, "light")
			guard(bank)
			bank.until("document.forms[0]?.username")
			fits(bank, "login")
			bank.do("window.before = true; document.forms[0].username.value = " + quoted(t, odd) + "; " +
				"document.forms[0].password.value = 'x'; document.forms[0].submit()")
			bank.until("!window.before && document.querySelector('#error')")
			isUnharmed(bank)
			fits(bank, "wrong login")
			logIn(bank)
			isUnharmed(bank)
			fits(bank, "permission")
			bank.click("button[value=allow]")
			check("Accounts")
			goOn(frame)
			assert.Equal(t, "linked", settled(b)["outcome"])
			assert.Len(t, s.stored(), 2)
		})
	}
}
