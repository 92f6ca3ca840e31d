package browsertest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// verbForm returns JavaScript for the form with a title that is to be seen in a panel.
func verbForm(panel, title string) string {
	return fmt.Sprintf(`[...document.querySelectorAll("#%s form")].find((f) => f.checkVisibility() && f.querySelector("b").textContent === %q)`,
		panel, title)
}

// clickOn clicks with the mouse in the middle of an element that JavaScript finds. Updates of the
// page can move the element meanwhile, so clickOn retries until it hits the element.
func (b tab) clickOn(element string) {
	b.t.Helper()
	require.True(b.t, within(func() bool {
		x, y := b.middle(element)
		b.do(`window.hit = false; addEventListener("click", ({ target }) => { hit = Boolean((` + element + `)?.contains(target)) },
			{ capture: true, once: true })`)
		b.press(x, y, 1)
		return eval[bool](b, "hit")
	}), "%s is not hit", element)
}

// unfold opens a details element, whose summary JavaScript finds.
func (b tab) unfold(summary string) {
	b.t.Helper()
	b.clickOn(summary)
	b.until(summary + ".parentElement.open")
}

// row returns JavaScript for the summary of a panel's row that contains a text.
func row(panel, text string) string {
	return fmt.Sprintf(`[...document.querySelectorAll("#%s li > details > summary")].find((s) => s.textContent.includes(%q))`, panel, text)
}

// tool returns JavaScript for the summary of a form that belongs to a panel or to the page.
func tool(title string) string {
	return fmt.Sprintf(`[...document.querySelectorAll(".tool > summary")].find((s) => s.textContent === %q)`, title)
}

// fill sets fields of a form, by their paths.
func (b tab) fill(form string, fields map[string]string) {
	b.t.Helper()
	b.until(form + " !== undefined")
	data, err := json.Marshal(fields)
	require.NoError(b.t, err)
	b.do(`for (const [path, value] of Object.entries(` + string(data) + `)) {
		const field = (` + form + `).querySelector('[data-path="' + path + '"]');
		field.value = value;
		field.dispatchEvent(new Event("input", { bubbles: true }));
	}`)
}

// send presses the button of a form and returns the form's message.
func (b tab) send(form string) string {
	b.t.Helper()
	b.clickOn("(" + form + ").querySelector('.go button')")
	const said = "((f) => f.querySelector('.problem').textContent + f.querySelector('[role=status]').textContent)"
	b.until(said + "(" + form + ") !== ''")
	return eval[string](b, said+"("+form+")")
}

// hint returns the subcommand that a form shows.
func (b tab) hint(form string) string {
	b.t.Helper()
	return eval[string](b, "("+form+").querySelector('.hint code').textContent")
}

// TestControlLink uses each verb of a link with the mouse, while other processes use the sandbox.
func TestControlLink(t *testing.T) {
	t.Parallel()
	p := launch(t)
	b := p.page()
	assert.Contains(t, eval[string](b, "document.querySelector('#links').innerText"), "No links yet")
	p.subcommand("moneykit-sandbox link -user user-7 -webhook http://127.0.0.1:1/hook -control " + p.control)
	b.unfold(row("links", "user-7"))
	id := eval[string](b, `fetch("/control/links").then((r) => r.json()).then((links) => links[0].id)`)

	form := verbForm("links", "Break")
	b.fill(form, map[string]string{"reason": "no_accounts"})
	assert.Equal(t, "Done.", b.send(form))
	b.until(row("links", "no_accounts"))
	assert.Equal(t, "moneykit-sandbox break -link "+id+" -reason no_accounts -control "+p.control, b.hint(form))
	b.fill(form, map[string]string{"reason": "user_error"})
	p.subcommand(b.hint(form))
	b.until(row("links", "user_error"))
	b.until(`document.querySelector("#links .facts").textContent.includes("user_error")`)
	assert.Equal(t, "Done.", b.send(verbForm("links", "Connect again")))
	b.until(row("links", "connected"))
	p.subcommand(b.hint(verbForm("links", "Connect again")))

	form = verbForm("links", "Add a transaction")
	b.fill(form, map[string]string{"add.0.amount": "12.34", "add.0.description": "It's $HOME & <b>"})
	b.do(form + `.querySelector('[data-path="add.0.pending"]').click()`)
	assert.Equal(t, "Done.", b.send(form))
	p.subcommand(b.hint(form))
	pending := func() (n int) {
		for transaction, err := range p.client().Transactions.All(t.Context(), id, moneykit.TransactionListParams{}) {
			require.NoError(t, err)
			if transaction.Description == "It's $HOME & <b>" && transaction.Pending {
				n++
			}
		}
		return n
	}
	assert.Equal(t, 2, pending())
	assert.Equal(t, "Done.", b.send(verbForm("links", "Settle")))
	assert.Zero(t, pending())

	form = verbForm("links", "Change transactions")
	b.fill(form, map[string]string{"remove": "txn_none"})
	assert.Contains(t, b.send(form), "txn_none")
	b.unfold("(" + form + ").querySelector('.fold > summary')")
	b.fill(form, map[string]string{"update": "{"})
	assert.Contains(t, b.send(form), "This is not JSON")
	assert.Equal(t, "update", eval[string](b, "document.activeElement.dataset.path"))

	assert.Equal(t, "Done.", b.send(verbForm("links", "Reset cursors")))
	b.do(verbForm("links", "Refresh") + ".querySelector('[value=transactions]').click()")
	assert.Equal(t, "Done.", b.send(verbForm("links", "Refresh")))
	assert.Contains(t, b.hint(verbForm("links", "Refresh")), " -products transactions ")
	form = verbForm("links", "Trigger")
	b.fill(form, map[string]string{"event": "product.state_changed"})
	assert.Equal(t, "Done.", b.send(form))
	b.unfold(row("deliveries", "link.product_refresh"))
	b.until(`document.querySelector("#deliveries .facts")?.textContent.includes("connection refused")`)
	assert.Equal(t, "Done.", b.send(verbForm("deliveries", "Resend")))
	b.until(row("deliveries", "2 attempts"))
	require.NoError(t, p.client().Links.Delete(t.Context(), id))
	b.until(`document.querySelectorAll("#links li").length === 0`)
	assert.Empty(t, b.said())
}

// TestControlSession plays users in Connect.
func TestControlSession(t *testing.T) {
	t.Parallel()
	p := launch(t)
	b := p.page()
	open := func(user, bank string) {
		_, err := p.client().LinkSessions.Create(t.Context(), moneykit.LinkSessionParams{
			CustomerUser: moneykit.CustomerUser{ID: user}, RedirectURI: "https://app.example/back", InstitutionID: bank,
		})
		require.NoError(t, err)
		b.unfold(row("sessions", user))
	}
	open("user-1", "")
	form := verbForm("sessions", "Connect")
	b.fill(form, map[string]string{"play.username": "user_locked"})
	assert.Contains(t, b.send(form), "without a link")
	assert.Contains(t, eval[string](b, form+".textContent"), "the bank has locked the user out")
	b.clickOn(row("sessions", "user-1"))
	open("user-2", "")
	b.fill(form, map[string]string{"play.username": "user_otp", "source": "react_native"})
	assert.Equal(t, "Done: the user is linked.", b.send(form))
	token := eval[string](b, form+`.querySelector(".outcome [aria-label='Copy exchangeable_token']").previousElementSibling.textContent`)
	exchanged, err := p.client().LinkSessions.Exchange(t.Context(), token)
	require.NoError(t, err)
	b.until(row("links", "user-2"))
	assert.NotEmpty(t, exchanged.ID)
	b.clickOn(row("sessions", "user-2"))

	open("user-3", moneykittest.OAuthBank)
	assert.Equal(t, "Done.", b.send(verbForm("sessions", "Authorize")))
	form = verbForm("sessions", "Continue")
	b.until(form + `.querySelector("[data-path=return_url]").value.startsWith("https://app.example/back?")`)
	p.subcommand(b.hint(form))
	b.until(row("sessions", "used"))
	assert.Contains(t, b.send(form), "without a link", "the session was used by another process")
	assert.Empty(t, b.said())
}

// TestControlTools uses the verbs for the whole sandbox.
func TestControlTools(t *testing.T) {
	t.Parallel()
	p := launch(t, "-no-delivery")
	b := p.page()
	use := func(title string, fields map[string]string) string {
		b.unfold(tool(title))
		form := `[...document.querySelectorAll(".tool form")].find((f) => f.querySelector("b").textContent === "` + title + `")`
		b.fill(form, fields)
		assert.Contains(t, b.send(form), "Done", title)
		return form
	}
	b.do("navigator.clipboard.writeText = async (text) => { window.copied = text }")
	b.clickOn(`document.querySelector("[aria-label='Copy API']")`)
	b.until("window.copied === '" + p.api + "'")
	b.until(`document.querySelector("[aria-label='Copy API']").textContent === "Copied"`)
	b.do("navigator.clipboard.writeText = () => Promise.reject(new Error('not here'))")
	b.clickOn(`document.querySelector("[aria-label='Copy client id']")`)
	b.until("getSelection().toString() === 'sandbox_client'")

	use("Make a link", map[string]string{"user_id": "user-9", "institution_id": "chase", "webhook": "http://127.0.0.1:1/hook"})
	b.until(row("links", "Chase"))
	link := eval[string](b, `fetch("/control/links").then((r) => r.json()).then((links) => links[0].id)`)
	p.call("break", map[string]any{"link_id": link, "reason": "auth_expired"})
	b.until(row("deliveries", "pending"))
	use("Deliver", map[string]string{"duplicated": "2"})
	b.until(row("deliveries", "2 attempts"))
	use("Rotate keys", map[string]string{})
	use("Expire tokens", map[string]string{})
	use("Make requests fail", map[string]string{"operation": "get_institutions", "fault.status": "418", "n": "1"})
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.api+"/institutions", nil)
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	assert.Equal(t, http.StatusTeapot, response.StatusCode)
	b.until(row("requests", "418"))

	// The lines of curl are run as they are.
	client := p.client()
	receiver := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		if _, err := client.Webhooks.Verify(r.Context(), r.Header, body); err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
		}
	}))
	body := eval[string](b, `fetch("/control/deliveries").then((r) => r.json())
		.then((all) => JSON.stringify({ ...all[0].body, note: "it's $HOME" }))`)
	for title, want := range map[string]string{"Sign": " 200", "Tamper": " 401"} {
		form := use(title, map[string]string{"url": receiver.URL + "/it's?a=[1]", "body": body})
		line := eval[string](b, "("+form+").querySelector('.outcome pre').textContent")
		out, err := exec.CommandContext(t.Context(), "sh", "-c", line).CombinedOutput() // #nosec G204 -- that is what it is for
		require.NoError(t, err, line)
		assert.Contains(t, string(out), "HTTP/1.1"+want, line)
	}
	before := eval[string](b, "document.querySelector('#now').textContent")
	form := use("Advance the clock", map[string]string{"by": "48h"})
	b.until(`document.querySelector("#ahead").textContent === "+48h"`)
	b.until(row("deliveries", "given_up"))
	assert.NotEqual(t, before[:10], eval[string](b, "document.querySelector('#now').textContent")[:10])
	b.fill(form, map[string]string{"by": "soon"})
	assert.Contains(t, b.send(form), "a duration is text such as 90m")
	assert.Empty(t, b.said())
}

// TestControlReconnects starts the sandbox again while the page is open.
func TestControlReconnects(t *testing.T) {
	t.Parallel()
	p := launch(t, "-listen", steadyAddress(t), "-control", steadyAddress(t))
	p.link("user-before")
	b := p.page()
	b.until(row("links", "user-before"))
	p.stop()
	b.until(`document.querySelector("#live").textContent === "Reconnecting…"`)
	b.unfold(tool("Rotate keys"))
	assert.Equal(t, "The sandbox does not respond. Is it running?",
		b.send(`[...document.querySelectorAll(".tool[open] form")].at(-1)`))
	again := launch(t, append(p.ports(), "-seed", "7")...)
	isLive(b)
	b.until(`document.querySelectorAll("#links li").length === 0`)
	again.link("user-after")
	b.until(row("links", "user-after"))
}

// TestControlManyRequests sends ten thousand requests while somebody looks at the page.
func TestControlManyRequests(t *testing.T) {
	t.Parallel()
	const workers, each = 8, 1250
	p := launch(t)
	b := p.page()
	send := func(path string) error {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.api+path, nil)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, response.Body)
		return errors.Join(err, response.Body.Close())
	}
	require.NoError(t, send("/first"))
	b.unfold(row("requests", "/first"))
	b.do(`document.querySelector("#requests li summary").focus()`)
	var all sync.WaitGroup
	for worker := range workers {
		all.Go(func() {
			for i := range each {
				assert.NoError(t, send(fmt.Sprintf("/worker/%d/%d", worker, i)))
			}
		})
	}
	all.Wait()
	b.until(`document.querySelector("#requests [data-count]").textContent === "10,001"`)
	assert.LessOrEqual(t, eval[int](b, `document.querySelectorAll("#requests li").length`), 101)
	assert.True(t, eval[bool](b, `document.activeElement.textContent.includes("/first") && document.activeElement.parentElement.open`),
		"what is read stays, and keeps the focus")
	b.do(`const filter = document.querySelector("#requests input"); filter.value = "/worker/3/"; filter.dispatchEvent(new Event("input"))`)
	b.until(`[...document.querySelectorAll("#requests li")].every((li) => li.textContent.includes("/worker/3/"))`)
	b.do(`const filter = document.querySelector("#requests input"); filter.value = ""; filter.dispatchEvent(new Event("input"))`)
	b.clickOn(`document.querySelector("#requests [data-pause]")`)
	require.NoError(t, send("/paused"))
	b.until(`document.querySelector("#requests [data-pause]").textContent === "Resume (1 new)"`)
	assert.False(t, eval[bool](b, row("requests", "/paused")+" !== undefined"))
	b.clickOn(`document.querySelector("#requests [data-pause]")`)
	b.until(row("requests", "/paused"))
	b.clickOn(`document.querySelector("#requests [data-more]")`)
	b.until(`document.querySelectorAll("#requests li").length >= 200`)
}

// TestControlMarkup shows markup in names as text.
func TestControlMarkup(t *testing.T) {
	t.Parallel()
	const evil = `<img src=x onerror=alert(1)><script>alert(2)</script>'"&lt;${1}`
	p := launch(t)
	b := p.page()
	p.link(evil)
	b.unfold(row("links", evil))
	b.until(`document.querySelector("#links .facts").textContent.includes(` + fmt.Sprintf("%q", evil) + `)`)
	body := strings.NewReader(`{"<i>": "<img src=x onerror=alert(3)>"}`)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.api+"/%3Cb%3E", body)
	require.NoError(t, err)
	r.Header.Set("X-Markup", "<img src=x onerror=alert(4)>")
	response, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	b.unfold(row("requests", "/<b>"))
	b.until(`document.querySelector("#requests .facts").textContent.includes("onerror=alert(4)")`)
	assert.Zero(t, eval[int](b, `document.querySelectorAll(":is(.rows) :is(img, script, b:not(.does b), i)").length`))
	_, err = try[bool](b, `document.body.innerHTML = "<b>"`)
	require.Error(t, err, "trusted types are required")
	assert.NotContains(t, b.said(), "dialog")
}

// TestControlKeyboard breaks a link with the keyboard only, and keeps the focus while another
// client changes the link.
func TestControlKeyboard(t *testing.T) {
	t.Parallel()
	p := launch(t)
	id := p.link("user-7")
	b := p.page()
	key := func(keys string) { require.NoError(t, chromedp.Do(b.ctx, chromedp.KeyEvent(keys))) }
	reach := func(what string) {
		for range 60 {
			if eval[bool](b, "Boolean(document.activeElement?.matches(`"+what+"`))") {
				return
			}
			key("\t")
		}
		require.Fail(t, "the key Tab does not reach "+what)
	}
	b.until(row("links", "user-7"))
	reach("#links li summary")
	key("\r")
	b.until(`document.querySelector("#links .facts")`)
	reach(`#links [data-path=reason]`)
	key("system")
	reach("#links .go button")
	assert.NotEqual(t, "none", eval[string](b, "getComputedStyle(document.activeElement).outlineStyle"), "the focus is visible")
	key("\r")
	b.until(row("links", "system_error"))
	p.call("break", map[string]any{"link_id": id, "reason": "user_error"})
	b.until(row("links", "user_error"))
	assert.Equal(t, "Break", eval[string](b, "document.activeElement.textContent"))
	reach("#links .hint > summary")
	key("\r")
	reach("#links .hint [data-copy]")
}
