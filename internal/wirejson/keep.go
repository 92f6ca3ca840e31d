package wirejson

import "strings"

// Sizes for the memory of a document's strings.
const (
	chunk   = 512 // bytes of a chunk, which short strings share
	long    = 128 // A longer string has an allocation of its own.
	slots   = 64  // number of recent strings
	slotted = 40  // A longer string is not kept as a recent string.
)

// texts makes the strings of a document. Short strings share chunks, so that a retained string
// retains one chunk and not the whole document. Recent strings are returned again instead of
// copied.
type texts struct {
	shared strings.Builder // Its strings remain valid because it never grows.
	size   int             // size of the next chunk
	recent *[slots]string
}

func (t *texts) init(size int) {
	t.size = min(size, chunk)
	if size > 4*chunk { // Smaller documents have few repeated strings.
		t.recent = new([slots]string)
	}
}

// of returns text as a string.
func (t *texts) of(text []byte) string {
	n := len(text)
	if n == 0 {
		return ""
	}
	if t.recent == nil || n > slotted {
		return t.copy(text)
	}
	slot := &t.recent[(uint(text[0])+uint(text[n-1])<<2+uint(text[n/2])<<4+uint(n))%slots]
	if *slot != string(text) {
		*slot = t.copy(text)
	}
	return *slot
}

func (t *texts) copy(text []byte) string {
	if len(text) > long {
		return string(text)
	}
	start := t.shared.Len()
	if start+len(text) > t.shared.Cap() {
		t.shared = strings.Builder{}
		t.shared.Grow(max(t.size, len(text)))
		start = 0
	}
	t.shared.Write(text)
	return t.shared.String()[start:]
}
