package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const page = "../../docs/growing.md"

// TestPage checks that the table in the documentation has the published limits.
func TestPage(t *testing.T) {
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	assert.Contains(t, string(text), begin+table()+end, "run go generate ./internal/growth")
	var out strings.Builder
	require.NoError(t, run(nil, &out))
	assert.Equal(t, table(), out.String())
}

func TestTable(t *testing.T) {
	assert.Contains(t, table(), "| `GET /links/{id}/accounts` | 4 a minute | 600 a minute | 1 min 40 s | 2 h 47 min | 11 d 14 h |\n")
	assert.Contains(t, table(), "| `GET /links/{id}` | 15 a minute | 1,000 a minute | 1 min | 1 h 40 min | 6 d 23 h |\n")
	assert.NotContains(t, table(), "institutions")
	assert.NotContains(t, table(), "`GET /links`")
}

func TestWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.md")
	require.NoError(t, os.WriteFile(path, []byte("before\n"+begin+"old\n"+end+"after\n"), 0o600))
	require.NoError(t, run([]string{"-write", path}, nil))
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, "before\n"+begin+table()+end+"after\n", string(text))

	require.NoError(t, os.WriteFile(path, []byte("no table"), 0o600))
	require.ErrorContains(t, run([]string{"-write", path}, nil), "must be there")
	require.Error(t, run([]string{"-write", path + "/"}, nil))
	require.Error(t, run([]string{"-x"}, nil))
}

func TestWords(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                                       "0 s",
		59 * time.Second:                        "59 s",
		59*time.Second + 600*time.Millisecond:   "1 min",
		3599*time.Second + 900*time.Millisecond: "1 h",
		90 * time.Minute:                        "1 h 30 min",
		24*time.Hour - time.Second:              "1 d",
		49 * time.Hour:                          "2 d 1 h",
	} {
		assert.Equal(t, want, words(d), d)
	}
}
