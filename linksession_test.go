package moneykit_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
)

func TestCreateSendsEverything(t *testing.T) {
	t.Parallel()
	mock := newMock(t)
	var body []byte
	mock.RegisterResponder(http.MethodPost, testBase+"/link-session", func(r *http.Request) (*http.Response, error) {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		return answers(201, `{"link_session_token":"`+sessionToken+`"}`)(r)
	})
	client := newClient(t, mock)
	verified := moneykit.Timestamp{Time: time.Date(2023, 2, 16, 0, 0, 0, 0, time.UTC)}
	session, err := client.LinkSessions.Create(t.Context(), moneykit.LinkSessionParams{
		CustomerUser: moneykit.CustomerUser{
			ID:    "user_0001",
			Email: &moneykit.CustomerUserEmail{Address: "jane@example.com", VerifiedAt: verified},
			Phone: &moneykit.CustomerUserPhone{Number: "6175551212", Country: moneykit.CountryUS},
		},
		RedirectURI: "https://example.com/oauth",
		Settings: &moneykit.LinkSessionSettings{
			Providers: []moneykit.Provider{moneykit.ProviderMX},
			Countries: []moneykit.Country{moneykit.CountryUS, moneykit.CountryCA},
			Products: &moneykit.SessionProducts{
				AccountNumbers: &moneykit.ProductSettings{Required: true, Prefetch: true, Reason: "pay you"},
				Identity:       &moneykit.ProductSettings{RequirePermission: true},
				Transactions:   &moneykit.ProductSettings{},
				Investments:    &moneykit.ProductSettings{Prefetch: true},
			},
		},
		InstitutionID:  "chase",
		ExistingLinkID: "mk_1",
		Webhook:        "https://example.com/hook",
		Tags:           []string{"a", "team:7"},
		ConnectFeatures: &moneykit.ConnectFeatures{
			IssueReporter: true, EnableMoneyID: true, DuplicateInstitutionWarning: true,
			DuplicateInstitutionRejected: true, ConnectManually: true,
			PermitOnlyOneAccount: true, PermitOnlyDepositoryAccounts: true,
		},
		CustomSandboxData: &moneykit.CustomSandboxData{
			Accounts: []moneykit.CustomSandboxAccount{{
				AccountType: "depository.checking", Name: "Checking", AccountNumber: "1", RoutingNumber: "011000015",
			}},
			Owners: []moneykit.Owner{{Names: []string{"Jane"}}},
		},
	})
	require.NoError(t, err)
	assert.Equal(t, sessionToken, session.Token)
	assert.JSONEq(t, `{
		"customer_user":{"id":"user_0001",
			"email":{"address":"jane@example.com","customer_verified_at":"2023-02-16T00:00:00Z"},
			"phone":{"number":"6175551212","country":"US"}},
		"redirect_uri":"https://example.com/oauth",
		"settings":{"providers":["mx"],"countries":["US","CA"],"products":{
			"account_numbers":{"required":true,"prefetch":true,"reason":"pay you"},
			"identity":{"require_permission":true},"transactions":{},"investments":{"prefetch":true}}},
		"institution_id":"chase","existing_link_id":"mk_1","webhook":"https://example.com/hook",
		"link_tags":["a","team:7"],
		"connect_features":{"issue_reporter":true,"enable_money_id":true,"duplicate_institution_warning":true,
			"duplicate_institution_rejected":true,"connect_manually":true,"permit_only_one_account":true,
			"permit_only_depository_accounts":true},
		"custom_sandbox_data":{"accounts":[{"account_type":"depository.checking","name":"Checking","account_number":"1",
			"routing_number":"011000015"}],
			"owners":[{"names":["Jane"],"addresses":[],"phone_numbers":[],"emails":[]}]}}`, string(body))

	_, err = client.LinkSessions.Create(t.Context(), validSession())
	require.NoError(t, err)
	assert.JSONEq(t, `{"customer_user":{"id":"user_0001"},"redirect_uri":"https://example.com/oauth"}`, string(body),
		"unset fields are not sent")
}

func TestCreateDoesNotChangeParams(t *testing.T) {
	t.Parallel()
	mock := newMock(t)
	mock.RegisterResponder(http.MethodPost, testBase+"/link-session", answers(201, `{"link_session_token":"x"}`))
	params := validSession()
	params.CustomSandboxData = &moneykit.CustomSandboxData{Owners: []moneykit.Owner{{}}}
	_, err := newClient(t, mock).LinkSessions.Create(t.Context(), params)
	require.NoError(t, err)
	assert.Nil(t, params.CustomSandboxData.Accounts)
	assert.Nil(t, params.CustomSandboxData.Owners[0].Names)
}

// changedSession is a valid session with one change, and the invalid fields after it.
type changedSession struct {
	name   string
	change func(*moneykit.LinkSessionParams)
	fields string // "" when it is accepted
}

func changedSessions() []changedSession {
	long := func(n int) string { return strings.Repeat("ż", n) }
	account := func(a moneykit.CustomSandboxAccount) func(*moneykit.LinkSessionParams) {
		return func(p *moneykit.LinkSessionParams) {
			p.CustomSandboxData = &moneykit.CustomSandboxData{Accounts: []moneykit.CustomSandboxAccount{a}}
		}
	}
	ok := moneykit.CustomSandboxAccount{AccountType: "depository.checking", Name: "Checking", AccountNumber: "1"}
	routing := func(n string) func(*moneykit.LinkSessionParams) {
		a := ok
		a.RoutingNumber = n
		return account(a)
	}
	return []changedSession{
		{"nothing wrong", func(*moneykit.LinkSessionParams) {}, ""},
		{"user id of 3", func(p *moneykit.LinkSessionParams) { p.CustomerUser.ID = "abc" }, "customer_user.id"},
		{"user id of 4", func(p *moneykit.LinkSessionParams) { p.CustomerUser.ID = "abcd" }, ""},
		{"user id of 4 characters in 8 bytes", func(p *moneykit.LinkSessionParams) { p.CustomerUser.ID = long(4) }, ""},
		{"user id of 3 characters in 6 bytes", func(p *moneykit.LinkSessionParams) { p.CustomerUser.ID = long(3) }, "customer_user.id"},
		{"user id of 150", func(p *moneykit.LinkSessionParams) { p.CustomerUser.ID = long(150) }, ""},
		{"user id of 151", func(p *moneykit.LinkSessionParams) { p.CustomerUser.ID = long(151) }, "customer_user.id"},
		{"no user id", func(p *moneykit.LinkSessionParams) { p.CustomerUser.ID = "" }, "customer_user.id"},
		{"email of 3", func(p *moneykit.LinkSessionParams) {
			p.CustomerUser.Email = &moneykit.CustomerUserEmail{Address: "a@b"}
		}, "customer_user.email.address"},
		{"email of 255", func(p *moneykit.LinkSessionParams) {
			p.CustomerUser.Email = &moneykit.CustomerUserEmail{Address: long(255)}
		}, "customer_user.email.address"},
		{"phone of 3", func(p *moneykit.LinkSessionParams) {
			p.CustomerUser.Phone = &moneykit.CustomerUserPhone{Number: "123"}
		}, "customer_user.phone.number"},
		{"phone of 31", func(p *moneykit.LinkSessionParams) {
			p.CustomerUser.Phone = &moneykit.CustomerUserPhone{Number: long(31)}
		}, "customer_user.phone.number"},

		{"no redirect URI", func(p *moneykit.LinkSessionParams) { p.RedirectURI = "" }, "redirect_uri"},
		{"redirect URI with a query", func(p *moneykit.LinkSessionParams) { p.RedirectURI += "?a=b" }, "redirect_uri"},
		{"redirect URI with a fragment", func(p *moneykit.LinkSessionParams) { p.RedirectURI += "#a" }, "redirect_uri"},
		{"relative redirect URI", func(p *moneykit.LinkSessionParams) { p.RedirectURI = "/oauth" }, "redirect_uri"},
		{"redirect URI with http", func(p *moneykit.LinkSessionParams) { p.RedirectURI = "http://example.com" }, "redirect_uri"},
		{"redirect URI on localhost", func(p *moneykit.LinkSessionParams) { p.RedirectURI = "http://localhost:3000" }, ""},
		{"redirect URI with an app's scheme", func(p *moneykit.LinkSessionParams) { p.RedirectURI = "myapp://oauth" }, ""},
		{"redirect URI of 65537", func(p *moneykit.LinkSessionParams) {
			p.RedirectURI = "https://example.com/" + strings.Repeat("a", 65537-20)
		}, "redirect_uri"},
		{"redirect URI of 65536", func(p *moneykit.LinkSessionParams) {
			p.RedirectURI = "https://example.com/" + strings.Repeat("a", 65536-20)
		}, ""},

		{"relative webhook", func(p *moneykit.LinkSessionParams) { p.Webhook = "/hook" }, "webhook"},
		{"webhook with an app's scheme", func(p *moneykit.LinkSessionParams) { p.Webhook = "myapp://hook" }, "webhook"},
		{"webhook without host", func(p *moneykit.LinkSessionParams) { p.Webhook = "https://" }, "webhook"},
		{"webhook of 65537", func(p *moneykit.LinkSessionParams) {
			p.Webhook = "https://example.com/" + strings.Repeat("a", 65537-20)
		}, "webhook"},
		{"tag of 99", func(p *moneykit.LinkSessionParams) { p.Tags = []string{"t" + long(98)} }, ""},
		{"tag of 100", func(p *moneykit.LinkSessionParams) { p.Tags = []string{"t", "t" + long(99)} }, "link_tags[1]"},
		{"empty tag", func(p *moneykit.LinkSessionParams) { p.Tags = []string{""} }, "link_tags[0] link_tags[0]"},
		{"tag with an accent first", func(p *moneykit.LinkSessionParams) { p.Tags = []string{"élan"} }, "link_tags[0]"},
		{"tag with a dash first", func(p *moneykit.LinkSessionParams) { p.Tags = []string{"-a"} }, "link_tags[0]"},

		{"sandbox account", account(ok), ""},
		{"empty sandbox account", account(moneykit.CustomSandboxAccount{}), "custom_sandbox_data.accounts[0].account_type " +
			"custom_sandbox_data.accounts[0].name custom_sandbox_data.accounts[0].account_number"},
		{"routing number", routing("011000015"), ""},
		{"routing number with a wrong check digit", routing("011000016"), "custom_sandbox_data.accounts[0].routing_number"},
		{"routing number that is too short", routing("01100001"), "custom_sandbox_data.accounts[0].routing_number"},
		{"routing number with a letter", routing("01100001X"), "custom_sandbox_data.accounts[0].routing_number"},
		{"routing number of zeros", routing("000000000"), "custom_sandbox_data.accounts[0].routing_number"},

		{"several fields", func(p *moneykit.LinkSessionParams) {
			p.CustomerUser.ID, p.RedirectURI, p.Tags = "", "", []string{"-"}
		}, "customer_user.id redirect_uri link_tags[0]"},
	}
}

func TestCreateRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range changedSessions() {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			mock := newMock(t)
			if tt.fields == "" {
				mock.RegisterResponder(http.MethodPost, testBase+"/link-session", answers(201, `{"link_session_token":"x"}`))
			}
			params := validSession()
			tt.change(&params)
			_, err := newClient(t, mock).LinkSessions.Create(t.Context(), params)
			if tt.fields == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, moneykit.ErrorCodeValidationFailed)
			var e *moneykit.Error
			require.ErrorAs(t, err, &e)
			var fields []string
			for _, f := range e.Fields {
				fields = append(fields, f.Field)
				assert.Contains(t, err.Error(), f.Field+" must ")
			}
			assert.Equal(t, tt.fields, strings.Join(fields, " "))
			assert.Zero(t, e.StatusCode)
			assert.Zero(t, mock.GetTotalCallCount(), "it is not sent")
		})
	}
}

func TestCreateFails(t *testing.T) {
	t.Parallel()
	mock := newMock(t)
	url := testBase + "/link-session"
	client := newClient(t, mock)
	mock.RegisterResponder(http.MethodPost, url, answers(201, `{}`))
	_, err := client.LinkSessions.Create(t.Context(), validSession())
	require.ErrorContains(t, err, "no link session token")
	mock.RegisterResponder(http.MethodPost, url,
		answers(403, `{"error_code":"link_session_error.forbidden_config","error_message":"Forbidden use of a Connect feature"}`))
	_, err = client.LinkSessions.Create(t.Context(), validSession())
	require.ErrorIs(t, err, moneykit.ErrorCodeLinkSessionForbiddenConfig)
	require.ErrorIs(t, err, moneykit.ErrForbidden)
}

func TestLinkSessionHidesItsToken(t *testing.T) {
	t.Parallel()
	session := &moneykit.LinkSession{Token: sessionToken}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("opened", "session", session)
	texts := log.String() + fmt.Sprintf("%v %+v %#v %s %v", session, session, session, session, *session)
	assert.NotContains(t, texts, sessionToken)
	out, err := json.Marshal(map[string]any{"a": []moneykit.LinkSession{*session}, "b": session})
	require.NoError(t, err)
	assert.JSONEq(t, `{"a":["link session"],"b":"link session"}`, string(out))
}
