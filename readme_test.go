package moneykit_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestReadme checks that the README's Go code is compiled and run: a program is examples/minimal,
// and other code is part of an Example function.
func TestReadme(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	program, err := os.ReadFile("examples/minimal/main.go")
	require.NoError(t, err)
	files, err := filepath.Glob("example*_test.go")
	require.NoError(t, err)
	examples := ""
	for _, file := range append(files, "connect/example_test.go") {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		examples += string(text)
	}

	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(readme), -1)
	require.Len(t, blocks, 8)
	for _, block := range blocks {
		if strings.HasPrefix(block[1], "package main") {
			assert.Equal(t, string(program), block[1])
			continue
		}
		indented := regexp.MustCompile(`(?m)^(.)`).ReplaceAllString(block[1], "\t$1")
		if !strings.Contains(examples, indented) {
			t.Errorf("no example has\n%s", indented)
		}
	}
	two := strings.Index(string(readme), "go run ./examples/quickstart\ngo test ./...\n")
	first := strings.Index(string(readme), "```go")
	assert.True(t, 0 < two && two < first, "the two commands come before anything else that can be run")
}
