package main

import (
	"io"
	"os"
	"strconv"
	"strings"
	"unicode"

	"github.com/rivo/uniseg"
	"golang.org/x/term"
)

// screen describes the terminal of an output.
type screen struct {
	width int
	color bool
}

// The minimum and maximum width of the output. The rows of wider tables are hard to read.
const (
	minWidth     = 40
	defaultWidth = 80
	maxWidth     = 120
)

// newScreen detects the terminal of w. For a file or a pipe the width is that of a common terminal.
func newScreen(w io.Writer, getenv func(string) string) screen {
	s := screen{width: defaultWidth}
	if file, ok := w.(*os.File); ok && isTerminal(w) {
		s.color = getenv("TERM") != "dumb"
		if width, _, err := term.GetSize(int(file.Fd())); err == nil && width > 0 {
			s.width = width
		}
	}
	if columns, err := strconv.Atoi(getenv("COLUMNS")); err == nil && columns > 0 {
		s.width = columns
	}
	s.width = min(max(s.width, minWidth), maxWidth)
	if force := getenv("CLICOLOR_FORCE"); force != "" && force != "0" {
		s.color = true
	}
	if getenv("NO_COLOR") != "" {
		s.color = false
	}
	return s
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// style is a text style, as the parameter of an ANSI sequence.
type style string

// The styles. No information is shown by style only.
const (
	plain style = ""
	bold  style = "1"
	faint style = "2"
	red   style = "31"
	green style = "32"
)

func (s screen) paint(look style, text string) string {
	if !s.color || look == plain || text == "" {
		return text
	}
	return "\x1b[" + string(look) + "m" + text + "\x1b[0m"
}

// clean replaces characters that move the cursor, change colors or change the direction of the
// text.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r' || r == '\u2028' || r == '\u2029':
			return ' '
		case unicode.IsControl(r) || r == unicode.ReplacementChar:
			return unicode.ReplacementChar
		case unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, text)
}

// cut shortens text to a number of columns. It never splits a grapheme.
func cut(text string, width int) string {
	if uniseg.StringWidth(text) <= width {
		return text
	}
	var b strings.Builder
	used := 0
	for graphemes := uniseg.NewGraphemes(text); graphemes.Next(); {
		used += graphemes.Width()
		if used > width-1 {
			break
		}
		b.WriteString(graphemes.Str())
	}
	return strings.TrimRight(b.String(), " ") + "…"
}

// pad adds spaces to text up to a number of columns, on its right or on its left.
func pad(text string, width int, right bool) string {
	space := strings.Repeat(" ", max(0, width-uniseg.StringWidth(text)))
	if right {
		return space + text
	}
	return text + space
}

// wrap breaks text into lines with a number of spaces before each.
func wrap(text string, width, indent int) string {
	var b strings.Builder
	used := 0
	for word := range strings.FieldsSeq(text) {
		n := uniseg.StringWidth(word)
		switch {
		case used > 0 && used+1+n > width-indent:
			b.WriteString("\n")
			used = 0
			fallthrough
		case used == 0:
			b.WriteString(strings.Repeat(" ", indent))
		default:
			b.WriteString(" ")
			used++
		}
		b.WriteString(word)
		used += n
	}
	b.WriteString("\n")
	return b.String()
}
