package main

import (
	"slices"
	"strings"

	"github.com/moneykit/moneykit-go"
)

// money formats an amount exactly, with separators and with at least the usual decimals of its
// currency.
func money(d moneykit.Decimal, currency string) string {
	text := d.Add(moneykit.Decimal{}).String() // Without an exponent.
	sign := ""
	if rest, ok := strings.CutPrefix(text, "-"); ok {
		sign, text = "-", rest
	}
	whole, decimals, _ := strings.Cut(text, ".")
	if missing := places(currency) - len(decimals); missing > 0 {
		decimals += strings.Repeat("0", missing)
	}
	if decimals != "" {
		decimals = "." + decimals
	}
	return sign + groups(whole) + decimals
}

// signed formats an amount with a sign, unless it is zero.
func signed(d moneykit.Decimal, currency string) string {
	if d.Sign() > 0 {
		return "+" + money(d, currency)
	}
	return money(d, currency)
}

// places returns the usual number of decimals of a currency.
func places(currency string) int {
	if slices.Contains([]string{"CLP", "ISK", "JPY", "KRW", "PYG", "UGX", "VND", "XAF", "XOF", "XPF"}, currency) {
		return 0
	}
	return 2
}

// groups separates the digits of a whole number by thousands.
func groups(digits string) string {
	sign := ""
	if rest, ok := strings.CutPrefix(digits, "-"); ok {
		sign, digits = "-", rest
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}
