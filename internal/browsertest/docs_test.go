package browsertest

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/internal/docs"
)

// TestDocs checks the TypeScript of the README and the pages against the types of connect.js and of
// the npm package, and against the declarations of React Native in reactnative.d.ts.
func TestDocs(t *testing.T) {
	t.Parallel()
	here, err := filepath.Abs(".")
	require.NoError(t, err)
	dir := t.TempDir()
	pages, err := filepath.Glob(filepath.Join("..", "..", "docs", "*.md"))
	require.NoError(t, err)
	found := map[string]int{}
	for _, page := range append(pages, filepath.Join("..", "..", "README.md")) {
		blocks, err := docs.Blocks(page)
		require.NoError(t, err)
		for _, script := range docs.Scripts(blocks) {
			found[filepath.Base(page)]++
			path := filepath.Join(dir, filepath.FromSlash(script.Name))
			require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
			require.NoError(t, os.WriteFile(path, []byte(script.Text), 0o600))
		}
	}
	assert.Subset(t, found, map[string]int{"README.md": 1, "web.md": 4, "react-native.md": 3})
	config, err := json.Marshal(map[string]any{
		"extends": filepath.Join(here, "tsconfig.json"),
		"files":   []string{filepath.Join(here, "reactnative.d.ts")},
		"include": []string{"**/*.ts", "**/*.tsx"},
	})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "tsconfig.json"), config, 0o600))

	out, err := exec.CommandContext(t.Context(), "node_modules/.bin/tsc", "--project", dir).CombinedOutput() // #nosec G204 -- a folder of this test
	assert.NoError(t, err, string(out))
}
