package wirejson

import "strings"

// Sizes of what the strings of a document are kept in.
const (
	chunk   = 512 // bytes that short strings share
	long    = 128 // A longer string has an allocation of its own.
	slots   = 64  // of the strings that were read last
	slotted = 40  // A longer string is not expected again.
)

// texts makes strings of a document's texts. Short ones lie together in chunks, so that a string
// that is kept alone keeps one chunk and not the document, and a string that was read shortly
// before is returned again.
type texts struct {
	shared strings.Builder // Its strings stay as they are while it does not grow.
	size   int             // of the next chunk
	recent *[slots]string
}

func (t *texts) init(size int) {
	t.size = min(size, chunk)
	if size > 4*chunk { // In less there is little that repeats itself.
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
