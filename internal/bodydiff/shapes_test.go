package bodydiff_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/internal/bodydiff"
)

// shapes returns expensive bodies of up to size bytes, by name.
func shapes(tb testing.TB, size int) map[string][]byte {
	tb.Helper()
	fill := func(before, unit, after string) string {
		return before + strings.Repeat(unit, (size-len(before)-len(after))/len(unit)) + after
	}
	nested := func(before, value, after string, depth int) string {
		depth = min(depth, (size-len(value))/len(before+after))
		return strings.Repeat(before, depth) + value + strings.Repeat(after, depth)
	}
	wide := func(depth int) string {
		depth = min(depth, size/4)
		return fill(strings.Repeat("[", depth)+"0", ",0", strings.Repeat("]", depth))
	}
	quoted := func(s string) string {
		out, err := json.Marshal(s)
		require.NoError(tb, err)
		return string(out)
	}
	inBase64 := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s[:min(len(s), size/4*3)])) }
	members := func(format string) string {
		var out strings.Builder
		out.WriteString(`{"":0`)
		for i := 0; ; i++ {
			member := fmt.Sprintf(format, i)
			if out.Len()+len(member)+1 > size {
				return out.String() + "}"
			}
			out.WriteString(member)
		}
	}
	random := func(n int) string {
		out := make([]byte, n)
		_, _ = rand.NewChaCha8([32]byte{}).Read(out)
		return string(out)
	}
	little := min(size, bodydiff.MaxCompressed)
	zeros := func(n int) string { return strings.Repeat("\x00", n) }
	bomb := compress(tb, zeros(little*990)) // just small enough to be decompressed
	bodies := map[string]string{
		"array at depth 90":             wide(90),
		"array at depth 1000":           wide(1000),
		"array at depth 9990":           wide(9990),
		"array at depth 30000":          wide(30000),
		"arrays only":                   nested("[", "", "]", 9999),
		"arrays only, too deep":         nested("[", "", "]", size/2),
		"arrays that do not end":        fill("", "[", ""),
		"objects only":                  nested(`{"":`, "0", "}", 9999),
		"objects that do not end":       fill("", `{"":`, ""),
		"objects and arrays":            nested(`{"a":[`, "0", "]}", 4999),
		"small objects at depth 90":     fill(strings.Repeat("[", 90)+"0", `,{"":{}}`, strings.Repeat("]", 90)),
		"deep columns":                  fill("[0", ","+nested("[", "0", "]", 90), "]"),
		"empty arrays":                  fill("[0", ",[]", "]"),
		"empty objects":                 fill("[0", ",{}", "]"),
		"empty objects in a member":     fill(`{"a":[0`, ",{}", `],"b":0}`),
		"empty arrays with space":       fill("[0", ",[ ]", "]"),
		"members in order":              members(`,"%05d":0`),
		"members in order, escaped":     members(`,"\u0061%05d":0`),
		"members in order, nested":      members(`,"%05d":{"a":[{}]}`),
		"members of one name":           fill(`{"":0`, `,"":0`, "}"),
		"escaped members of one name":   fill(`{"":0`, `,"\u0000":0`, "}"),
		"one long name":                 fill(`{"`, "a", `":0}`),
		"empty texts":                   fill(`[0`, `,""`, "]"),
		"texts with an escape":          fill(`[0`, `,"\n"`, "]"),
		"spaces":                        fill("", " ", ""),
		"line feeds":                    fill("", "\n", ""),
		"CRLF":                          fill("", "\r\n", ""),
		"spaces in an array":            fill("[", " ", "]"),
		"line feeds in an array":        fill("[", "\n", "]"),
		"space that is not ASCII":       fill("", "\u2028", ""),
		"less-than signs":               fill("", "<", ""),
		"less-than signs in a text":     fill(`"`, "<", `"`),
		"separators of lines in a text": fill(`"`, "\u2028", `"`),
		"two-byte characters in a text": fill(`"`, "é", `"`),
		"delete characters in a text":   fill(`"`, "\x7f", `"`),
		"control characters":            fill("", "\x01", ""),
		"escaped control characters":    fill(`"`, `\u0001`, `"`),
		"quotes":                        fill("", `"`, ""),
		"escaped quotes":                fill(`"`, `\"`, `"`),
		"backslashes":                   fill("", `\`, ""),
		"escaped backslashes":           fill(`"`, `\\`, `"`),
		"a text that does not end":      fill(`"`, `\"`, ""),
		"escaped slashes":               fill(`"`, `\/`, `"`),
		"surrogate pairs":               fill(`"`, `\ud83d\ude00`, `"`),
		"low surrogates":                fill(`"`, `\ude00`, `"`),
		"high surrogates":               fill(`"`, `\ud83d`, `"`),
		"four-byte characters":          fill(`"`, "😀", `"`),
		"invalid UTF-8":                 fill("", "\xff", ""),
		"invalid UTF-8 in a text":       fill(`"`, "\xff", `"`),
		"half characters in a text":     fill(`"`, "\xf0\x9f", `"`),
		"alternating escapes":           fill(`"`, `\"<`, `"`),
		"alternating texts":             fill("[0", `,"a"`, "]"),
		"alternating quotes":            fill("", `"<`, ""),
		"commas":                        fill("", ",", ""),
		"colons":                        fill("", ":", ""),
		"closing brackets":              fill("", "]", ""),
		"one long number":               fill("", "1", ""),
		"numbers too large":             fill("[0", ",1e999", "]"),
		"words":                         fill("[0", ",true", "]"),
		"JSON in JSON in JSON":          quoted(quoted(quoted(`{"a":"` + strings.Repeat("<", size/100) + `"}`))),
		"text of quotes":                quoted(strings.Repeat(`"`, size/2-1)),
		"base64 of text":                inBase64(fill("", "<", "")),
		"base64 of zeros":               fill("", "A", ""),
		"base64 in lines":               fill("", "AAAA\n", ""),
		"base64 of gzip":                inBase64(strings.Repeat(bomb, size/len(bomb))),
		"plus signs":                    fill("", "+", ""),
		"escapes of URLs":               fill("", "%3c", ""),
		"percent signs":                 fill("", "%", ""),
		"byte order marks":              fill("", "\xef\xbb\xbf", ""),
		"zeros":                         zeros(size),
		"random bytes":                  random(size),
		"random bytes in gzip":          compress(tb, random(size-100)),
		"random bytes in a little gzip": compress(tb, random(little-100)),
		"gzip that grows":               strings.Repeat(bomb, size/len(bomb)),
		"little gzip that grows":        bomb,
		"gzip of the most that is read": compress(tb, zeros(256<<10)),
		"gzip of gzip":                  compress(tb, bomb),
		"gzip with many members":        fill("", compress(tb, ""), ""),
		"little gzip with many members": strings.Repeat(compress(tb, ""), little/len(compress(tb, ""))),
		"gzip with a long name":         fill("\x1f\x8b\x08\x08\x00\x00\x00\x00\x00\x00", "x", ""),
		"gzip with a long field":        fill("\x1f\x8b\x08\x04\x00\x00\x00\x00\x00\x00\xff\xff", "x", ""),
		"gzip of small blocks":          smallBlocks(size),
		"little gzip of small blocks":   smallBlocks(little),
	}
	out := map[string][]byte{}
	for name, body := range bodies {
		require.LessOrEqual(tb, len(body), size, name)
		out[name] = []byte(body)
	}
	return out
}

func compress(tb testing.TB, s string) string {
	tb.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := w.Write([]byte(s))
	require.NoError(tb, err)
	require.NoError(tb, w.Close())
	return out.String()
}

// smallBlocks returns at most size bytes of gzip data without an end. The data consists of empty
// blocks, each with a short description of Huffman codes whose tables take much memory.
func smallBlocks(size int) string {
	out := bits{data: []byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x00")}
	for len(out.data) < size-32 {
		out.block()
	}
	return string(out.data)
}

// bits writes deflate data.
type bits struct {
	data []byte
	n    int // number of bits written
}

func (b *bits) bit(v int) {
	if b.n%8 == 0 {
		b.data = append(b.data, 0)
	}
	b.data[len(b.data)-1] |= byte(v << (b.n % 8))
	b.n++
}

// number writes the low bits of v, the lowest first.
func (b *bits) number(v, width int) {
	for i := range width {
		b.bit(v >> i & 1)
	}
}

// code writes the low bits of v, the highest first.
func (b *bits) code(v, width int) {
	for i := width - 1; i >= 0; i-- {
		b.bit(v >> i & 1)
	}
}

// block writes an empty block with dynamic codes. Its 263 symbols have codes of 1, 2, 255 times 10,
// 11, 12, 13, 14, 15 and 15 bits. Only two of the 255 share their first 9 bits, and compress/flate
// allocates a table for all that share them, of 64 entries because the longest code has 15 bits.
func (b *bits) block() {
	const symbols = 263
	b.number(0, 1) // not the last
	b.number(2, 2) // dynamic codes
	b.number(symbols-257, 5)
	b.number(0, 5) // one distance
	b.number(19-4, 4)
	// The code lengths are encoded too. These are the widths of their codes; 16 repeats a length.
	widths := map[int]int{16: 1, 10: 3, 1: 4, 2: 4, 11: 4, 12: 4, 13: 5, 14: 5, 15: 5, 0: 5}
	for _, length := range []int{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15} {
		b.number(widths[length], 3)
	}
	codes, next := map[int]int{}, 0
	for width := 1; width <= 5; width++ {
		for length := range 19 {
			if widths[length] == width {
				codes[length] = next
				next++
			}
		}
		next <<= 1
	}
	write := func(length int) { b.code(codes[length], widths[length]) }
	write(1)
	write(2)
	write(10)
	for range 42 {
		write(16) // six more times
		b.number(6-3, 2)
	}
	for range 2 {
		write(10)
	}
	for _, length := range []int{11, 12, 13, 14, 15, 15} {
		write(length)
	}
	write(1) // the only code of distances
	// The end of the block is symbol 256, the last but one of length 10. The first of length 10 has
	// the code 11 0000 0000.
	b.code(3<<8+256-2, 10)
}
