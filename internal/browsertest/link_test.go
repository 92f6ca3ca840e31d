package browsertest

import (
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/connect"
	"github.com/moneykit/moneykit-go/connect/theme"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// shows waits until the page of the example has a text.
func shows(b view, text string) {
	b.test().Helper()
	b.until(`document.querySelector("#status").textContent.includes(` + "`" + text + "`" + `)`)
}

// add adds a link of the user that MoneyKit and the application have.
func (s *site) add(bank string) moneykit.Link {
	s.t.Helper()
	link := s.mk.AddLink(moneykittest.LinkSpec{UserID: user, InstitutionID: bank})
	require.NoError(s.t, s.store(s.t.Context(), user, &link))
	return link
}

func TestLink(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	b := s.visit()
	b.click("#link")
	frame := s.frame(b, "start")
	assert.Equal(t, "Connect your bank", eval[string](b, "document.querySelector('iframe').title"))
	choose(frame, moneykittest.InstantBank)
	shows(b, "Instant Bank: linked")
	links := s.stored()
	require.Len(t, links, 1)
	assert.Equal(t, moneykit.LinkStateConnected, links[0].State)
	b.gone(s.host.URL)
	assert.Empty(t, b.said())
	assert.Equal(t, "0", eval[string](b, "String(sessionStorage.length)"), "nothing is kept afterwards")
}

func TestExit(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	b := s.visit()
	b.click("#link")
	leave(s.frame(b, "start"))
	shows(b, "Connect: exited")
	s.hears("exited")
	assert.Empty(t, s.stored())

	// Connect can be opened again.
	b.click("#link")
	choose(s.frame(b, "start"), moneykittest.InstantBank)
	shows(b, "Instant Bank: linked")
}

func TestRelink(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	link := s.add(moneykittest.InstantBank)
	s.mk.Break(link.ID, moneykit.LinkErrorAuthExpired)
	b := s.visit()
	b.click(".relink")
	choose(s.frame(b, "relink"), moneykittest.InstantBank)
	shows(b, "Instant Bank: relinked")
	assert.Equal(t, link.ID, s.stored()[0].ID)
	assert.Contains(t, s.results[0], `"link":"`+connect.LinkHandle(user, link.ID)+`"`, "not every Connect reports the link")

	b.click(".relink")
	shows(b, "Your bank is connected.") // A sentence of the back end.
	assert.Empty(t, eval[string](b, "document.querySelector('iframe')?.src ?? ''"))
}

func TestDoubleClick(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	b := s.probed("{}")
	b.do("window.first = connect.link(); window.second = connect.link(); go(window.first)")
	assert.True(t, eval[bool](b, "first === second"))
	frame := s.frame(b, "start")
	assert.Equal(t, "busy", eval[string](b, "connect.relink('mk_1').catch((error) => error.code)"))
	assert.True(t, eval[bool](b, "connect.resume().then((result) => result === null)"))
	choose(frame, moneykittest.InstantBank)
	assert.Equal(t, "linked", settled(b)["outcome"])
	assert.Equal(t, 1, s.count("session"))
	assert.Equal(t, 1, s.count("result"))
}

func TestEventsInOrder(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	// The first event is slow, and the second fails. Neither changes the order of the others.
	release, events := make(chan struct{}), 0
	s.before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/connect/event" {
			return false
		}
		if events++; events == 1 {
			<-release
		}
		if events == 2 {
			http.Error(w, "no", http.StatusBadGateway)
		}
		return events == 2
	}
	b := s.probed("{ onEvent: (event) => { (window.events ??= []).push(event.name); throw new Error('of the application'); } }")
	b.do("go(connect.link())")
	choose(s.frame(b, "start"), moneykittest.InstantBank)
	assert.Equal(t, "linked", settled(b)["outcome"], "events do not keep the result waiting")
	close(release)
	names := eval[[]string](b, "window.events")
	require.Greater(t, len(names), 3)
	assert.Equal(t, "open", names[0])
	names = slices.Delete(names, 1, 2)
	require.True(t, within(func() bool { return len(s.told()) == len(names) }), s.told())
	assert.Equal(t, names, s.told())
}

func TestEventsOfPageThatIsLeft(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	release, events := make(chan struct{}), atomic.Int32{}
	s.before = func(_ http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/connect/event" && events.Add(1) == 1 {
			<-release
		}
		return false
	}
	t.Cleanup(sync.OnceFunc(func() { close(release) }))
	b := s.probed("{ onEvent: () => { window.events = (window.events ?? 0) + 1; } }")
	b.do("go(connect.link())")
	choose(s.frame(b, "start"), moneykittest.InstantBank)
	settled(b)
	posted := eval[int](b, "window.events")
	b.open("about:blank")
	require.True(t, within(func() bool { return len(s.told()) == posted-1 }), s.told())
}

func TestEventsAreNotPosted(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	b := s.probed("{ events: false, onEvent: (event) => { window.last = event.name; } }")
	b.do("go(connect.link())")
	choose(s.frame(b, "start"), moneykittest.InstantBank)
	settled(b)
	assert.NotEmpty(t, eval[string](b, "window.last"))
	assert.Zero(t, s.count("event"))
}

func TestDisconnect(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	link := s.add(moneykittest.InstantBank)
	b := s.probed("{}")
	handle := connect.LinkHandle(user, link.ID)
	b.do("connect.disconnect('" + handle + "').then(() => go(Promise.resolve({ done: true })))")
	settled(b)
	assert.Equal(t, []string{"disconnected"}, s.told())
	b.do("go(connect.disconnect('" + connect.LinkHandle(user, "mk_other") + "'))")
	assert.Equal(t, "not_found", settled(b)["code"])
}

func TestParameters(t *testing.T) {
	t.Parallel()
	var posted []string
	s := newSite(t, nil)
	s.before = func(_ http.ResponseWriter, r *http.Request) bool {
		body := s.note(r)
		if r.URL.Path != "/connect/event" && r.URL.Path != "/connect/result" {
			posted = append(posted, r.Header.Get("Authorization")+" "+string(body))
		}
		return false
	}
	link := s.add(moneykittest.InstantBank)
	s.mk.Break(link.ID, moneykit.LinkErrorAuthExpired)
	b := s.probed("{ headers: async () => ({ Authorization: 'Bearer of the page' }) }")
	for _, call := range []string{
		"connect.link({ institution: 'chase' })", "connect.link(new MouseEvent('click'))",
		"connect.link({ nativeEvent: new MouseEvent('click'), target: window })", // React wraps events.
	} {
		b.do("go(" + call + ")")
		leave(s.frame(b, "start"))
		settled(b)
	}
	b.do("go(connect.relink('" + link.ID + "', { reason: 'more' }))")
	leave(s.frame(b, "relink"))
	settled(b)
	assert.Equal(t, []string{
		`Bearer of the page {"institution":"chase"}`, `Bearer of the page {}`, `Bearer of the page {}`,
		`Bearer of the page {"reason":"more","link":"` + link.ID + `"}`,
	}, posted)
}

// The theme of the back end is merged into the package's own, and the package gets the result.
func TestTheme(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *connect.Config) {
		c.Theme = &theme.Theme{Colors: theme.Colors{Accent: theme.Value{Light: "#123456", Dark: "#abcdef"}}}
	})
	b := s.probed("{ colorScheme: 'dark' }")
	b.do("go(connect.link())")
	leave(s.frame(b, "start"))
	settled(b)
	assert.Equal(t, map[string]any{"light": "#123456", "dark": "#abcdef"}, eval[map[string]any](b, "launched.theme.colors.accent"))
	assert.True(t, eval[bool](b, `import("@moneykit/connect").then(({ moneyui }) =>
		launched.theme !== moneyui && moneyui.colors.accent === "#0077ff" &&
		launched.theme.colors.error.light === moneyui.colors.error.light &&
		JSON.stringify(launched.theme.screens) === JSON.stringify(moneyui.screens))`))
	assert.Equal(t, "dark", eval[string](b, "launched.colorScheme"))
	assert.Equal(t, s.host.URL, eval[string](b, "launched.__connectSDKUIHost"))
}
