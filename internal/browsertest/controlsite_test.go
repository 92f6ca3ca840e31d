package browsertest

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// attack is a page that tries to read from the control API and to change data, in each way that a
// page can.
const attack = `<!doctype html>
<title>Another site</title>
<form id="form" method="post" enctype="text/plain" target="answer"><input name='{"user_id": "form", "tags": ["' value='"]}'></form>
<iframe name="answer"></iframe>
<script>
const got = (promise) => promise.then((value) => "got " + value, () => "refused");
const heard = (source) => new Promise((resolve, reject) => {
	source.onopen = () => resolve("open");
	source.onerror = reject;
});
const loaded = (name, attributes) => new Promise((resolve, reject) => {
	const element = Object.assign(document.createElement(name), attributes, { onload: () => resolve("loaded"), onerror: reject });
	document.body.append(element);
});
async function tryAll(control) {
	form.action = control + "/control/link";
	form.submit();
	navigator.sendBeacon(control + "/control/link", new Blob(['{"user_id": "beacon"}'], { type: "text/plain" }));
	const post = { method: "POST", body: '{"user_id": "fetch"}' };
	const json = { ...post, headers: { "Content-Type": "application/json" } };
	const results = {
		read: await got(fetch(control + "/control/state").then((r) => r.text())),
		readWithCookies: await got(fetch(control + "/control/state", { credentials: "include" }).then((r) => r.text())),
		readOpaque: await got(fetch(control + "/control/state", { mode: "no-cors" }).then((r) => r.text()).then((text) => text || Promise.reject())),
		post: await got(fetch(control + "/control/link", post).then((r) => r.text())),
		json: await got(fetch(control + "/control/link", json).then((r) => r.text())),
		postOpaque: await got(fetch(control + "/control/link", { ...post, mode: "no-cors" }).then((r) => r.text())
			.then((text) => text || Promise.reject())),
		events: await got(heard(new EventSource(control + "/control/events"))),
		socket: await got(heard(new WebSocket(control.replace("http", "ws") + "/control/events"))),
		script: await got(loaded("script", { src: control + "/control/links" })),
		module: await got(loaded("script", { type: "module", src: control + "/page.js" })),
		style: await got(loaded("link", { rel: "stylesheet", href: control + "/page.css" })),
		image: await got(loaded("img", { src: control + "/icon.svg" })),
	};
	const frame = Object.assign(document.createElement("iframe"), { src: control + "/" });
	document.body.append(frame);
	await new Promise((resolve) => { frame.onload = resolve; });
	results.frame = await got(new Promise((resolve, reject) => {
		try { resolve(frame.contentWindow.document.title); } catch { reject(); }
	}));
	results.frames = frame.contentWindow.length === 0 ? "refused" : "got frames";
	return results;
}
</script>`

// TestControlForeignPage attacks the control API from pages of another site, of another port of
// this machine, and without an origin.
func TestControlForeignPage(t *testing.T) {
	t.Parallel()
	p := launch(t)
	host := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if r.URL.Path == "/opaque" {
			w.Header().Set("Content-Security-Policy", "sandbox allow-scripts allow-forms")
		}
		_, _ = w.Write([]byte(attack))
	}))
	for name, page := range map[string]string{
		"another site":   host.URL + "/",
		"another port":   strings.Replace(host.URL, "127.0.0.1", "localhost", 1) + "/",
		"without origin": host.URL + "/opaque",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newTab(t)
			b.open(page)
			for way, result := range eval[map[string]string](b, "tryAll('"+p.control+"')") {
				assert.Equal(t, "refused", result, way)
			}
		})
	}
	t.Cleanup(func() {
		b := newTab(t)
		b.open(p.control + "/control/links")
		assert.Equal(t, "[]", strings.TrimSpace(eval[string](b, "document.body.innerText")), "nothing was made")
	})
}

// TestControlOtherName opens the page by a name of another site that leads to this machine.
func TestControlOtherName(t *testing.T) {
	t.Parallel()
	p := launch(t, "-control-hosts", "sandbox.localhost")
	control, err := url.Parse(p.control)
	require.NoError(t, err)
	for host, want := range map[string]string{
		"evil.localhost": "answers to the names of this machine", "127.0.0.1": "Connect your application",
		"sandbox.localhost": "Connect your application", "[::ffff:127.0.0.1]": "Connect your application",
	} {
		b := newTab(t)
		b.open("http://" + host + ":" + control.Port() + "/")
		assert.Contains(t, eval[string](b, "document.body.innerText"), want, host)
		if want == "Connect your application" {
			isLive(b)
			continue
		}
		b.open("http://" + host + ":" + control.Port() + "/control/links")
		assert.Contains(t, eval[string](b, "document.body.innerText"), want)
	}
}

// TestControlLinkedFrom follows a link to the page. The window that it opens cannot be reached.
func TestControlLinkedFrom(t *testing.T) {
	t.Parallel()
	p := launch(t)
	host := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(`<!doctype html><title>Docs</title><a href="` + p.control + `/">The sandbox</a>`))
	}))
	b := newTab(t)
	b.open(host.URL)
	b.click("a")
	isLive(b)
	b.open(host.URL)
	b.do("window.opened = open('" + p.control + "/')")
	b.until("opened.closed") // It is in another group of windows.
	b.do("window.opened = open('" + p.control + "/control/links')")
	assert.Contains(t, eval[string](b.find("page", p.control+"/control/links"), "document.body.innerText"), "pages of other sites")
}
