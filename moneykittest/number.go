package moneykittest

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"

	"github.com/moneykit/moneykit-go"
)

// getAccount handles get_account.
func (c *core) getAccount(q *call) reply {
	l, rep, ok := c.usable(q, moneykit.ProductAccounts)
	if !ok {
		return rep
	}
	a := l.account(q.PathValue("account_id"))
	if a == nil || a.Closed {
		return refuse(moneykit.ErrorCodeLinkNotFound, "there is no such account")
	}
	return answer(http.StatusOK, struct {
		Account moneykit.Account `json:"account"`
		Link    wireLink         `json:"link"`
	}{*a, l.wire()})
}

// wireNumbers is an account with its numbers. Account has a method of its own for JSON in Balances
// only, so that the fields stand side by side.
type wireNumbers struct {
	moneykit.Account

	Numbers moneykit.AccountNumbers `json:"numbers"`
}

// getAccountNumbers handles get_account_numbers.
func (c *core) getAccountNumbers(q *call) reply {
	l, rep, ok := c.usable(q, moneykit.ProductAccountNumbers)
	if !ok {
		return rep
	}
	accounts := []wireNumbers{}
	for _, a := range l.accounts {
		if !a.Closed {
			accounts = append(accounts, wireNumbers{a, c.numbers(l, a)})
		}
	}
	return answer(http.StatusOK, struct {
		Accounts []wireNumbers `json:"accounts"`
		Link     wireLink      `json:"link"`
	}{accounts, l.wire()})
}

// numbers returns the numbers of an account, those of its country. Only what money can be sent to
// has any, once they were fetched.
func (c *core) numbers(l *link, a moneykit.Account) moneykit.AccountNumbers {
	out := moneykit.AccountNumbers{
		ACH: []moneykit.ACHNumber{}, EFT: []moneykit.EFTNumber{},
		BACS: []moneykit.BACSNumber{}, International: []moneykit.InternationalNumber{},
	}
	if !isKind(a.Type, "depository") || l.products[moneykit.ProductAccountNumbers].refreshed.IsZero() {
		return out
	}
	r := c.random("numbers " + a.ID)
	number := func(n int) string { // ends like the mask does
		end := a.Mask
		if strings.Trim(end, "0123456789") != "" || len(end) > n {
			end = ""
		}
		return digits(r, n-len(end)) + end
	}
	switch l.institution.country() {
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
		custom := l.custom[a.ID]
		made := moneykit.ACHNumber{AccountNumber: number(12), RoutingNumber: aba(r)}
		if r.IntN(2) == 0 { // not every bank takes wires
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

// aba returns a routing number with a check digit that is right.
func aba(r *rand.Rand) string {
	first := fmt.Sprintf("0%d", 1+r.IntN(9)) + digits(r, 6)
	for d := range 10 {
		if s := fmt.Sprint(first, d); isABA(s) {
			return s
		}
	}
	return "" // cannot be: one of ten digits is right
}

// iban returns the international form of a number, with the two check digits that ISO 13616 has.
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
