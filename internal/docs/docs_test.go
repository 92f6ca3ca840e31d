package docs

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParse(t *testing.T) {
	t.Parallel()
	blocks, err := parse("a.md", "# A\n```json result linked\n{}\n```\n```\n\n```\n"+
		"```html\n<p>\n<script type=\"module\">\nlet a;\n</script>\n```\n```ts b.ts\nlet b;\n```\n")
	require.NoError(t, err)
	assert.Equal(t, []Block{
		{"a.md", 3, "json", "result", "linked", "{}\n"},
		{"a.md", 6, "", "", "", "\n"},
		{"a.md", 9, "html", "", "", "<p>\n<script type=\"module\">\nlet a;\n</script>\n"},
		{"a.md", 15, "ts", "b.ts", "", "let b;\n"},
	}, blocks)
	assert.Equal(t, []Script{
		{"a/line_11.ts", strings.Repeat("\n", 10) + "let a;\nexport {};\n"},
		{"a/b.ts", strings.Repeat("\n", 14) + "let b;\nexport {};\n"},
	}, Scripts(blocks))
	_, err = parse("a.md", "```go\n")
	assert.EqualError(t, err, "a.md:2: the block is not closed")
}

var (
	link     = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading  = regexp.MustCompile(`(?m)^#+ (.*)$`)
	fenced   = regexp.MustCompile("(?ms)^ *```.*?^ *```$")
	unlinked = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// TestLinks follows the links of all pages of the repository, and looks for the pages of docs in
// their index.
func TestLinks(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	pages, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	require.NoError(t, err)
	require.NotEmpty(t, pages)
	index, err := os.ReadFile(filepath.Join(root, "docs", "README.md"))
	require.NoError(t, err)
	for _, pattern := range []string{"*.md", "*/README.md", "examples/*/README.md"} {
		more, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pattern)))
		require.NoError(t, err)
		pages = append(pages, more...)
	}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, found := range link.FindAllStringSubmatch(fenced.ReplaceAllString(string(text), ""), -1) {
			target, err := url.Parse(found[1])
			require.NoError(t, err, page)
			if target.IsAbs() {
				assert.Equal(t, "https", target.Scheme, "%s links to %s", page, found[1])
				continue
			}
			path := page
			if target.Path != "" {
				path = filepath.Join(filepath.Dir(page), target.Path)
			}
			_, err = os.Stat(path)
			require.NoError(t, err, "%s links to %s", page, found[1])
			if target.Fragment != "" {
				assert.Contains(t, anchors(t, path), target.Fragment, "%s links to %s", page, found[1])
			}
		}
		if name := filepath.Base(page); name != "README.md" && filepath.Base(filepath.Dir(page)) == "docs" {
			assert.Contains(t, string(index), "]("+name+")", "the index lacks a page")
		}
	}
}

// anchors returns the anchors of the headings of a page.
func anchors(t *testing.T, page string) (names []string) {
	t.Helper()
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	for _, found := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(string(text), ""), -1) {
		name := unlinked.ReplaceAllString(strings.ToLower(found[1]), "")
		names = append(names, strings.ReplaceAll(name, " ", "-"))
	}
	return names
}
