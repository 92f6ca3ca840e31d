package world

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"github.com/moneykit/moneykit-go"
)

// The ids of the test banks, which are the first institutions of the directory. MoneyKit publishes
// only the id of the Credentials Bank.
const (
	InstantBank     = "moneykit-instant-bank"
	CredentialsBank = "moneykit-creds-bank" //nolint:gosec // an id
	OAuthBank       = "moneykit-oauth-bank"
)

// Institution is a bank.
type Institution struct {
	ID       string
	Name     string
	Domain   string
	Color    string // "" if there is none
	Country  moneykit.Country
	Featured bool
	Aliases  []string
}

// There is no list of all institutions. Each institution is made from its number when it is looked
// up.

const (
	// TestBankCount is how many test banks there are, the first institutions.
	TestBankCount = 3

	placeCount = 37
	kindCount  = 8

	// chaseIndex is the index of Chase in the directory, which is sorted by name.
	chaseIndex = TestBankCount + 7*kindCount

	// InstitutionCount is how many institutions there are.
	InstitutionCount = TestBankCount + placeCount*kindCount + 1
)

// InstitutionAt returns the institution with a number below [InstitutionCount]. The test banks come
// first, then all others by name. All worlds have the same institutions.
func InstitutionAt(i int) Institution {
	switch {
	case i < TestBankCount:
		return testBanks()[i]
	case i == chaseIndex:
		return chase()
	case i > chaseIndex:
		i--
	}
	towns, trades := places(), kinds()
	i -= TestBankCount
	return invented(towns[i/len(trades)], trades[i%len(trades)])
}

// Lookup returns an institution by its id or an alias. For "" it returns the Instant Bank and true.
// For an id that does not exist, it returns the Instant Bank and false.
func Lookup(id string) (Institution, bool) {
	banks := testBanks()
	for _, in := range banks {
		if in.ID == id || id == "" {
			return in, true
		}
	}
	if in := chase(); in.ID == id || slices.Contains(in.Aliases, id) {
		return in, true
	}
	for _, town := range places() {
		// Most aliases end in the id. The others, which are numbers, need a closer look.
		if !strings.HasPrefix(id, "finicity.") && !strings.HasPrefix(strings.TrimPrefix(id, "mx."), slug(town)) {
			continue
		}
		for _, trade := range kinds() {
			if in := invented(town, trade); in.ID == id || slices.Contains(in.Aliases, id) {
				return in, true
			}
		}
	}
	return banks[0], false
}

func testBanks() [TestBankCount]Institution {
	return [...]Institution{
		{InstantBank, "Instant Bank", "instant.bank.test", "#0A7D5A", moneykit.CountryUS, true, nil},
		{CredentialsBank, "Credentials Bank", "credentials.bank.test", "#0A4FFF", moneykit.CountryUS, true, nil},
		{OAuthBank, "OAuth Bank", "oauth.bank.test", "#7A1FA2", moneykit.CountryUS, true, nil},
	}
}

// chase returns the institution of the examples in MoneyKit's documentation.
func chase() Institution {
	return Institution{
		ID: "chase", Name: "Chase", Domain: "chase.bank.test", Color: "#117ACA",
		Country: moneykit.CountryUS, Featured: true, Aliases: []string{"mx.chase"},
	}
}

// places returns the places of banks, in alphabetical order. No place is a prefix of another.
func places() [placeCount]string {
	return [...]string{
		"Alderbrook", "Ashcombe", "Beacon Hill", "Birchwood", "Blue Ridge", "Bridgewater", "Cedar Grove", "Clearwater",
		"Copperfield", "Driftwood", "Eastgate", "Elmhurst", "Fairhaven", "Foxborough", "Glenmoor", "Granite Falls",
		"Greyfriars", "Harborview", "Hawthorne", "Ironbridge", "Juniper", "Kingsway", "Lakeshore", "Longmeadow",
		"Maplewood", "Northgate", "Oakridge", "Pinecrest", "Quarry Lane", "Redstone", "Riverbend", "Silverton",
		"Stonehaven", "Thornbury", "Underhill", "Valley Forge", "Westbrook",
	}
}

// kind is a kind of institution, with its country.
type kind struct {
	name    string
	country moneykit.Country
}

// kinds returns the kinds in alphabetical order.
func kinds() [kindCount]kind {
	return [...]kind{
		{"Bank", moneykit.CountryUS},
		{"Bank plc", moneykit.CountryGB},
		{"Building Society", moneykit.CountryGB},
		{"Caisse", moneykit.CountryCA},
		{"Credit Union", moneykit.CountryUS},
		{"Savings & Loan", moneykit.CountryUS},
		{"Trust", moneykit.CountryCA},
		{"Wealth", moneykit.CountryUS},
	}
}

// invented returns an institution whose other fields are derived from its name.
func invented(place string, of kind) Institution {
	name := place + " " + of.name
	h := fnv.New32a()
	_, _ = h.Write([]byte(name)) // it never fails
	n := h.Sum32()
	id := slug(name)
	in := Institution{
		ID: id, Name: name, Domain: id + ".bank.test", Country: of.country,
		Featured: n%11 == 0, Aliases: []string{"mx." + id},
	}
	if n%5 != 0 {
		in.Color = fmt.Sprintf("#%06X", n>>8)
	}
	if n%3 == 0 {
		in.Aliases = append(in.Aliases, fmt.Sprintf("finicity.%d", n%100000))
	}
	return in
}

// Avatar returns the URL of the institution's logo.
func (in Institution) Avatar() string { return "https://" + in.Domain + "/avatar.png" }

// Currency returns the currency of the institution's accounts.
func (in Institution) Currency() string {
	switch in.Country {
	case moneykit.CountryGB:
		return "GBP"
	case moneykit.CountryCA:
		return "CAD"
	default:
		return "USD"
	}
}
