package world

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/moneykit/moneykit-go"
)

// Numbers returns the numbers of an account, in the form of its country. Only depository accounts
// have numbers, and only after the product account_numbers was fetched.
func (w *World) Numbers(l *Link, a moneykit.Account) moneykit.AccountNumbers {
	out := moneykit.AccountNumbers{
		ACH: []moneykit.ACHNumber{}, EFT: []moneykit.EFTNumber{},
		BACS: []moneykit.BACSNumber{}, International: []moneykit.InternationalNumber{},
	}
	if !isKind(a.Type, "depository") || l.Products[moneykit.ProductAccountNumbers].Refreshed.IsZero() {
		return out
	}
	r := w.Random("numbers " + a.ID)
	number := func(n int) string { // ends with the mask
		end := a.Mask
		if strings.Trim(end, "0123456789") != "" || len(end) > n {
			end = ""
		}
		return digits(r, n-len(end)) + end
	}
	switch l.Institution.Country {
	case moneykit.CountryCA:
		out.EFT = append(out.EFT, moneykit.EFTNumber{
			AccountNumber: number(7), InstitutionNumber: digits(r, 3), BranchNumber: digits(r, 5),
		})
	case moneykit.CountryGB:
		sort, account := digits(r, 6), number(8)
		out.BACS = append(out.BACS, moneykit.BACSNumber{AccountNumber: account, SortCode: sort})
		out.International = append(out.International, moneykit.InternationalNumber{
			IBAN: iban("GB", "MKIT"+sort+account), BIC: "MKITGB2L",
		})
	default:
		custom := l.Custom[a.ID]
		made := moneykit.ACHNumber{AccountNumber: number(12), RoutingNumber: aba(r)}
		if r.IntN(2) == 0 { // not every bank accepts wires
			made.WireRoutingNumber = aba(r)
		}
		made.AccountNumber = cmp.Or(custom.AccountNumber, made.AccountNumber)
		made.RoutingNumber = cmp.Or(custom.RoutingNumber, made.RoutingNumber)
		out.ACH = append(out.ACH, made)
	}
	return out
}

func digits(r *rand.Rand, n int) string {
	s := make([]byte, n)
	for i := range s {
		s[i] = byte('0' + r.IntN(10)) //nolint:gosec // a digit
	}
	return string(s)
}

// aba returns a routing number with a valid check digit.
func aba(r *rand.Rand) string {
	first := fmt.Sprintf("0%d", 1+r.IntN(9)) + digits(r, 6)
	for d := range 10 {
		if s := fmt.Sprint(first, d); IsRoutingNumber(s) {
			return s
		}
	}
	return "" // cannot happen: one of the ten digits is valid
}

// iban returns the international form of a number, with the two check digits of ISO 13616.
func iban(country, number string) string {
	rest := 0
	for _, r := range number + country + "00" {
		if r >= 'A' {
			rest = (rest*100 + int(r-'A') + 10) % 97
		} else {
			rest = (rest*10 + int(r-'0')) % 97
		}
	}
	return fmt.Sprintf("%s%02d%s", country, 98-rest, number)
}

// IsRoutingNumber reports whether s is nine digits whose sum, weighted 3, 7, 1 in turn, is a
// multiple of ten.
func IsRoutingNumber(s string) bool {
	if len(s) != 9 {
		return false
	}
	sum := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
		sum += int(s[i]-'0') * []int{3, 7, 1}[i%3]
	}
	return sum%10 == 0
}
