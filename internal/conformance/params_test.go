package conformance

import (
	"time"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// This file contains bodies of requests.

// leastSession has only the required members of a link session.
func leastSession() moneykit.LinkSessionParams {
	return moneykit.LinkSessionParams{
		CustomerUser: moneykit.CustomerUser{ID: "user_0001"},
		RedirectURI:  "https://app.test/oauth",
	}
}

// fullSession has all members of a link session.
func fullSession(existingLinkID string) moneykit.LinkSessionParams {
	verified := moneykit.Timestamp{Time: time.Date(2023, 2, 16, 12, 30, 0, 5e8, time.FixedZone("", -5*3600))}
	product := func(reason string) *moneykit.ProductSettings {
		return &moneykit.ProductSettings{Required: true, RequirePermission: true, Prefetch: true, Reason: reason}
	}
	return moneykit.LinkSessionParams{
		CustomerUser: moneykit.CustomerUser{
			ID:    "user_0001",
			Email: &moneykit.CustomerUserEmail{Address: "jane@app.test", VerifiedAt: verified},
			Phone: &moneykit.CustomerUserPhone{Number: "+1 617 555 0100", Country: moneykit.CountryGB, VerifiedAt: verified},
		},
		RedirectURI: "https://app.test/oauth",
		Settings: &moneykit.LinkSessionSettings{
			Countries: []moneykit.Country{moneykit.CountryUS, moneykit.CountryGB, moneykit.CountryCA},
			Products: &moneykit.SessionProducts{
				AccountNumbers: product("pay you"), Identity: product("greet you"),
				Transactions: product("show what you spend"), Investments: product("show what you own"),
			},
			Providers: []moneykit.Provider{
				moneykit.ProviderMoneyKit, moneykit.ProviderFinicity, moneykit.ProviderPlaid,
				moneykit.ProviderYodlee, moneykit.ProviderMX, moneykit.ProviderAkoya,
			},
		},
		InstitutionID:  moneykittest.CredentialsBank,
		ExistingLinkID: existingLinkID,
		Webhook:        "https://app.test/hook?a=1",
		Tags:           []string{"beta", "7", "Zürich \"West\""},
		ConnectFeatures: &moneykit.ConnectFeatures{
			IssueReporter: true, EnableMoneyID: true, DuplicateInstitutionWarning: true,
			DuplicateInstitutionRejected: true, ConnectManually: true,
			PermitOnlyOneAccount: true, PermitOnlyDepositoryAccounts: true,
		},
		CustomSandboxData: &moneykit.CustomSandboxData{
			Accounts: []moneykit.CustomSandboxAccount{
				{AccountType: "depository.checking", Name: "Girokonto", AccountNumber: "001", RoutingNumber: "021000021"},
				{AccountType: "investment", Name: "Depot", AccountNumber: "2"},
			},
			Owners: []moneykit.Owner{
				{
					Names: []string{"Jane"},
					Addresses: []moneykit.Address{{
						Street: "1 Main St", City: "Boston", Region: "MA", PostalCode: "02108", Country: "US", Primary: true,
					}},
					PhoneNumbers: []moneykit.PhoneNumber{{Number: "+16175550100", Type: moneykit.PhoneNumberTypeHome, Primary: true}},
					Emails:       []moneykit.Email{{Address: "jane@app.test", Primary: true}},
				},
				{},
			},
		},
	}
}

// Institutions outside the United States.
const (
	britishBank  = "mx.beacon-hill-bank-plc" // an alias
	canadianBank = "beacon-hill-trust"
)

// fullImport has all members of an import.
func fullImport() moneykit.LinkImportParams {
	amount := number("12.50")
	return moneykit.LinkImportParams{
		CustomerUser: fullSession("").CustomerUser, InstitutionID: britishBank, Provider: moneykit.ProviderMX,
		Accounts: []moneykit.AccountImport{{
			ID: "1", Type: "depository.checking", Name: "Checking", Nickname: "Daily", Mask: "0001",
			Balances: moneykit.Balances{
				Currency: "USD", Available: amount, Current: amount, Limit: amount, Date: moneykit.Timestamp{Time: time.Unix(1, 5).UTC()},
			},
		}},
		Transactions: fullTransactions(),
	}
}

func fullTransactions() []moneykit.TransactionImport {
	return []moneykit.TransactionImport{{
		ID: "7", AccountID: "1", Amount: *number("-0.10"), Date: moneykit.Date{Year: 2024, Month: time.February, Day: 29},
		Description: "Kaffee", Type: "food_and_drinks.restaurants",
	}}
}

func second[T any](_ T, err error) error { return err }

func firstBatch(batches func(func(*moneykit.TransactionBatch, error) bool)) (err error) {
	batches(func(_ *moneykit.TransactionBatch, e error) bool {
		err = e
		return false
	})
	return err
}
