package browsertest

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/moneykit/moneykit-go/moneykittest"
)

// latch delays a file of Connect's pages while it is closed.
type latch struct {
	closed atomic.Bool
	opened chan struct{}
	open   func()
}

// latch puts a latch before a file.
func (s *site) latch(path string) *latch {
	l := &latch{opened: make(chan struct{})}
	l.open = sync.OnceFunc(func() { close(l.opened) })
	s.t.Cleanup(l.open)
	s.around = func(_ http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == path && l.closed.Load() {
			<-l.opened
		}
		return false
	}
	return l
}

// isSeenAfter checks that a page is invisible until one of its scripts is loaded.
func isSeenAfter(b tab, script string) {
	b.t.Helper()
	b.until("performance.getEntriesByName('first-paint').length > 0")
	assert.True(b.t, eval[bool](b, `performance.getEntriesByName("first-paint")[0].startTime >
		performance.getEntriesByType("resource").find(({ name }) => name.endsWith("`+script+`")).responseEnd`))
}

// A page is invisible until its script is loaded, so that no click is lost.
func TestNoClickIsLost(t *testing.T) {
	t.Parallel()
	t.Run("Connect", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, nil)
		script := s.latch("/connect/connect.js")
		script.closed.Store(true)
		b := s.visit()
		b.click("#link")
		frame := b.find("iframe", s.host.URL+"/start")
		frame.early("document.querySelector('#close') !== null")
		script.open()
		opened(frame)
		isSeenAfter(frame, "/connect.js")
		leave(frame)
		shows(b, "exited")
	})
	t.Run("panel at the bank", func(t *testing.T) {
		t.Parallel()
		a := newApp(t, nil)
		script := a.latch("/connect/panel.js")
		a.link()
		pick(a.frame, moneykittest.OAuthBank)
		submit(a.frame, "Permissions")
		script.closed.Store(true)
		bank := a.openBank(a.frame)
		bank.early("document.title === 'OAuth Bank'")
		assert.True(t, eval[bool](bank, "document.body === null"))
		script.open()
		fill(bank, "user_good", "logs in")
		bank.do("document.activeElement.click()")
		bank.click("button[value=allow]")
		shown(a.frame, "Accounts")
		a.linked()
	})
	t.Run("control page", func(t *testing.T) {
		t.Parallel()
		isSeenAfter(launch(t).page(), "/page.js")
	})
}
