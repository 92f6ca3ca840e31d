package browsertest

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/evanw/esbuild/pkg/api"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/moneykittest"
)

// bundle returns a script with the npm package in it. It includes connect.js if whole is true;
// otherwise the browser loads connect.js from the handler.
func bundle(t *testing.T, script string, whole bool) string {
	t.Helper()
	here, err := filepath.Abs(".")
	require.NoError(t, err)
	options := api.BuildOptions{
		Stdin:  &api.StdinOptions{Contents: script, ResolveDir: here},
		Bundle: true, Format: api.FormatESModule, MinifyIdentifiers: true, MinifySyntax: true, MinifyWhitespace: true,
	}
	if whole {
		options.Format = api.FormatIIFE // It has no import.meta.
		options.Target = api.ES2020
		options.Stdin.Contents = strings.Replace(script, "/connect/connect.js", "../../connect/connect.js", 1)
		options.LogOverride = map[string]api.LogLevel{"empty-import-meta": api.LogLevelSilent}
	} else {
		options.External = []string{"/connect/connect.js"}
	}
	built := api.Build(options)
	require.Empty(t, built.Errors)
	require.Empty(t, built.Warnings)
	require.Len(t, built.OutputFiles, 1)
	return string(built.OutputFiles[0].Contents)
}

// With a bundle, this policy of the page is sufficient.
func TestBundle(t *testing.T) {
	t.Parallel()
	for name, whole := range map[string]bool{"without connect.js": false, "with connect.js": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, nil)
			const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-src "
			s.header.Set("Content-Security-Policy", policy+s.host.URL)
			s.script = bundle(t, probe, whole)
			b := s.visit()
			b.do("go(connect.link())")
			choose(s.frame(b, "start"), moneykittest.InstantBank)
			assert.Equal(t, "linked", settled(b)["outcome"])
			b.do("go(connect.link())")
			goToBank(s.frame(b, "start"))
			b.until("location.pathname === '" + bankPath + "'")
			answer(b, true)
			b.until("window.connect")
			b.do("go(connect.resume())")
			goOn(s.frame(b, "continue"))
			assert.Equal(t, "linked", settled(b)["outcome"])
			assert.Len(t, s.stored(), 2)
		})
	}
}
