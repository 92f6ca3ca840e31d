package moneykittest

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/moneykit/moneykit-go"
)

// wireIdentity is an account with its owners.
type wireIdentity struct {
	moneykit.Account

	Owners []moneykit.Owner `json:"owners"`
}

// getIdentities handles get_identities.
func (c *core) getIdentities(q *call) reply {
	wanted := q.URL.Query()["account_ids"]
	l, rep, ok := c.usable(q, moneykit.ProductIdentity)
	if !ok {
		return rep
	}
	accounts := []wireIdentity{}
	for _, a := range l.accounts {
		if !a.Closed && chosen(wanted, a.ID) {
			accounts = append(accounts, wireIdentity{a, c.owners(l, a)})
		}
	}
	return answer(http.StatusOK, struct {
		Accounts []wireIdentity `json:"accounts"`
		Link     wireLink       `json:"link"`
	}{accounts, l.wire()})
}

// owners returns the owners of an account, none before they were fetched: those that the link
// session brought, or made-up ones, of whom the first owns all accounts of the link, and the
// second the savings too.
func (c *core) owners(l *link, a moneykit.Account) []moneykit.Owner {
	if l.products[moneykit.ProductIdentity].refreshed.IsZero() {
		return []moneykit.Owner{}
	}
	if l.customOwners != nil {
		return l.customOwners
	}
	owners := []moneykit.Owner{c.person(l, 0)}
	if isKind(a.Type, "depository.savings") {
		owners = append(owners, c.person(l, 1))
	}
	return owners
}

// person makes up somebody who lives where the link's institution is. The phone numbers, postal
// codes and domains are of ranges that nobody has.
func (c *core) person(l *link, n int) moneykit.Owner {
	given := [...]string{"Avery", "Blake", "Casey", "Devon", "Emery", "Finley", "Harper", "Jordan", "Kendall", "Morgan"}
	family := [...]string{"Ashdown", "Bramhall", "Corrigan", "Delacroix", "Evershed", "Fennimore", "Grantham", "Holloway"}
	streets := [...]string{"Mulberry Lane", "Station Road", "Orchard Street", "Quay Walk", "Harvest Way"}

	r := c.random(fmt.Sprintf("owner %s %d", l.id, n))
	first, last := given[r.IntN(len(given))], family[r.IntN(len(family))]
	address := moneykit.Address{
		Street:  fmt.Sprintf("%d %s", 1+r.IntN(400), streets[r.IntN(len(streets))]),
		Country: string(l.institution.country()), Primary: true,
	}
	phone := fmt.Sprintf("+1 555-01%02d", r.IntN(100))
	switch l.institution.country() {
	case moneykit.CountryGB:
		address.City, address.PostalCode = "Little Wexcombe", fmt.Sprintf("ZZ%d %dZZ", 1+r.IntN(99), 1+r.IntN(9))
		phone = fmt.Sprintf("+44 20 7946 0%03d", r.IntN(1000))
	case moneykit.CountryCA:
		address.City, address.Region, address.PostalCode = "Port Sorrel", "ON", fmt.Sprintf("Q0Q %dQ%d", r.IntN(10), r.IntN(10))
	default:
		address.City, address.Region, address.PostalCode = "Fallow Creek", "OH", fmt.Sprintf("000%02d", r.IntN(100))
	}
	mail := strings.ToLower(first + "." + last)
	owner := moneykit.Owner{
		Names:        []string{first + " " + last},
		Addresses:    []moneykit.Address{address},
		PhoneNumbers: []moneykit.PhoneNumber{{Number: phone, Type: moneykit.PhoneNumberTypeMobile, Primary: true}},
		Emails:       []moneykit.Email{{Address: mail + "@mail.example", Primary: true}},
	}
	if r.IntN(2) == 0 {
		owner.Emails = append(owner.Emails, moneykit.Email{Address: mail + "@work.example"})
		owner.PhoneNumbers = append(owner.PhoneNumbers, moneykit.PhoneNumber{
			Number: phone + " ext. " + digits(r, 3), Type: moneykit.PhoneNumberTypeWork,
		})
	}
	return owner
}
