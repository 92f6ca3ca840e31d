package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/rivo/uniseg"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
)

func TestMoney(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ amount, currency, want string }{
		{"0", "USD", "0.00"},
		{"1", "USD", "1.00"},
		{"12.5", "USD", "12.50"},
		{"1234567.891", "EUR", "1,234,567.891"},
		{"-1000", "USD", "-1,000.00"},
		{"-999", "JPY", "-999"},
		{"1000", "JPY", "1,000"},
		{"12345678901234567.12345678", "USD", "12,345,678,901,234,567.12345678"},
		{"1e3", "USD", "1,000.00"},
	} {
		assert.Equal(t, tt.want, money(moneykit.MustDecimal(tt.amount), tt.currency))
	}
	assert.Equal(t, "+5.00", signed(moneykit.MustDecimal("5"), "USD"))
	assert.Equal(t, "-5.00", signed(moneykit.MustDecimal("-5"), "USD"))
	assert.Equal(t, "0.00", signed(moneykit.MustDecimal("0"), "USD"))
}

func transaction(day, kind, amount, currency string) *row {
	date, err := moneykit.ParseDate(day)
	if err != nil {
		panic(err)
	}
	return &row{Date: date, Type: kind, Amount: moneykit.MustDecimal(amount), Currency: currency}
}

func TestMonths(t *testing.T) {
	t.Parallel()
	var m months
	for range 10 {
		m.add(transaction("2026-10-31", "debit", "0.1", "USD"))
	}
	m.add(transaction("2026-10-01", "credit", "1000000000000000.01", "USD"))
	m.add(transaction("2026-11-01", "debit", "3", "USD"))
	m.add(transaction("2026-10-02", "credit", "2", "GBP"))
	var got []string
	for _, month := range m.sorted() {
		got = append(got, strings.Join([]string{
			month.Currency, month.Month, grouped(month.Rows),
			money(month.Income, "USD"), money(month.Spending, "USD"), money(month.Net, "USD"),
		}, " "))
	}
	assert.Equal(t, []string{
		"GBP 2026-10 1 2.00 0.00 2.00",
		"USD 2026-10 11 1,000,000,000,000,000.01 1.00 999,999,999,999,999.01",
		"USD 2026-11 1 0.00 3.00 -3.00",
	}, got)
}

func TestBars(t *testing.T) {
	t.Parallel()
	var m months
	m.add(transaction("2026-01-01", "credit", "100", "USD"))
	m.add(transaction("2026-01-01", "debit", "50", "USD"))
	m.add(transaction("2026-02-01", "debit", "0.01", "USD"))
	for range 2 {
		m.add(transaction("2026-03-01", "credit", "0", "USD"))
	}
	for _, width := range []int{120, 80, 40} {
		var b bytes.Buffer
		require.NoError(t, writeMonths(&b, screen{width, false}, m.sorted()))
		lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
		if width == 40 {
			require.Len(t, lines, 10, "the plot stands below the table")
			lines = append(lines[:1], lines[6:]...)
		}
		require.Len(t, lines, 5)
		at := -1
		for _, line := range lines[1:] {
			before, _, ok := strings.Cut(line, axis)
			require.True(t, ok)
			if at < 0 {
				at = uniseg.StringWidth(before)
			}
			assert.Equal(t, at, uniseg.StringWidth(before), "the axis is straight: %s", b.String())
			assert.LessOrEqual(t, uniseg.StringWidth(line), width)
		}
		january := strings.Count(lines[2], incomeBar)
		assert.InDelta(t, width, uniseg.StringWidth(lines[2]), 1, "the longest bar reaches the edge")
		assert.InDelta(t, january/2, strings.Count(lines[2], spendingBar), 1)
		assert.Equal(t, 1, strings.Count(lines[3], spendingBar), "a small amount is seen")
		assert.Zero(t, strings.Count(lines[4], spendingBar)+strings.Count(lines[4], incomeBar))
	}
}
