package bodydiff

import (
	"crypto/sha256"
	"errors"
	"hash"
)

// Limits of the bytes written to a matcher.
const (
	maxCandidate = 256 << 10 // for one candidate
	maxWritten   = 2 << 20   // for all candidates together
)

// matcher checks whether a candidate is the signed body. It hashes a candidate while the candidate
// is written, so that the candidate is never in memory as a whole. A candidate that exceeds a limit
// does not match.
type matcher struct {
	signed  [sha256.Size]byte
	hash    hash.Hash
	buf     [2 << 10]byte // written bytes that are not hashed yet
	n       int           // number of bytes in buf
	left    int           // bytes left for the candidate; negative after it exceeded a limit
	written int           // bytes of all earlier candidates
}

func newMatcher(signed [sha256.Size]byte) *matcher {
	return &matcher{signed: signed, hash: sha256.New()}
}

// matches reports whether write returns true after it has written the signed body.
func (m *matcher) matches(body []byte, write func(m *matcher, body []byte) bool) bool {
	m.hash.Reset()
	m.n = 0
	limit := min(maxCandidate, maxWritten-m.written)
	m.left = limit
	ok := write(m, body)
	m.written += limit - max(m.left, 0)
	if !ok || m.full() {
		return false
	}
	m.flush()
	return [sha256.Size]byte(m.hash.Sum(m.buf[:0])) == m.signed
}

// add adds bytes to the candidate. If they exceed a limit, it drops them and all later bytes.
func (m *matcher) add(p ...byte) {
	m.left -= len(p)
	if m.full() {
		return
	}
	for len(p) > 0 {
		if m.n == len(m.buf) {
			m.flush()
		}
		n := copy(m.buf[m.n:], p)
		m.n += n
		p = p[n:]
	}
}

// addByte adds one byte to the candidate. Most calls add a single byte.
func (m *matcher) addByte(c byte) {
	m.left--
	if m.full() {
		return
	}
	if m.n == len(m.buf) {
		m.flush()
	}
	m.buf[m.n] = c
	m.n++
}

func (m *matcher) addString(s string) { m.add([]byte(s)...) }

// flush hashes the bytes in buf.
func (m *matcher) flush() {
	m.hash.Write(m.buf[:m.n])
	m.n = 0
}

// full reports whether the candidate has exceeded a limit.
func (m *matcher) full() bool { return m.left < 0 }

// Write implements io.Writer. It fails once the candidate has exceeded a limit.
func (m *matcher) Write(p []byte) (int, error) {
	m.add(p...)
	if m.full() {
		return 0, errors.New("the candidate is too large")
	}
	return len(p), nil
}
