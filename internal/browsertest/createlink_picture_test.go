package browsertest

import (
	"bytes"
	"flag"
	"image"
	"image/png"
	"os"
	"path/filepath"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/moneykittest"
)

var renew = flag.Bool("picture", false, "renew the picture of the README")

// pictureFile is the picture of the README.
var pictureFile = filepath.Join("..", "..", "docs", "images", "create-link.png")

// picture takes the picture of the README if the flag says so, and checks that it has
// the size of the page.
func (l launcher) picture() {
	if *renew {
		l.renewPicture()
	}
	data, err := os.ReadFile(pictureFile)
	require.NoError(l.t, err)
	config, err := png.DecodeConfig(bytes.NewReader(data))
	require.NoError(l.t, err)
	assert.Equal(l.t, image.Pt(1280, 800), image.Pt(config.Width, config.Height))
}

// renewPicture takes a picture of the page with Connect over it.
func (l launcher) renewPicture() {
	t := l.t
	t.Helper()
	b := programTab{tab: newTab(t)}
	require.NoError(t, chromedp.Do(b.ctx, chromedp.EmulateViewport(1280, 800)))
	b.enter(l.start("localhost:0"))
	b.click("#connect")
	choose(b.frame("start"), moneykittest.InstantBank)
	b.card(1, "connected")
	b.click(".show")
	b.until("document.querySelectorAll('#transactions .rows li').length === 12")
	b.do("document.activeElement.blur(); scrollTo(0, 0); document.querySelector('#status').textContent = ''")
	b.click("#connect")
	frame := b.frame("start")
	frame.until("document.getAnimations().length === 0")
	raw, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	require.NoError(t, err)
	taken, err := png.Decode(bytes.NewReader(raw))
	require.NoError(t, err)
	var small bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	require.NoError(t, encoder.Encode(&small, taken))
	require.NoError(t, os.MkdirAll(filepath.Dir(pictureFile), 0o750))
	require.NoError(t, os.WriteFile(pictureFile, small.Bytes(), 0o644)) // #nosec G306 -- a picture for all
}
