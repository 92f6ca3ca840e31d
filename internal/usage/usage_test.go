//go:build linux

package usage_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/internal/usage"
)

func TestUsage(t *testing.T) {
	t.Parallel()
	before := usage.CPU()
	for usage.CPU() == before {
		// Use processor time until the clock advances.
	}
	assert.Greater(t, usage.CPU(), before)
	mib, err := usage.Memory("VmHWM")
	require.NoError(t, err)
	assert.Positive(t, mib)
	_, err = usage.Memory("VmNothing")
	require.Error(t, err)
}
