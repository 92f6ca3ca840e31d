package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestIndex looks for each file of docs in docs/README.md, in a row with a sentence about it, and
// for each page in llms.txt.
func TestIndex(t *testing.T) {
	t.Parallel()
	index, summary := file(t, "docs/README.md"), file(t, "llms.txt")
	docs := os.DirFS(filepath.Join("..", "..", "docs"))
	require.NoError(t, fs.WalkDir(docs, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || name == "README.md" || strings.HasPrefix(name, "images/") {
			return err
		}
		row := regexp.QuoteMeta("| [" + name + "](" + name + ") | ")
		assert.Regexp(t, `(?m)^`+row+`.+ \|$`, index)
		if strings.HasSuffix(name, ".md") {
			assert.Contains(t, summary, "](docs/"+name+")")
		}
		return nil
	}))
}

// TestLength limits each page to ten minutes of reading, without its code.
func TestLength(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob(filepath.Join("..", "..", "docs", "*.md"))
	require.NoError(t, err)
	require.NotEmpty(t, pages)
	for _, page := range append(pages, filepath.Join("..", "..", "README.md")) {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		words := len(strings.Fields(fenced.ReplaceAllString(string(text), "")))
		assert.LessOrEqual(t, words, 2200, "words of %s without code", page)
	}
}

// TestSecurity looks for the tests that SECURITY.md names.
func TestSecurity(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	tests := map[string]bool{}
	form := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, found := range form.FindAllStringSubmatch(string(text), -1) {
			tests[found[1]] = true
		}
		return err
	}))
	named := regexp.MustCompile("`(Test\\w+)`").FindAllStringSubmatch(file(t, "SECURITY.md"), -1)
	require.NotEmpty(t, named)
	for _, name := range named {
		assert.True(t, tests[name[1]], "SECURITY.md names %s, which does not exist", name[1])
	}
}

// TestSummary follows the links of llms.txt. The fragment of a link to a Go file is the name of an
// Example function in it.
func TestSummary(t *testing.T) {
	t.Parallel()
	text := file(t, "llms.txt")
	assert.Regexp(t, `^# moneykit-go\n\n> `, text)
	links := link.FindAllStringSubmatch(text, -1)
	require.NotEmpty(t, links)
	for _, found := range links {
		path, fragment, _ := strings.Cut(found[1], "#")
		_, err := os.Stat(filepath.Join("..", "..", filepath.FromSlash(path)))
		require.NoError(t, err, found[1])
		switch {
		case fragment == "":
		case strings.HasSuffix(path, "_test.go"):
			assert.True(t, strings.HasPrefix(fragment, "Example"), found[1])
			body := regexp.MustCompile(`(?ms)^func ` + regexp.QuoteMeta(fragment) + `\(\) \{\n(.*?)^\}`).FindString(file(t, path))
			require.NotEmpty(t, body, found[1])
			assert.Regexp(t, `(?mi)^\s*// (unordered )?output:`, body, "%s is compiled but not run", found[1])
		default:
			assert.Contains(t, anchors(t, filepath.Join("..", "..", filepath.FromSlash(path))), fragment, found[1])
		}
	}
}

// TestSummaryRules demands an example for each rule of llms.txt.
func TestSummaryRules(t *testing.T) {
	t.Parallel()
	_, rules, found := strings.Cut(file(t, "llms.txt"), "\n## Rules\n")
	require.True(t, found)
	rules, _, _ = strings.Cut(rules, "\n## ")
	lines := regexp.MustCompile(`(?m)^- .*$`).FindAllString(rules, -1)
	assert.Len(t, lines, 5)
	for _, line := range lines {
		assert.Regexp(t, `: \[(Example\w+)\]\(\w+_test\.go#Example\w+\)$`, line)
	}
	for i, word := range []string{"Webhooks.Handler", "LinkSessions.Finish", "token", "SyncUpdate.Previous", "Decimal.Add"} {
		assert.Contains(t, lines[i], word)
	}
}
