package plain_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"

	"github.com/moneykit/moneykit-go/internal/plain"
)

func TestCut(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, in string
		n        int
		want     string
	}{
		{"short", "abc", 3, "abc"},
		{"long", "abcd", 3, "abc…"},
		{"inside a character", "aé", 2, "a…"},
		{"invalid", "a\xff", 5, "a\uFFFD"},
		{"invalid and long", "\xff\xff\xff", 2, "\uFFFD…"},
		{"continuation bytes alone", "\x80\x80\x80", 2, "…"},
		{"nothing", "", 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := plain.Cut(tt.in, tt.n)
			assert.Equal(t, tt.want, got)
			assert.True(t, utf8.ValidString(got))
		})
	}
}

func TestQuote(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"mk_1":                         `"mk_1"`,
		"a\nb\x1b[0m":                  `"a\nb\x1b[0m"`,
		strings.Repeat("a", 40):        `"` + strings.Repeat("a", 40) + `"`,
		strings.Repeat("a", 41):        `"` + strings.Repeat("a", 40) + `"…`,
		strings.Repeat("a", 39) + "é…": `"` + strings.Repeat("a", 39) + `"…`,
	} {
		assert.Equal(t, want, plain.Quote(in))
	}
	assert.Less(t, len(plain.Quote(strings.Repeat("\x00", 1000))), 200)
}

func TestVisible(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "abc~", plain.Visible("a b\tc\r\n~é\x7f"))
}

func TestLabel(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "moneykit-creds_bank.1", plain.Label("moneykit-creds_bank.1"))
	for _, id := range []string{"Ada Lovelace", "a\nb", strings.Repeat("a", 65), "é"} {
		assert.Equal(t, "other", plain.Label(id))
	}
}
