package moneykit_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/internal/docs"
)

// TestReadme compares the Go of the README and of docs/calls.md with the Example functions, which
// are compiled and run: each block must be a part of one.
func TestReadme(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("example*_test.go")
	require.NoError(t, err)
	examples := ""
	for _, file := range append(files, "connect/example_test.go", "sqlstore/example_test.go") {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		examples += string(text)
	}
	for page, want := range map[string]int{"README.md": 5, "docs/calls.md": 2} {
		blocks, err := docs.Blocks(filepath.FromSlash(page))
		require.NoError(t, err)
		found := 0
		for _, block := range blocks {
			if block.Lang != "go" {
				continue
			}
			found++
			indented := regexp.MustCompile(`(?m)^(.)`).ReplaceAllString(block.Text, "\t$1")
			if !strings.Contains(examples, indented) {
				t.Errorf("%s: no example contains\n%s", block, indented)
			}
		}
		assert.Equal(t, want, found, "Go blocks of %s", page)
	}

	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	readme := string(text)
	assert.LessOrEqual(t, strings.Count(readme, "\n"), 200, "lines of README.md")
	commands := strings.Index(readme, "```sh\ngo run ./examples/quickstart\ngo test ./...\n```")
	assert.Positive(t, commands, "the README has the two commands")
	assert.Equal(t, commands, strings.Index(readme, "```"), "the two commands are the first block")
	assert.Contains(t, readme, "](examples/minimal/main.go)")
}
