package browsertest

import (
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
)

// connect.js, its types and the samples of TypeScript fit the types of the npm package.
func TestTypes(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "node_modules/.bin/tsc", "--project", ".").CombinedOutput()
	assert.NoError(t, err, string(out))
}
