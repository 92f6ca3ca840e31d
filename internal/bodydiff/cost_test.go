package bodydiff_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"io"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/internal/bodydiff"
)

// Anyone who has seen a signature can send it with any body, so no explanation may be expensive.
func TestExplainCost(t *testing.T) { //nolint:paralleltest // it measures memory
	for name, body := range shapes(t, bodydiff.MaxBody) {
		t.Run(name, func(t *testing.T) {
			sent := bytes.Clone(body)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			says, written := bodydiff.ExplainCounting("", body, sha256.Sum256([]byte("another")))
			runtime.ReadMemStats(&after)
			assert.NotEmpty(t, says)
			assert.LessOrEqual(t, written, bodydiff.MaxWritten)
			assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(8<<20))
			assert.Equal(t, sent, body, "the body was changed")
		})
	}
}

// The bodies of smallBlocks test nothing unless compress/flate decodes all of their blocks.
func TestSmallBlocks(t *testing.T) {
	t.Parallel()
	r, err := gzip.NewReader(bytes.NewReader([]byte(smallBlocks(bodydiff.MaxCompressed))))
	require.NoError(t, err)
	out, err := io.ReadAll(r)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	assert.Empty(t, out)
}
