package browsertest

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/moneykittest"
)

// This file has all that the tests know about the pages of Connect and of the bank.

// view is a page, a window, or a frame in one of the browsers.
type view interface {
	test() *testing.T
	do(expression string)
	click(selector string)
	until(expression string)
}

// opened waits until Connect shows its first screen in a frame.
func opened[V view](frame V) V {
	frame.test().Helper()
	frame.until("document.querySelector('form') !== null")
	return frame
}

// frame returns Connect's frame, which shows one of the pages start, relink and continue.
func (s *site) frame(b tab, name string) tab {
	b.t.Helper()
	return opened(b.find("iframe", s.host.URL+"/"+name))
}

// choose chooses a bank in Connect. At the OAuth Bank this opens the bank's page.
func choose(frame view, bank string) {
	frame.test().Helper()
	frame.do(fmt.Sprintf("const form = document.forms[0]; form.institution.value = %q; form.requestSubmit()", bank))
}

// leave closes Connect.
func leave(frame tab) {
	frame.t.Helper()
	frame.click("#leave")
}

// goToBank chooses the OAuth Bank in a browser that opens no windows, so that the bank's page is
// opened in place of the application's.
func goToBank(frame tab) {
	frame.t.Helper()
	frame.do("window.open = () => null")
	choose(frame, moneykittest.OAuthBank)
}

// bankPath is where the bank's page is.
const bankPath = "/connect/bank"

// answer permits access on the bank's page, or refuses it.
func answer(bank view, allow bool) {
	bank.test().Helper()
	value := "refuse"
	if allow {
		value = "allow"
	}
	bank.click(fmt.Sprintf("button[value=%s]", value))
}

// intercept permits access on the bank's page, and returns the URL to which the bank then sends the
// user, who does not get there.
func (s *site) intercept(bank tab) string {
	bank.t.Helper()
	location, err := url.Parse(eval[string](bank, "location.href"))
	require.NoError(bank.t, err)
	post, err := http.NewRequestWithContext(bank.ctx, http.MethodPost, location.String(), strings.NewReader("answer=allow"))
	require.NoError(bank.t, err)
	post.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := http.DefaultTransport.RoundTrip(post)
	require.NoError(bank.t, err)
	defer res.Body.Close()
	require.Equal(bank.t, http.StatusSeeOther, res.StatusCode)
	return res.Header.Get("Location")
}
