package bodydiff

import "crypto/sha256"

// The limits, for the tests.
const (
	MaxBody       = maxBody
	MaxCompressed = maxCompressed
	MaxWritten    = maxWritten
)

// ExplainCounting is like Explain, but also returns the number of bytes written for all candidates.
func ExplainCounting(encoding string, body []byte, signed [sha256.Size]byte) (says string, written int) {
	m := newMatcher(signed)
	return m.explain(encoding, body), m.written
}
