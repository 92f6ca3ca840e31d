package main

import (
	"fmt"
	"io"
	"math"
)

// row is a line of the table.
type row struct {
	name      string
	sdk, hand string // the costs of the sides
	unit      string // of value; empty for a ratio
	value     float64
	low, high float64 // quartiles of value; 0 if it was measured once
	goal      float64 // 0 for none
	bound     float64 // limit for -check; 0 for none
	least     bool    // the goal and the bound are minima
}

// over reports whether the value is on the wrong side of a limit.
func (r row) over(limit float64) bool {
	switch {
	case limit == 0:
		return false
	case r.least:
		return r.value < limit
	}
	return r.value > limit
}

// table prints rows in Markdown as they are added.
type table struct {
	out    io.Writer
	beyond []string // rows that are over their bound
}

const layout = "| %-58s | %10s | %10s | %10s | %11s | %8s | %-4s |\n"

func newTable(out io.Writer) *table {
	fmt.Fprintf(out, layout, "", "SDK", "by hand", "ratio", "quartiles", "goal", "")
	fmt.Fprintf(out, layout, "---", "---:", "---:", "---:", "---:", "---:", "---")
	return &table{out: out}
}

func (t *table) add(rows []row) {
	for _, r := range rows {
		value, goal, verdict := figure(r.value)+r.unit, figure(r.goal), "ok"
		if r.unit != "" && r.sdk == "" { // The value is not a ratio.
			r.sdk, value = value, ""
		}
		var spread string
		if r.high > 0 {
			spread = figure(r.low) + "–" + figure(r.high)
		}
		switch {
		case r.goal == 0:
			goal, verdict = "", ""
		case r.over(r.goal):
			verdict = "over"
		}
		if r.goal != 0 && r.least {
			goal = "≥ " + goal
		}
		fmt.Fprintf(t.out, layout, r.name, r.sdk, r.hand, value, spread, goal, verdict)
		if r.over(r.bound) {
			t.beyond = append(t.beyond, fmt.Sprintf("%s: %s, not %s", r.name, figure(r.value), figure(r.bound)))
		}
	}
}

// figure formats a number with its significant digits.
func figure(f float64) string {
	switch {
	case math.Abs(f) < 10:
		return fmt.Sprintf("%.2f", f)
	case math.Abs(f) < 100:
		return fmt.Sprintf("%.1f", f)
	}
	return fmt.Sprintf("%.0f", f)
}
