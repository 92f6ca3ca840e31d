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

// TestImports checks the imports of all files, including tests. Apart from world, the subpackages
// do not import each other.
func TestImports(t *testing.T) {
	t.Parallel()
	for name, allowed := range map[string][]string{
		"world":    {module},
		"api":      {module, module + "/internal/sandbox/world", module + "/internal/ratelimit"},
		"delivery": {module, module + "/internal/sandbox/world"},
		"pages":    {module, module + "/internal/sandbox/world"},
		"journal":  {},
	} {
		own := module + "/internal/sandbox/" + name
		for path, files := range imports(t, name) {
			if strings.HasPrefix(path, module) && path != own {
				assert.Contains(t, allowed, path, files)
			}
			if name == "world" {
				assert.NotContains(t, []string{"net/http", "net/http/httptest", "net", "html/template"}, path, files)
			}
		}
	}
	entries, err := os.ReadDir(".")
	require.NoError(t, err)
	assert.Len(t, entries, 5+5, "the test knows all subpackages")
}

// imports returns the files of a package, by imported path.
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
