package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPictures(t *testing.T) {
	t.Parallel()
	const png = "\x89PNG\x0D\x0A\x1A\x0A"
	tests := map[string]struct {
		name, text string
		want       string // "" for nothing
	}{
		"the picture":             {picture, png, ""},
		"the picture, too large":  {picture, png + strings.Repeat(" ", mostPicture), "at most 300000"},
		"another in its folder":   {"docs/images/other.png", png, "the only picture"},
		"its name, elsewhere":     {"images/create-link.png", png, "the only picture"},
		"a JPEG":                  {"a.jpg", "", "a.jpg: the only picture"},
		"in capitals":             {"a.JPEG", "", "the only picture"},
		"a GIF":                   {"x/a.gif", "", "x/a.gif: the only picture"},
		"a WebP":                  {"a.webp", "", "the only picture"},
		"an SVG":                  {"a.svg", "<svg/>", "the only picture"},
		"an icon":                 {"favicon.ico", "", "the only picture"},
		"a PNG by another name":   {"a.bin", png, "the only picture"},
		"a GIF without a name":    {"a", "GIF89a", "the only picture"},
		"an SVG by another name":  {"a.txt", `<svg xmlns="http://www.w3.org/2000/svg"/>`, "the only picture"},
		"in a hidden folder":      {".github/a.png", png, "the only picture"},
		"in testdata":             {"x/testdata/a.png", png, "the only picture"},
		"in an installed package": {"x/node_modules/y/a.png", png, ""},
		"in git":                  {".git/a.png", png, ""},
		"a text":                  {"a.md", "![A page](docs/images/create-link.png)", ""},
		"a text that begins BM":   {"a.md", "BMW", ""},
		"a page with a drawing":   {"a.html", "<p><svg/></p>", ""},
		"an empty file":           {"a", "", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, err := pictures(fstest.MapFS{tt.name: {Data: []byte(tt.text)}})
			require.NoError(t, err)
			checkOne(t, found, tt.want)
		})
	}
}

func TestRunRefusesPictures(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module example.com/m\n"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "logo.svg"), nil, 0o644))
	var out bytes.Buffer
	require.EqualError(t, run(dir, &out), "1 violations")
	assert.Contains(t, out.String(), "logo.svg: the only picture of the module is docs/images/create-link.png\n")
}
