package browsertest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/moneykittest"
)

// This file contains all functions that depend on the pages of Connect and of the bank.

// view is a page, a window, or a frame in one of the browsers.
type view interface {
	test() *testing.T
	do(expression string)
	click(selector string)
	until(expression string)
}

// holdScreens is a script that keeps Connect from continuing by itself. A slow machine might
// otherwise miss the last screen, and the screen that waits for the bank.
const holdScreens = `{
	const wait = setTimeout;
	window.goOn = null;
	window.setTimeout = (call, after) => {
		if (after < 700) return wait(call, after);
		window.goOn = call;
		return wait(() => {}, 1e6);
	};
}`

// waited lets a screen continue by itself: the screen that waits for the bank polls once more, and
// the last screen ends.
func waited(frame tab) {
	frame.t.Helper()
	frame.act("window.goOn", "const call = goOn; goOn = null; call()")
}

// opened waits until Connect shows its first screen in a frame.
func opened[V view](frame V) V {
	frame.test().Helper()
	frame.until("document.querySelector('.screen') !== null")
	return frame
}

// frame returns Connect's frame, which shows one of the pages start, relink and continue.
func (s *site) frame(b tab, name string) tab {
	b.t.Helper()
	return opened(b.find("iframe", s.host.URL+"/"+name))
}

// choose chooses a bank in Connect and continues until it is linked. At the OAuth Bank it stops
// when the bank's page opens, and at other banks when the user must sign in.
func choose(frame view, bank string) {
	frame.test().Helper()
	frame.do(fmt.Sprintf("document.querySelector('[data-action=choose][value=%q]')?.click()", bank))
	goOn(frame)
	if bank == moneykittest.OAuthBank {
		frame.click("[data-bank=open]")
	}
}

// goOn submits all screens that need no input, up to the end. It waits for the bank if its page is
// open.
func goOn(frame view) {
	frame.test().Helper()
	frame.until(`(() => {
		const screen = document.querySelector(".screen");
		const name = screen?.dataset.name ?? "Finder";
		if (["Reconnect", "Permissions", "Accounts", "Success"].includes(name) && !screen.sent) {
			screen.sent = true;
			screen.requestSubmit();
		}
		return ["Credentials", "Error", "Success"].includes(name) || (name === "OAuth" && !screen.querySelector("[data-state=ready]").hidden);
	})()`)
}

// shown waits until Connect shows a screen.
func shown(frame view, name string) {
	frame.test().Helper()
	frame.until(fmt.Sprintf("document.querySelector('.screen')?.dataset.name === %q", name))
}

// enter fills in fields of the screen by their names, and submits it. Of boxes and radio buttons it
// checks the one with the value.
func enter(frame view, fields map[string]string) {
	frame.test().Helper()
	values, err := json.Marshal(fields)
	require.NoError(frame.test(), err)
	frame.do(fmt.Sprintf(`const form = document.querySelector(".screen, main form");
		for (const [name, value] of Object.entries(%s)) {
			const fields = [...form.elements].filter((field) => field.name === name);
			const choice = fields.find((field) => ["radio", "checkbox"].includes(field.type) && field.value === value);
			if (choice) choice.checked = true; else fields[0].value = value;
		}
		form.requestSubmit()`, values))
}

// corrected waits until the screen shows an error at a field, with the focus on it.
func corrected(frame view, text string) {
	frame.test().Helper()
	frame.until(fmt.Sprintf(`(() => {
		const error = document.querySelector("#error:not([hidden])");
		const field = document.querySelector("[aria-invalid=true]");
		return document.querySelector("main").ariaBusy !== "true" && error?.innerText.includes(%q) &&
			field?.getAttribute("aria-describedby") === "error" && field.contains(document.activeElement);
	})()`, text))
}

// texts returns the texts of the visible elements of the screen that match a selector. Elements
// that are not scrolled into view have no innerText.
func texts(frame tab, selector string) []string {
	frame.t.Helper()
	return eval[[]string](frame, fmt.Sprintf(`[...document.querySelectorAll(%q)].filter((e) => e.checkVisibility())
		.map((e) => (e.innerText || e.textContent).replace(/\s+/g, " ").trim())`, selector))
}

// check checks the boxes of the rows with these names, or selects the only one, and no others.
func check(frame view, names ...string) {
	frame.test().Helper()
	list, err := json.Marshal(append([]string{}, names...))
	require.NoError(frame.test(), err)
	frame.do(fmt.Sprintf(`for (const row of document.querySelectorAll("label.row")) {
		const box = row.querySelector("input");
		const wanted = %s.some((name) => row.querySelector(".name").innerText.startsWith(name));
		if (box.checked !== wanted) box.click();
	}`, list))
}

// pick chooses a bank in Connect and stays on the screen that follows.
func pick(frame view, bank string) {
	frame.test().Helper()
	shown(frame, "Finder")
	frame.click(fmt.Sprintf("[data-action=choose][value=%q]", bank))
}

// submit submits a screen as it is.
func submit(frame view, screen string) {
	frame.test().Helper()
	shown(frame, screen)
	frame.do("document.querySelector('.screen').requestSubmit()")
}

// leave closes Connect.
func leave(frame view) {
	frame.test().Helper()
	frame.click("#close")
	frame.do("document.querySelector('#leave[open] [value=leave]')?.click()")
}

// giveUp closes Connect on a screen that cannot continue.
func giveUp(frame view) {
	frame.test().Helper()
	shown(frame, "Error")
	frame.click("[data-leave]")
}

// goToBank chooses the OAuth Bank in a browser that opens no windows, so that the bank's page is
// opened in place of the application's.
func goToBank(frame tab) {
	frame.t.Helper()
	frame.do("window.open = () => null")
	choose(frame, moneykittest.OAuthBank)
	frame.click("[data-bank=here]")
}

// bankPath is the path of the bank's page.
const bankPath = "/connect/bank"

// answer permits access on the bank's page, or refuses it.
func answer(bank view, allow bool) {
	bank.test().Helper()
	logIn(bank)
	value := "refuse"
	if allow {
		value = "allow"
	}
	bank.click(fmt.Sprintf("button[value=%s]", value))
}

// logIn logs in on the bank's page.
func logIn(bank view) {
	bank.test().Helper()
	bank.until("document.querySelector('input[name=password]') !== null")
	bank.do("const form = document.forms[0]; form.username.value = 'user_good'; form.password.value = 'pass_good'; form.submit()")
	bank.until("document.querySelector('button[value=allow]') !== null")
}

// openBank opens the bank's page in a window, from the screen of Connect that leads there.
func (s *site) openBank(frame tab) tab {
	frame.t.Helper()
	shown(frame, "OAuth")
	frame.click("[data-bank=open]:not([hidden])")
	return frame.find("page", s.host.URL+bankPath)
}

// state waits until the screen that leads to the bank is in a state.
func state(frame view, name string) {
	frame.test().Helper()
	frame.until(fmt.Sprintf("[...document.querySelectorAll('div[data-state]')].every((e) => e.hidden === (e.dataset.state !== %q))", name))
}

// intercept permits access on the bank's page, and returns the URL to which the bank sends the
// user, without loading it.
func (s *site) intercept(bank tab) string {
	bank.t.Helper()
	location, err := url.Parse(eval[string](bank, "location.href"))
	require.NoError(bank.t, err)
	post, err := http.NewRequestWithContext(bank.ctx, http.MethodPost, location.String(), strings.NewReader("user=user_good&answer=allow"))
	require.NoError(bank.t, err)
	post.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := http.DefaultTransport.RoundTrip(post)
	require.NoError(bank.t, err)
	defer res.Body.Close()
	require.Equal(bank.t, http.StatusSeeOther, res.StatusCode)
	return res.Header.Get("Location")
}
