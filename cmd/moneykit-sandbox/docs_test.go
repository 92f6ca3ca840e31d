package main

import (
	"cmp"
	"encoding/json"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/cmd/moneykit-sandbox/internal/control"
	"github.com/moneykit/moneykit-go/internal/docs"
)

var languages = flag.Bool("languages", false, "run the tests of docs/testing-languages.md in languages other than Go")

// suites returns the tests in docs/testing-languages.md, by file name.
func suites() map[string]struct {
	command []string
	want    string // pattern of the output if all tests ran and passed
} {
	return map[string]struct {
		command []string
		want    string
	}{
		"test_bank.py":  {[]string{"python3", "-m", "unittest", "test_bank.py"}, `Ran 2 tests in .*\n\nOK\n`},
		"bank.test.mjs": {[]string{"node", "--test", "bank.test.mjs"}, `(?s)tests 2\n.*pass 2\n.*fail 0\n`},
		"BankTest.java": {[]string{"java", "BankTest.java"}, `(?m)^ok$`},
	}
}

func testingPage(t *testing.T) []docs.Block {
	t.Helper()
	blocks, err := docs.Blocks(filepath.Join("..", "..", "docs", "testing-languages.md"))
	require.NoError(t, err)
	return blocks
}

// TestDocsLanguages checks that docs/testing-languages.md contains the suites. With the flag
// -languages, it also runs each suite twice: against the program, where it must pass, and against a
// program that refuses one request, where it must fail.
func TestDocsLanguages(t *testing.T) {
	found := map[string]string{}
	var shown [][]string
	for _, block := range testingPage(t) {
		if _, ok := suites()[block.Kind]; ok {
			found[block.Kind] = block.Text
		}
		if block.Lang == "sh" {
			shown = append(shown, strings.Fields(block.Text))
		}
	}
	for name, suite := range suites() {
		require.Contains(t, found, name)
		assert.Contains(t, shown, suite.command, "the page does not say how to run it")
	}
	if !*languages {
		return
	}

	dir := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(dir, "bin", "moneykit-sandbox"), ".")
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	// The wrapper is a program that refuses one request.
	wrapper := "#!/bin/sh\nexec '" + filepath.Join(dir, "bin", "moneykit-sandbox") + "' -fail get_accounts:503:1 \"$@\"\n"
	require.NoError(t, os.Mkdir(filepath.Join(dir, "broken"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "broken", "moneykit-sandbox"), []byte(wrapper), 0o700))
	for name, suite := range suites() {
		t.Run(name, func(t *testing.T) {
			work := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(work, name), []byte(found[name]), 0o600))
			run := func(bin string) (string, error) {
				command := exec.CommandContext(t.Context(), suite.command[0], suite.command[1:]...)
				command.Dir = work
				command.Env = append(os.Environ(), "PATH="+filepath.Join(dir, bin)+string(os.PathListSeparator)+os.Getenv("PATH"))
				out, err := command.CombinedOutput()
				return string(out), err
			}
			out, err := run("bin")
			require.NoError(t, err, out)
			assert.Regexp(t, suite.want, out)
			out, err = run("broken")
			require.Error(t, err, out)
		})
	}
}

// TestDocsTrust calls the API over TLS with the client settings of docs/testing-languages.md, if
// the flag -languages is set.
func TestDocsTrust(t *testing.T) {
	for _, shown := range []string{"`--cacert ca.pem`", "`NODE_EXTRA_CA_CERTS=ca.pem`", "`SSL_CERT_FILE=ca.pem`"} {
		text, err := os.ReadFile(filepath.Join("..", "..", "docs", "testing-languages.md"))
		require.NoError(t, err)
		assert.Contains(t, string(text), shown)
	}
	if !*languages {
		return
	}
	s := start(t, "-tls", "-tls-dir", t.TempDir())
	page := s.info.API + "/.well-known/jwks.json"
	for _, tc := range []struct {
		variable string
		command  []string
	}{
		{"", []string{"curl", "-sSf", "--cacert", s.info.CA, page}},
		{"NODE_EXTRA_CA_CERTS", []string{"node", "-e", "fetch('" + page + "').then((r) => r.text()).then(console.log)"}},
		{"SSL_CERT_FILE", []string{"python3", "-c", "import urllib.request as u; print(u.urlopen('" + page + "').read())"}},
	} {
		command := exec.CommandContext(t.Context(), tc.command[0], tc.command[1:]...)
		out, err := command.CombinedOutput()
		assert.Equal(t, tc.variable == "", err == nil, "%v without the variable: %s", tc.command, out)
		command = exec.CommandContext(t.Context(), tc.command[0], tc.command[1:]...)
		command.Env = append(os.Environ(), cmp.Or(tc.variable, "NONE")+"="+s.info.CA)
		out, err = command.CombinedOutput()
		require.NoError(t, err, "%v: %s", tc.command, out)
		assert.Contains(t, string(out), "ES256")
	}
}

// TestDocsCommands parses the command lines of moneykit-sandbox and the flags of containers in
// docs/testing-languages.md with the program's own parser.
func TestDocsCommands(t *testing.T) {
	t.Parallel()
	line := regexp.MustCompile(`(?m)^[ \-]*(?:run: )?moneykit-sandbox((?: [^ >]+)*)`)
	flags := regexp.MustCompile(`(?m)^ *command: (\[.*\])$`)
	seen := 0
	for _, block := range testingPage(t) {
		if block.Lang != "sh" && block.Lang != "yaml" {
			continue
		}
		var all [][]string
		for _, found := range line.FindAllStringSubmatch(block.Text, -1) {
			all = append(all, strings.Fields(found[1]))
		}
		for _, found := range flags.FindAllStringSubmatch(block.Text, -1) {
			var args []string
			require.NoError(t, json.Unmarshal([]byte(found[1]), &args), block)
			all = append(all, args)
		}
		for _, args := range all {
			seen++
			_, err := parse(args, io.Discard)
			require.NoError(t, err, "%s: %v", block, args)
		}
		for _, found := range regexp.MustCompile(`/control/([a-z-]+)`).FindAllStringSubmatch(block.Text, -1) {
			assert.True(t, slices.ContainsFunc(control.Verbs(), func(v control.Verb) bool { return v.Name == found[1] }), block)
		}
	}
	assert.Equal(t, 5, seen)
}
