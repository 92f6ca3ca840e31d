// Package plain shortens and cleans text for errors and logs.
package plain

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Alphanumeric contains the letters and digits of ASCII.
const Alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// Only reports whether s consists only of characters of chars.
func Only(s, chars string) bool { return strings.Trim(s, chars) == "" }

// Cut shortens s to at most n bytes, without splitting a character, and marks the cut with an
// ellipsis. Invalid UTF-8 becomes U+FFFD.
func Cut(s string, n int) string {
	if len(s) <= n {
		return strings.ToValidUTF8(s, "\uFFFD")
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return strings.ToValidUTF8(s[:n], "\uFFFD") + "…"
}

// Quote quotes s for an error message. It shortens s, so that a hostile value cannot flood a log.
func Quote(s string) string {
	const limit = 40
	if len(s) <= limit {
		return strconv.Quote(s)
	}
	cut := limit
	for cut > limit-utf8.UTFMax && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return strconv.Quote(s[:cut]) + "…"
}

// Line returns s as one line of valid UTF-8 without control characters.
func Line(s string) string {
	return strings.ToValidUTF8(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s), "\uFFFD")
}

// Visible returns s without the characters that are not visible ASCII.
func Visible(s string) string {
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return -1
		}
		return r
	}, s)
}

// Label returns the id of a front end if it looks like an id, and otherwise "other", because the
// text could be a person's name or a forged log line.
func Label(id string) string {
	if len(id) > 64 || !Only(id, Alphanumeric+"_.-") {
		return "other"
	}
	return id
}

// Format implements [fmt.Formatter] for a value whose text is text: quoted for %q, in hexadecimal
// for %x and %X, and unchanged for all other verbs.
func Format(f fmt.State, verb rune, text string) {
	switch verb {
	case 'q', 'x', 'X':
		fmt.Fprintf(f, "%"+string(verb), text)
	default:
		_, _ = io.WriteString(f, text)
	}
}
