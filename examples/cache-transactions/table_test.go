package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/rivo/uniseg"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTableFitsScreen(t *testing.T) {
	t.Parallel()
	columns := []column{
		{title: "DATE"},
		{title: "AMOUNT", right: true},
		{title: "TEXT", least: 8},
		{title: "CATEGORY", least: 8, spare: 1},
		{title: "BANK", least: 6, spare: 2},
	}
	rows := [][]string{
		{"2026-10-01", "-1,204.50", "東京スターバックスコーヒー渋谷店", "food and drink", "First Bank"},
		{"2026-10-02", "+9.00", "👩‍👩‍👧 family outing at the seaside", "travel", "東京銀行"},
		{"2026-10-03", "0.00", "", "", ""},
	}
	for _, width := range []int{120, 80, 60, 40} {
		for _, color := range []bool{false, true} {
			table := table{columns: columns}
			for _, texts := range rows {
				var cells []cell
				for _, text := range texts {
					cells = append(cells, cell{text, green})
				}
				table.add(cells...)
			}
			var b bytes.Buffer
			require.NoError(t, table.write(&b, screen{width, color}))
			lines := strings.Split(strings.TrimSuffix(uncolored(b.String()), "\n"), "\n")
			require.Len(t, lines, 4)
			assert.Equal(t, color, strings.Contains(b.String(), "\x1b["))
			for i, line := range lines {
				assert.LessOrEqual(t, uniseg.StringWidth(line), width, line)
				assert.Equal(t, strings.TrimRight(line, " "), line)
				if i > 0 {
					assert.True(t, strings.HasPrefix(line, rows[i-1][0]), "the day is never cut: %s", line)
					assert.Contains(t, line, rows[i-1][1], "the amount is never cut")
				}
			}
			assert.Equal(t, width == 120, strings.Contains(lines[1], "渋谷店"))
			at := func(line, text string) int {
				before, _, ok := strings.Cut(line, text)
				require.True(t, ok, "%q in %q", text, line)
				return uniseg.StringWidth(before)
			}
			if strings.Contains(lines[0], "CATEGORY") {
				assert.Equal(t, at(lines[0], "CATEGORY"), at(lines[1], "food"))
				assert.Equal(t, at(lines[0], "CATEGORY"), at(lines[2], "travel"))
			}
			assert.Equal(t, width >= 60, strings.Contains(lines[0], "CATEGORY"), "%d", width)
		}
	}
}

func TestCut(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text  string
		width int
		want  string
	}{
		{"abc", 3, "abc"},
		{"abcd", 3, "ab…"},
		{"ab cd", 4, "ab…"},
		{"日本語", 6, "日本語"},
		{"日本語", 5, "日本…"},
		{"日本語", 4, "日…"},
		{"e\u0301e\u0301e\u0301", 2, "e\u0301…"},
		{"👩‍👩‍👧👩‍👩‍👧", 3, "👩‍👩‍👧…"},
		{"", 3, ""},
	} {
		assert.Equal(t, tt.want, cut(tt.text, tt.width), tt.text)
	}
}

func TestClean(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "a�[31mred b", clean("a\x1b[31mred\nb"))
	assert.Equal(t, "left right", clean("left\u202e right"))
	assert.Equal(t, "Zoë 日本 👩‍👩‍👧", clean("Zoë 日本 👩‍👩‍👧"))
}

func TestScreen(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		env  map[string]string
		want screen
	}{
		{nil, screen{80, false}},
		{map[string]string{"COLUMNS": "40"}, screen{40, false}},
		{map[string]string{"COLUMNS": "3"}, screen{minWidth, false}},
		{map[string]string{"COLUMNS": "9999"}, screen{maxWidth, false}},
		{map[string]string{"COLUMNS": "wide"}, screen{80, false}},
		{map[string]string{"CLICOLOR_FORCE": "1"}, screen{80, true}},
		{map[string]string{"CLICOLOR_FORCE": "0"}, screen{80, false}},
		{map[string]string{"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, screen{80, false}},
	} {
		assert.Equal(t, tt.want, newScreen(&bytes.Buffer{}, env(tt.env)), tt.env)
	}
}
