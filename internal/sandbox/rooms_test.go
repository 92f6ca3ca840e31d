package sandbox_test

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const module = "github.com/moneykit/moneykit-go"

// TestRooms looks at the imports of every file, of tests too: no room imports its neighbour.
func TestRooms(t *testing.T) {
	t.Parallel()
	for room, allowed := range map[string][]string{
		"world":    {module},
		"api":      {module, module + "/internal/sandbox/world", module + "/internal/ratelimit"},
		"delivery": {module, module + "/internal/sandbox/world"},
		"pages":    {module, module + "/internal/sandbox/world"},
		"journal":  {},
	} {
		own := module + "/internal/sandbox/" + room
		for path, files := range imports(t, room) {
			if strings.HasPrefix(path, module) && path != own {
				assert.Contains(t, allowed, path, files)
			}
			if room == "world" {
				assert.NotContains(t, []string{"net/http", "net/http/httptest", "net", "html/template"}, path, files)
			}
		}
	}
	rooms, err := os.ReadDir(".")
	require.NoError(t, err)
	assert.Len(t, rooms, 5+5, "there is no room that this test does not know")
}

// imports returns the files of a package by the paths that they import.
func imports(t *testing.T, dir string) map[string][]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	found := map[string][]string{}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		require.NoError(t, err)
		for _, spec := range file.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			require.NoError(t, err)
			found[path] = append(found[path], name)
		}
	}
	return found
}
