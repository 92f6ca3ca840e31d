package conformance

import (
	"context"
	"time"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// operation is one that the SDK has a method for.
type operation struct {
	id string
	// call carries it out with the client, on the link if it is about one. What else it needs, it
	// prepares behind the back of the wire.
	call func(ctx context.Context, w *wire, client *moneykit.Client, linkID string) error
}

// operations lists them. To cover one more, add it here and its answers to the table answers.
func operations() []operation {
	return []operation{
		{"create_access_token", func(ctx context.Context, _ *wire, client *moneykit.Client, _ string) error {
			_, err := client.Auth.CreateToken(ctx)
			return err
		}},
		{"instrospect_client", func(ctx context.Context, _ *wire, client *moneykit.Client, _ string) error {
			_, err := client.Auth.Introspect(ctx)
			return err
		}},
		{"create_link_session", func(ctx context.Context, _ *wire, client *moneykit.Client, _ string) error {
			_, err := client.LinkSessions.Create(ctx, leastSession())
			return err
		}},
		{"exchange_token", func(ctx context.Context, w *wire, client *moneykit.Client, _ string) error {
			session, err := w.mk.Client().LinkSessions.Create(ctx, leastSession())
			if err != nil {
				return err
			}
			result, err := moneykit.ParseConnectResult(w.mk.Connect(session.Token, moneykit.SourceWeb, moneykittest.Play{}))
			if err != nil {
				return err
			}
			_, err = client.LinkSessions.Exchange(ctx, result.ExchangeableToken)
			return err
		}},
		{"get_link", func(ctx context.Context, _ *wire, client *moneykit.Client, linkID string) error {
			_, err := client.Links.Get(ctx, linkID)
			return err
		}},
		{"delete_link", func(ctx context.Context, _ *wire, client *moneykit.Client, linkID string) error {
			return client.Links.Delete(ctx, linkID)
		}},
		{"get_accounts", func(ctx context.Context, _ *wire, client *moneykit.Client, linkID string) error {
			_, err := client.Accounts.List(ctx, linkID, moneykit.AccountListParams{})
			return err
		}},
	}
}

// leastSession is the least that a link session takes.
func leastSession() moneykit.LinkSessionParams {
	return moneykit.LinkSessionParams{
		CustomerUser: moneykit.CustomerUser{ID: "user_0001"},
		RedirectURI:  "https://app.test/oauth",
	}
}

// fullSession has everything that a link session can have.
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
			Products: &moneykit.ProductsSettings{
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
