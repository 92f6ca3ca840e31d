package world

import (
	"fmt"
	"strings"

	"github.com/moneykit/moneykit-go"
)

// Owners returns the owners of an account, or none before the product identity was fetched. If the
// link session did not contain owners, they are made up: the first one owns all accounts of the
// link, and a second one also owns the savings accounts.
func (w *World) Owners(l *Link, a moneykit.Account) []moneykit.Owner {
	if l.Products[moneykit.ProductIdentity].Refreshed.IsZero() {
		return []moneykit.Owner{}
	}
	if l.CustomOwners != nil {
		return l.CustomOwners
	}
	owners := []moneykit.Owner{w.person(l, 0)}
	if isKind(a.Type, "depository.savings") {
		owners = append(owners, w.person(l, 1))
	}
	return owners
}

// person returns a made-up person who lives in the country of the link's institution. The phone
// numbers, postal codes and domains are from ranges that nobody uses.
func (w *World) person(l *Link, n int) moneykit.Owner {
	given := [...]string{"Avery", "Blake", "Casey", "Devon", "Emery", "Finley", "Harper", "Jordan", "Kendall", "Morgan"}
	family := [...]string{"Ashdown", "Bramhall", "Corrigan", "Delacroix", "Evershed", "Fennimore", "Grantham", "Holloway"}
	streets := [...]string{"Mulberry Lane", "Station Road", "Orchard Street", "Quay Walk", "Harvest Way"}

	r := w.Random(fmt.Sprintf("owner %s %d", l.ID, n))
	first, last := given[r.IntN(len(given))], family[r.IntN(len(family))]
	address := moneykit.Address{
		Street:  fmt.Sprintf("%d %s", 1+r.IntN(400), streets[r.IntN(len(streets))]),
		Country: string(l.Institution.Country), Primary: true,
	}
	phone := fmt.Sprintf("+1 555-01%02d", r.IntN(100))
	switch l.Institution.Country {
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
