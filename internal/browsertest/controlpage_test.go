package browsertest

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
)

// furnish adds data to a program for the page.
func (p *sandbox) furnish() (token string) {
	p.t.Helper()
	client := p.client()
	session, err := client.LinkSessions.Create(p.t.Context(), moneykit.LinkSessionParams{
		CustomerUser: moneykit.CustomerUser{ID: "user-42"}, RedirectURI: "https://app.example/back",
	})
	require.NoError(p.t, err)
	link := p.link("user-7")
	p.call("link", map[string]any{"user_id": "user-8", "institution_id": "chase", "error": "auth_expired"})
	p.call("trigger", map[string]any{"link_id": link, "event": "link.state_changed"})
	_, err = client.Links.Get(p.t.Context(), link)
	require.NoError(p.t, err)
	_, err = client.Links.Get(p.t.Context(), "mk_nothing")
	require.Error(p.t, err)
	return session.Token
}

// TestControlPageIsAccessible checks the page with everything open.
func TestControlPageIsAccessible(t *testing.T) {
	t.Parallel()
	p := launch(t)
	p.furnish()
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{320, 1280} {
			t.Run(fmt.Sprintf("control-%s-%d", scheme, width), func(t *testing.T) {
				t.Parallel()
				b := newTab(t)
				b.look(width, scheme)
				b.open(p.control + "/")
				isLive(b)
				b.until("document.querySelectorAll('.rows > li').length >= 6")
				if *screenshots != "" {
					b.captureWhole(width, "closed")
				}
				b.do("for (const row of document.querySelectorAll('.rows > li:first-child > details')) row.open = true")
				b.until("document.querySelectorAll('.facts').length === 4")
				b.do("for (const part of document.querySelectorAll('#requests .tool:first-of-type, #links .fold')) part.open = true")
				assert.LessOrEqual(t, eval[int64](b, "document.documentElement.scrollWidth"), width)
				checkAccessible(b)
				b.captureWhole(width, "open")
				assert.Empty(t, b.said())
			})
		}
	}
}

// captureWhole writes a picture of a page that is longer than the window to the folder of the flag,
// if there is one.
func (b tab) captureWhole(width int64, state string) {
	b.t.Helper()
	if *screenshots == "" {
		return
	}
	height := eval[int64](b, "document.documentElement.scrollHeight")
	require.NoError(b.t, chromedp.Do(b.ctx, chromedp.EmulateViewport(width, min(height, 4000))))
	picture, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	require.NoError(b.t, err)
	require.NoError(b.t, os.WriteFile(filepath.Join(*screenshots, filepath.Base(b.t.Name())+"-"+state+".png"), picture, 0o600))
}
