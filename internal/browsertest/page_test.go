package browsertest

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/connect"
	"github.com/moneykit/moneykit-go/moneykittest"
)

var screenshots = flag.String("screenshots", "", "folder for pictures of the pages")

// isLost is true if the return page asks the user to go back.
const isLost = "!document.querySelector('#lost').hidden"

// show opens the return page in one of the states that a user can see.
func (s *site) show(b tab, state string) {
	b.t.Helper()
	if state == "refused" {
		b.open(s.origin + "/connect/oauth") // There is no query.
		return
	}
	b.open(s.origin + "/connect/oauth?a")
	b.until(isLost)
	// The other states end too soon to look at them.
	b.do("for (const part of document.querySelectorAll('main > div')) part.hidden = part.id !== '" + state + "'")
}

// look sets the size and the colour scheme of a page.
func (b tab) look(width int64, scheme string) {
	b.t.Helper()
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
	emulate := chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, media)
		return err
	})
	require.NoError(b.t, chromedp.Do(b.ctx, chromedp.EmulateViewport(width, 700), emulate))
}

func TestReturnPageIsAccessible(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	for _, state := range []string{"lost", "wait", "close", "refused"} {
		for _, scheme := range []string{"light", "dark"} {
			for _, width := range []int64{320, 1280} {
				t.Run(fmt.Sprintf("%s-%s-%d", state, scheme, width), func(t *testing.T) {
					t.Parallel()
					b := newTab(t)
					b.look(width, scheme)
					s.show(b, state)
					assert.LessOrEqual(t, eval[int64](b, "document.documentElement.scrollWidth"), width)
					assert.Equal(t, scheme == "dark", eval[bool](b, "matchMedia('(prefers-color-scheme: dark)').matches"))
					checkAccessible(b)
					b.capture()
				})
			}
		}
	}
}

// checkAccessible checks a page with axe-core.
func checkAccessible(b tab) {
	b.t.Helper()
	if !eval[bool](b, "'axe' in window") {
		axe, err := os.ReadFile("node_modules/axe-core/axe.min.js")
		require.NoError(b.t, err)
		b.do(string(axe))
	}
	var result struct {
		Passes     int
		Violations [][]string
	}
	require.NoError(b.t, json.Unmarshal([]byte(eval[string](b, `axe.run(document, {
		resultTypes: ["violations"],
	}).then(({ violations, passes }) => JSON.stringify({
		passes: passes.length,
		violations: violations.map(({ id, impact, nodes }) => [id, impact, nodes[0].html, nodes[0].failureSummary]),
	}))`)), &result))
	assert.Greater(b.t, result.Passes, 5)
	assert.Empty(b.t, result.Violations)
}

// capture writes a picture of a page to the folder of the flag, if there is one.
func (b tab) capture() {
	b.t.Helper()
	if *screenshots == "" {
		return
	}
	picture, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	require.NoError(b.t, err)
	require.NoError(b.t, os.WriteFile(filepath.Join(*screenshots, filepath.Base(b.t.Name())+".png"), picture, 0o600))
}

// A bank's app may open the page in another browser than the one in which the user started.
func TestReturnPageInAnotherBrowser(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *connect.Config) { c.ReturnPage.Home = "/?home" })
	b := s.visit()
	b.click("#link")
	choose(s.frame(b, "start"), moneykittest.OAuthBank)
	bank := b.find("page", s.host.URL+bankPath)
	returned := s.intercept(bank)
	other := newTab(t)
	other.open(returned)
	other.until(isLost)
	assert.Contains(t, eval[string](other, "document.body.innerText"), "Please go back to where you started")
	assert.Contains(t, other.said(), "has no opener")
	other.click("#lost a")
	other.until("location.search === '?home'")
	assert.Empty(t, s.stored())

	// In the first browser the flow can still end.
	beside := b.beside()
	beside.open(returned)
	goOn(s.frame(b, "continue"))
	shows(b, "OAuth Bank: linked")
	beside.until("!document.querySelector('#close').hidden")
}

// Two pages of a browser may wait for banks. Then it is not known which one a window belongs to.
func TestReturnPageWithSeveralPages(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	b := s.visit()
	b.click("#link")
	choose(s.frame(b, "start"), moneykittest.OAuthBank)
	returned := s.intercept(b.find("page", s.host.URL+bankPath))
	second := b.beside()
	second.open(s.origin + "/")
	second.click("#link")
	s.frame(second, "start")
	third := b.beside()
	third.open(returned)
	third.until(isLost)
	assert.Empty(t, s.stored())
}

func TestReturnPageWithoutScript(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	b := newTab(t)
	require.NoError(t, chromedp.Do(b.ctx, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	})))
	b.open(s.origin + "/connect/oauth?a")
	text := eval[string](b, "document.body.innerText")
	assert.Contains(t, text, "Please turn on JavaScript")
	assert.NotContains(t, text, "One moment")
}
