package browsertest

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// odd is a function in JavaScript that returns messages which nobody should post.
const odd = `() => {
	let deep = {};
	for (let i = 0; i < 500; i++) deep = { light: deep, dark: deep, accent: "red" };
	const text = "x".repeat(1e6);
	const typed = (type, ...rest) => [undefined, null, 1, "", text, [], [null], {}, deep, ...rest].flatMap((value) => [
		{ moneykit: true, type, data: value }, { moneykit: true, type, eventData: value }, { moneykit: "true", type, data: value },
		{ moneykit: true, type: [type], data: value }, { moneykit: [true], type, data: { theme: value, colorScheme: value } },
	]);
	return [
		null, undefined, 0, NaN, 10n, true, "", "moneykit", text, [], [[]], ["moneykit"], Array(1e5).fill(0), {}, deep, new Date(0),
		new Map([["moneykit", true]]), new Set([1]), new ArrayBuffer(8), new Uint8Array(1e6), /x/, new Error("x"), new Blob(["x"]),
		{ moneykit: true }, { moneykit: true, type: null }, { moneykit: true, type: {} }, { moneykit: true, type: text },
		{ moneykit: true, type: "unknown" }, { moneykit: true, type: "constructor" }, { moneykit: true, type: "__proto__", data: {} },
		...typed("link.resume", { redirectURL: null }, { redirectURL: {} }, { redirectURL: "https://evil.example/" }),
		...typed("connect.set_theme", { theme: null }, { theme: text }, { theme: [] }, { theme: deep },
			{ theme: { colors: null, components: "x", screens: [deep], images: { close: "javascript:hacked = true" } } },
			{ theme: { colors: { accent: text, error: { light: deep, dark: [] }, success: "red; } * { display: none" }, typography: deep } }),
		...typed("connect.set_color_scheme", { colorScheme: text }, { colorScheme: ["dark"] }, { colorScheme: "__proto__" }),
		...typed("connect.started"), ...typed("link.close_oauth"), ...typed("demo.link.event"),
	];
}`

// ends are messages that would end Connect if Connect posted them.
const ends = `() => [
	{ moneykit: true, type: "link.exit", data: { error: null } },
	{ moneykit: true, type: "link.exit", data: { error: { error_id: "x", displayed_message: "x" } } },
	{ moneykit: true, type: "link.complete", data: { exchangeableToken: "x", institution: { name: "x" }, link_id: "x" } },
	{ moneykit: true, type: "link.complete", data: {} },
	{ moneykit: true, type: "relink.complete", data: { institution: { name: "x" }, link_id: "x" } },
	{ moneykit: true, type: "link.event", data: { name: "success" } },
	{ moneykit: true, type: "connect.set_color_scheme", data: { colorScheme: "dark" } },
	{ moneykit: true, type: "connect.set_theme", data: { theme: { colors: { accent: "red" } } } },
	{ moneykit: true, type: "link.resume", eventData: { redirectURL: "https://evil.example/?a" } },
]`

// all returns a window and its frames, in JavaScript.
func all(window string) string {
	return fmt.Sprintf("[%[1]s, ...Array.from({ length: %[1]s.length }, (_, i) => %[1]s[i])]", window)
}

// isQuiet checks that a page has written no errors to the console.
func isQuiet(b tab) {
	b.t.Helper()
	var lines []string
	for line := range strings.Lines(b.said()) {
		if !strings.HasPrefix(line, `warning "MoneyKit Connect received a message from an unexpected origin"`) {
			lines = append(lines, line)
		}
	}
	assert.Empty(b.t, lines)
}

// Messages from other origins and invalid messages have no effect.
func TestForeignMessages(t *testing.T) {
	t.Parallel()
	foreign := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<!doctype html>") }))
	s := newSite(t, nil)
	b := s.visit()
	b.do("document.body.append(Object.assign(document.createElement('iframe'), { src: '" + foreign.URL + "', name: 'foreign' }))")
	b.click("#link")
	frame := s.frame(b, "start")
	stranger := b.find("iframe", foreign.URL)
	look := "getComputedStyle(document.querySelector('.card')).backgroundImage + " +
		"getComputedStyle(document.documentElement).getPropertyValue('--accent')"
	before := eval[string](frame, look)
	postAll := func(from tab, to, messages string) {
		t.Helper()
		from.do(fmt.Sprintf("for (const message of (%s)()) { for (const to of %s) to.postMessage(message, '*') }", messages, to))
	}

	for _, screen := range []string{"Finder", "Permissions", "OAuth"} {
		shown(frame, screen)
		postAll(stranger, all("parent"), odd)
		postAll(stranger, all("parent"), ends)
		postAll(b, all("window"), odd)
		postAll(b, "[window]", ends)
		postAll(frame, "[window, parent.frames.foreign]", odd)
		postAll(frame, "[window]", ends)
		assert.Equal(t, before, eval[string](frame, look))
		switch screen {
		case "Finder":
			pick(frame, moneykittest.OAuthBank)
		case "Permissions":
			frame.do("const real = open; window.open = (...all) => window.bank = real.apply(window, all)")
			submit(frame, screen)
		}
	}
	frame.click("[data-bank=open]")
	bank := b.find("page", s.host.URL+bankPath)
	logIn(bank)
	postAll(frame, "[bank]", odd)
	postAll(frame, "[bank]", ends)
	postAll(bank, "[window, opener.parent.frames.foreign]", odd)
	postAll(bank, "[window, opener.parent.frames.foreign]", ends)
	postAll(bank, "[opener]", strings.Replace(odd, `, { redirectURL: "https://evil.example/" }`, "", 1))
	assert.False(t, eval[bool](frame, "bank.closed"))
	bank.click("button[value=allow]")
	shown(frame, "Accounts")
	goOn(frame)
	shows(b, "OAuth Bank: linked")
	assert.Len(t, s.stored(), 1)
	assert.Equal(t, 1, s.count("result"))
	for _, page := range []tab{b, frame, bank, stranger} {
		isQuiet(page)
	}
}

// token returns the token of the link session that Connect is open with.
func token(b tab) string {
	b.t.Helper()
	return eval[string](b, "new URL(document.querySelector('iframe').src).searchParams.get('linkSessionToken')")
}

// Connect posts nothing to a page that names no origin, or not its own.
func TestOriginIsWrong(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t)
	app := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "<!doctype html><script>got = []; onmessage = ({ data }) => { got.push(data) }</script>")
	}))
	own := strings.Replace(app.URL, "127.0.0.1", "localhost", 1)
	for name, tc := range map[string]struct{ parameter, shows string }{
		"missing":           {"", "This page opens inside an application"},
		"empty":             {"&origin=", "This page opens inside an application"},
		"any":               {"&origin=*", "This page opens inside an application"},
		"opaque":            {"&origin=null", "This page opens inside an application"},
		"path":              {"&origin=" + own + "/", "This page opens inside an application"},
		"script":            {"&origin=javascript:alert(1)", "This page opens inside an application"},
		"data":              {"&origin=data:text/html,x", "This page opens inside an application"},
		"scheme":            {"&origin=ftp://localhost", "This page opens inside an application"},
		"of another":        {"&origin=https://app.example", "Connect your bank"},
		"its own, too late": {"&origin=https://app.example&origin=" + own, "Connect your bank"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host := serve(t, mk.Handler()) // Frames are found by their host.
			session, err := mk.Client().LinkSessions.Create(t.Context(), moneykit.LinkSessionParams{
				CustomerUser: moneykit.CustomerUser{ID: user}, RedirectURI: own + "/oauth",
			})
			require.NoError(t, err)
			b := newTab(t)
			b.open(own)
			b.do(fmt.Sprintf("document.body.append(Object.assign(document.createElement('iframe'), { src: %q, width: 400, height: 700 }))",
				host.URL+"/start?linkSessionToken="+url.QueryEscape(session.Token)+tc.parameter))
			frame := b.find("iframe", host.URL+"/start")
			frame.until("document.querySelector('h1') !== null")
			assert.Equal(t, tc.shows, eval[string](frame, "document.querySelector('h1').innerText"))
			if tc.shows == "Connect your bank" {
				choose(frame, moneykittest.CredentialsBank)
			}
			leave(frame)
			frame.do("parent.postMessage('the last one', '*')")
			b.until("got.length > 0")
			assert.Equal(t, []string{"the last one"}, eval[[]string](b, "got"))
			assert.NotContains(t, frame.said(), "exception")

			// Nor does Connect open in a window of its own.
			b.open(host.URL + "/start?linkSessionToken=" + url.QueryEscape(session.Token) + "&origin=" + own)
			b.until("document.querySelector('h1')?.innerText === 'This page opens inside an application'")
		})
	}
}

// A second tab with the same session shows an error at its first screen. The first tab continues.
func TestTwoTabs(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	b := s.visit()
	b.click("#link")
	frame := s.frame(b, "start")
	toCredentials(frame)

	second := b.beside()
	second.open(s.origin + "/")
	second.until(isReady)
	second.do(fmt.Sprintf(`window.heard = [];
		import("@moneykit/connect").then(({ default: MoneyKit }) => new MoneyKit({ __connectSDKUIHost: %q, __applicationName: "second" }).link(
			%q, () => heard.push("linked"), (error) => heard.push(error?.error_id), (event) => heard.push(event.name)))`, s.host.URL, token(b)))
	other := second.find("iframe", s.host.URL+"/start?applicationName=second")
	shown(other, "Error")
	assert.Contains(t, eval[string](other, "document.querySelector('.screen').innerText"), "This session is in use already")
	other.click("[data-leave]")
	second.until("heard.includes('moneykittest.used_session')")
	assert.Equal(t, []string{"open", "error", "change_screen", "exit", "moneykittest.used_session"}, eval[[]string](second, "heard"))
	second.until("document.querySelector('iframe') === null")

	fillIn(frame, "Credentials", map[string]string{"username": "user_good", "password": "pass_good"})
	submit(frame, "Credentials")
	submit(frame, "Accounts")
	submit(frame, "Success")
	shows(b, "Credentials Bank: linked")
	s.heardOnly([]string{
		"open", "change_screen", "select_institution", "change_screen", "submit_permissions", "change_screen", "submit_credentials",
		"change_screen", "submit_accounts", "change_screen", "success",
	})
}
