package main

import (
	"io"
	"strings"

	"github.com/rivo/uniseg"
)

// gap separates columns.
const gap = 2

// column is a column of a table.
type column struct {
	title string
	right bool // aligned to the right
	// least is the minimum width of the column. 0 means that it is never cut.
	least int
	// tight means that there is no gap before the column.
	tight bool
	// Columns with a spare number are left out of a narrow table, the highest number first.
	spare int
}

// cell is one value in a table.
type cell struct {
	text string
	look style
}

// table lays out rows so that they fit a screen.
type table struct {
	columns []column
	rows    [][]cell
}

func (t *table) add(cells ...cell) { t.rows = append(t.rows, cells) }

// widths returns the width of each column, and -1 for a column that is left out.
func (t *table) widths(available int) []int {
	widths := make([]int, len(t.columns))
	for i, c := range t.columns {
		widths[i] = uniseg.StringWidth(c.title)
		for _, row := range t.rows {
			widths[i] = max(widths[i], uniseg.StringWidth(row[i].text))
		}
	}
	for {
		excess := t.total(widths) - available
		if excess <= 0 {
			return widths
		}
		if t.slack(widths) >= excess {
			t.shrink(widths, excess)
			return widths
		}
		last := -1
		for i, c := range t.columns {
			if widths[i] >= 0 && c.spare > 0 && (last < 0 || c.spare > t.columns[last].spare) {
				last = i
			}
		}
		if last < 0 { // The remaining columns cannot fit.
			t.shrink(widths, t.slack(widths))
			return widths
		}
		widths[last] = -1
	}
}

// slack returns how many columns of text can be cut.
func (t *table) slack(widths []int) int {
	sum := 0
	for i, c := range t.columns {
		if c.least > 0 {
			sum += max(0, widths[i]-c.least)
		}
	}
	return sum
}

// shrink removes excess columns of text, each from the column that is then the widest.
func (t *table) shrink(widths []int, excess int) {
	for range excess {
		widest := -1
		for i, c := range t.columns {
			if c.least > 0 && widths[i] > c.least && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		widths[widest]--
	}
}

// total returns the width of the table.
func (t *table) total(widths []int) int {
	sum := 0
	for i, width := range widths {
		if width < 0 {
			continue
		}
		if sum > 0 && !t.columns[i].tight {
			sum += gap
		}
		sum += width
	}
	return sum
}

// write prints the table.
func (t *table) write(w io.Writer, s screen) error {
	widths := t.widths(s.width)
	header := make([]cell, len(t.columns))
	for i, c := range t.columns {
		header[i] = cell{c.title, bold}
	}
	var b strings.Builder
	t.line(&b, s, widths, header)
	for _, row := range t.rows {
		t.line(&b, s, widths, row)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// line writes a row without spaces at its end.
func (t *table) line(b *strings.Builder, s screen, widths []int, row []cell) {
	before := 0 // spaces before the next cell
	first := true
	for i, c := range row {
		if widths[i] < 0 {
			continue
		}
		if !first && !t.columns[i].tight {
			before += gap
		}
		first = false
		text := cut(c.text, widths[i])
		rest := widths[i] - uniseg.StringWidth(text)
		if t.columns[i].right {
			before, rest = before+rest, 0
		}
		if text == "" {
			before += rest
			continue
		}
		b.WriteString(strings.Repeat(" ", before))
		b.WriteString(s.paint(c.look, text))
		before = rest
	}
	b.WriteByte('\n')
}
