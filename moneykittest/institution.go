package moneykittest

import "github.com/moneykit/moneykit-go"

// The institutions. Of their ids only that of the Credentials Bank is published.
const (
	// InstantBank needs no credentials.
	InstantBank = "moneykit-instant-bank"
	// CredentialsBank needs a user name: user_good, or user_custom for the accounts that the
	// link session brings.
	CredentialsBank = "moneykit-creds-bank" //nolint:gosec // an id
	// OAuthBank sends the user to its own pages and back. [Server.Connect] goes there silently.
	OAuthBank = "moneykit-oauth-bank"
)

type institution struct {
	id, name, domain, color string
}

func institutions() []institution {
	return []institution{
		{InstantBank, "Instant Bank", "instant.bank.test", "#0A7D5A"},
		{CredentialsBank, "Credentials Bank", "credentials.bank.test", "#0A4FFF"},
		{OAuthBank, "OAuth Bank", "oauth.bank.test", "#7A1FA2"},
	}
}

// institutionByID returns an institution, the first for "".
func institutionByID(id string) (institution, bool) {
	all := institutions()
	for _, in := range all {
		if in.id == id {
			return in, true
		}
	}
	return all[0], id == ""
}

func (in institution) avatar() string { return "https://" + in.domain + "/avatar.png" }

// country is where all of them are.
func (institution) country() moneykit.Country { return moneykit.CountryUS }
