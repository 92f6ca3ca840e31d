package moneykittest

import (
	"fmt"
	"hash/fnv"
	"net/http"
	"slices"
	"strings"

	"github.com/moneykit/moneykit-go"
)

// The institutions that are there to be linked in tests. Of their ids only that of the Credentials
// Bank is published. Some 300 more are made up, the same ones on all servers.
const (
	// InstantBank needs no credentials.
	InstantBank = "moneykit-instant-bank"
	// CredentialsBank needs a user name: user_good, or user_custom for the accounts that the
	// link session brings.
	CredentialsBank = "moneykit-creds-bank" //nolint:gosec // an id
	// OAuthBank sends the user to its own pages and back. [Server.Connect] goes there
	// silently, and [Server.Authorize] stops on the way back.
	OAuthBank = "moneykit-oauth-bank"
)

type institution struct {
	id, name, domain string
	color            string // "" if there is none
	land             moneykit.Country
	featured         bool
	aliases          []string
}

// institutions returns the directory: the test banks, and then all others by name.
func institutions() []institution {
	all := []institution{
		{InstantBank, "Instant Bank", "instant.bank.test", "#0A7D5A", moneykit.CountryUS, true, nil},
		{CredentialsBank, "Credentials Bank", "credentials.bank.test", "#0A4FFF", moneykit.CountryUS, true, nil},
		{OAuthBank, "OAuth Bank", "oauth.bank.test", "#7A1FA2", moneykit.CountryUS, true, nil},
	}
	kinds := map[moneykit.Country][]string{
		moneykit.CountryUS: {"Bank", "Credit Union", "Savings & Loan", "Wealth"},
		moneykit.CountryCA: {"Trust", "Caisse"},
		moneykit.CountryGB: {"Bank plc", "Building Society"},
	}
	var others []institution
	for _, place := range []string{
		"Alderbrook", "Ashcombe", "Beacon Hill", "Birchwood", "Blue Ridge", "Bridgewater", "Cedar Grove", "Clearwater",
		"Copperfield", "Driftwood", "Eastgate", "Elmhurst", "Fairhaven", "Foxborough", "Glenmoor", "Granite Falls",
		"Greyfriars", "Harborview", "Hawthorne", "Ironbridge", "Juniper", "Kingsway", "Lakeshore", "Longmeadow",
		"Maplewood", "Northgate", "Oakridge", "Pinecrest", "Quarry Lane", "Redstone", "Riverbend", "Silverton",
		"Stonehaven", "Thornbury", "Underhill", "Valley Forge", "Westbrook",
	} {
		for land, names := range kinds {
			for _, kind := range names {
				others = append(others, invented(place+" "+kind, land))
			}
		}
	}
	slices.SortFunc(others, func(a, b institution) int { return strings.Compare(a.name, b.name) })
	return append(all, others...)
}

// invented returns an institution whose particulars follow from its name.
func invented(name string, land moneykit.Country) institution {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name)) // it never fails
	n := h.Sum32()
	id := slug(name)
	in := institution{
		id: id, name: name, domain: id + ".bank.test", land: land,
		featured: n%11 == 0, aliases: []string{"mx." + id},
	}
	if n%5 != 0 {
		in.color = fmt.Sprintf("#%06X", n>>8)
	}
	if n%3 == 0 {
		in.aliases = append(in.aliases, fmt.Sprintf("finicity.%d", n%100000))
	}
	return in
}

// institution returns an institution by its id or an alias, the first for "".
func (c *core) institution(id string) (institution, bool) {
	for _, in := range c.institutions {
		if in.id == id || slices.Contains(in.aliases, id) {
			return in, true
		}
	}
	return c.institutions[0], id == ""
}

func (in institution) avatar() string { return "https://" + in.domain + "/avatar.png" }

func (in institution) country() moneykit.Country { return in.land }

// currency is what accounts are kept in.
func (in institution) currency() string {
	switch in.land {
	case moneykit.CountryGB:
		return "GBP"
	case moneykit.CountryCA:
		return "CAD"
	default:
		return "USD"
	}
}

// wireInstitution is an institution as MoneyKit writes it, with nulls.
type wireInstitution struct {
	moneykit.Institution

	Color     *string `json:"color"`
	ColorDark *string `json:"color_dark"`
}

func (in institution) wire() wireInstitution {
	return wireInstitution{
		Institution: moneykit.Institution{
			ID: in.id, IDAliases: append([]string{}, in.aliases...), Name: in.name,
			Country: in.land, Domain: in.domain, Featured: in.featured,
		},
		Color: orNull(in.color),
	}
}

// institutionCursor is how far somebody has read in the directory.
type institutionCursor struct {
	Institution int `json:"institution"`
}

// getInstitutions handles get_institutions.
func (c *core) getInstitutions(q *call) reply {
	params := q.query()
	limit, featured := params.number("limit", 1, 1000, 50), params.flag("featured")
	var at institutionCursor
	if cursor := params.last("cursor"); cursor != "" &&
		(!readCursor(cursor, &at) || at.Institution <= 0 || at.Institution > len(c.institutions)) {
		params.wrong("cursor", "is not a cursor of this list", "value_error")
	}
	if rep, ok := params.reply(); !ok {
		return rep
	}
	name := strings.ToLower(params.last("name"))
	page := []wireInstitution{}
	var next *string
	for i, in := range c.institutions[at.Institution:] {
		if (featured && !in.featured) || !strings.Contains(strings.ToLower(in.name), name) {
			continue
		}
		if len(page) == limit {
			cursor := writeCursor(institutionCursor{at.Institution + i})
			next = &cursor
			break
		}
		page = append(page, in.wire())
	}
	return answer(http.StatusOK, struct {
		Institutions []wireInstitution  `json:"institutions"`
		Cursors      map[string]*string `json:"cursors"`
	}{page, map[string]*string{"next": next}})
}

// getInstitution handles get_institution.
func (c *core) getInstitution(q *call) reply {
	in, ok := c.institution(q.PathValue("institution_id"))
	if !ok {
		return refuse(moneykit.ErrorCodeInstitutionNotFound, "there is no such institution")
	}
	return answer(http.StatusOK, in.wire())
}
