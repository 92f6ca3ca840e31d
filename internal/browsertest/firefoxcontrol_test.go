//go:build unix

package browsertest

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// useControlPage breaks a link on the page of moneykit-sandbox, which is started again then.
func useControlPage(t *testing.T, browser *firefox) {
	t.Helper()
	p := launch(t, "-listen", steadyAddress(t), "-control", steadyAddress(t))
	p.link("user-7")
	b := newFox(t, browser)
	const live = `document.querySelector("#live").textContent === "Live"`
	b.open(p.control + "/")
	b.until(live)
	b.click("#links li summary")
	b.click("#links .forms button")
	b.until(row("links", "auth_expired"))
	p.stop()
	b.until("!(" + live + ")")
	again := launch(t, append(p.ports(), "-seed", "7")...)
	b.until(live)
	again.link("user-after")
	b.until(row("links", "user-after"))
	assert.Empty(t, b.said())
}
