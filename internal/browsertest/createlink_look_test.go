package browsertest

import (
	"bytes"
	"fmt"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// look checks each state of the page, light and dark, on a small and a large screen.
// One state is checked in each theme. With -screenshots it takes a picture of each state in
// each theme.
func (l launcher) look() {
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{320, 1280} {
			l.t.Run(fmt.Sprintf("%s-%d", scheme, width), func(t *testing.T) {
				t.Parallel()
				b := programTab{tab: newTab(t)}
				b.look(width, scheme)
				b.enter(launcher{t, l.file}.start("localhost:0")) // Frames of one program are not told apart.
				b.walk(func(state string, themes ...string) {
					if *screenshots != "" {
						themes = []string{"playful", "serious"}
					}
					for _, theme := range append(themes, "default") {
						b.set("theme", theme)
						assert.LessOrEqual(t, eval[int64](b.tab, "document.documentElement.scrollWidth"), width, state)
						checkAccessible(b.tab)
						b.picture(fmt.Sprintf("createlink-%s-%s-%s-%d", state, theme, scheme, width))
					}
				})
			})
		}
	}
}

// behind checks that the page stays visible behind Connect, also where it is dark and the page of
// Connect has no color scheme.
func (l launcher) behind() {
	b := programTab{tab: newTab(l.t)}
	b.look(1280, "light")
	b.enter(l.start("localhost:0"))
	b.set("scheme", "dark")
	b.click("#connect")
	b.frame("start").until("document.getAnimations().length === 0")
	raw, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	require.NoError(l.t, err)
	picture, err := png.Decode(bytes.NewReader(raw))
	require.NoError(l.t, err)
	assert.Less(l.t, color.GrayModel.Convert(picture.At(8, 600)).(color.Gray).Y, uint8(32), "white with Connect's overlay has more")
}

// walk brings the page into all its states. For each state it lists the themes to check in addition
// to the default.
func (b *programTab) walk(seen func(state string, themes ...string)) {
	b.t.Helper()
	seen("empty")
	b.connect()
	b.until("document.querySelector('#events [data-source=webhook]')")
	seen("linked")
	b.click(".show")
	b.until("document.querySelectorAll('#transactions .rows li').length === 12")
	seen("transactions", "playful", "serious")
	b.click(".disconnect")
	b.until("document.querySelector('#confirm').open")
	seen("confirm")
	b.click("#confirm [value=keep]")
	b.click(".break")
	b.card(1, "error")
	b.until("document.querySelector('#transactions').hidden")
	seen("broken")
}

// set chooses a value in one of the page's lists.
func (b *programTab) set(list, value string) {
	b.t.Helper()
	b.do(fmt.Sprintf(`const list = document.querySelector("#%s");
		list.value = %q;
		list.dispatchEvent(new Event("change"))`, list, value))
}

// picture writes a picture of the whole page to the folder of the flag, if there is one.
func (b *programTab) picture(name string) {
	b.t.Helper()
	if *screenshots == "" {
		return
	}
	picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	require.NoError(b.t, err)
	require.NoError(b.t, os.WriteFile(filepath.Join(*screenshots, name+".png"), picture, 0o600))
}
