package moneykit

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"unicode/utf8"

	"github.com/moneykit/moneykit-go/internal/plain"
	"github.com/moneykit/moneykit-go/internal/weburl"
)

// Limits that MoneyKit publishes for a link session, in characters.
const (
	minUserID, maxUserID = 4, 150
	minEmail, maxEmail   = 4, 254
	minPhone, maxPhone   = 4, 30
	maxURL               = 65536
	maxTag               = 99
)

// Create opens a link session for one end user. Hand its token to the front end, which starts
// Connect with it; each opening of Connect needs a new one.
//
// The request is checked first: what breaks a published limit fails with
// [ErrorCodeValidationFailed] and [Error.Fields], and is not sent. MoneyKit fails it with
// [ErrorCodeLinkSessionForbiddenConfig], for example for a redirect URI whose origin is not
// registered, or [ErrUnauthorized]. It is repeated after 429 only.
//
// With ExistingLinkID the session repairs or extends that link. MoneyKit then removes the link's
// webhook and tags unless they are sent again.
//
// API operation: create_link_session (POST /link-session), 20 calls a minute for a user, 1,200
// for an application.
func (s *LinkSessionsService) Create(ctx context.Context, params LinkSessionParams, opts ...CallOption) (*LinkSession, error) {
	params.CustomSandboxData = params.CustomSandboxData.withLists()
	r, err := newCreateLinkSessionRequest(params)
	if err != nil {
		return nil, err
	}
	if err := invalid(r.operation, params.check()); err != nil {
		return nil, err
	}
	r.secrets = params.CustomerUser.personal()
	session, err := call[LinkSession](ctx, s.core, r, nil, opts)
	if err == nil && session.Token == "" {
		return nil, &Error{Operation: r.operation, Message: "the answer holds no link session token"}
	}
	return session, err
}

// String hides the token, which lets whoever has it act as the user in Connect.
func (s LinkSession) String() string { return "link session" }

// GoString is [LinkSession.String], for %#v.
func (s LinkSession) GoString() string { return s.String() }

// LogValue is [LinkSession.String], for log/slog.
func (s LinkSession) LogValue() slog.Value { return slog.StringValue(s.String()) }

// fieldErrors collects what is wrong with a request.
type fieldErrors []FieldError

func (f *fieldErrors) add(field, format string, args ...any) {
	*f = append(*f, FieldError{Field: field, Message: fmt.Sprintf(format, args...)})
}

// length checks a required text by its number of characters, as MoneyKit counts them.
func (f *fieldErrors) length(field, value string, least, most int) {
	if n := utf8.RuneCountInString(value); n < least || n > most {
		f.add(field, "must have %d to %d characters, not %d", least, most, n)
	}
}

// check returns what MoneyKit would refuse.
func (p *LinkSessionParams) check() []FieldError {
	var f fieldErrors
	p.CustomerUser.check("customer_user", &f)
	if p.RedirectURI == "" {
		f.add("redirect_uri", "must not be empty")
	} else {
		f.length("redirect_uri", p.RedirectURI, 1, maxURL)
		if err := ValidateRedirectURI(p.RedirectURI); err != nil {
			f.add("redirect_uri", "%v", err)
		}
	}
	if p.Webhook != "" {
		checkWebhook("webhook", p.Webhook, &f)
	}
	checkTags("link_tags", p.Tags, &f)
	if p.CustomSandboxData != nil {
		p.CustomSandboxData.check("custom_sandbox_data", &f)
	}
	return f
}

func (u *CustomerUser) check(field string, f *fieldErrors) {
	f.length(field+".id", u.ID, minUserID, maxUserID)
	if u.Email != nil {
		f.length(field+".email.address", u.Email.Address, minEmail, maxEmail)
	}
	if u.Phone != nil {
		f.length(field+".phone.number", u.Phone.Number, minPhone, maxPhone)
	}
}

// personal returns what must not show in an error.
func (u *CustomerUser) personal() []string {
	found := []string{u.ID}
	if u.Email != nil {
		found = append(found, u.Email.Address)
	}
	if u.Phone != nil {
		found = append(found, u.Phone.Number)
	}
	return found
}

// checkWebhook refuses what MoneyKit could not deliver to.
func checkWebhook(field, webhook string, f *fieldErrors) {
	f.length(field, webhook, 1, maxURL)
	if err := weburl.CheckWebhook(webhook); err != nil {
		f.add(field, "%v", err)
	}
}

func checkTags(field string, tags []string, f *fieldErrors) {
	for i, tag := range tags {
		at := fmt.Sprintf("%s[%d]", field, i)
		if tag == "" || !strings.Contains(plain.Alphanumeric, tag[:1]) {
			f.add(at, "must begin with a letter from A to Z or a digit")
		}
		f.length(at, tag, 1, maxTag)
	}
}

func (d *CustomSandboxData) check(field string, f *fieldErrors) {
	for i, owner := range d.Owners {
		for j, phone := range owner.PhoneNumbers {
			if phone.Type == "" {
				f.add(fmt.Sprintf("%s.owners[%d].phone_numbers[%d].type", field, i, j), "must not be empty")
			}
		}
	}
	for i, account := range d.Accounts {
		at := fmt.Sprintf("%s.accounts[%d].", field, i)
		for _, required := range []struct{ name, value string }{
			{"account_type", account.AccountType},
			{"name", account.Name},
			{"account_number", account.AccountNumber},
		} {
			if strings.TrimSpace(required.value) == "" {
				f.add(at+required.name, "must not be empty")
			}
		}
		if n := account.RoutingNumber; n != "" && !validABA(n) {
			f.add(at+"routing_number", "must be nine digits, the last of them a valid ABA check digit")
		}
	}
}

// validABA reports whether n is a routing number: nine digits whose sum, weighted 3, 7, 1 in
// turn, is a multiple of ten.
func validABA(n string) bool {
	if len(n) != 9 {
		return false
	}
	sum := 0
	for i, weight := range []int{3, 7, 1, 3, 7, 1, 3, 7, 1} {
		if n[i] < '0' || n[i] > '9' {
			return false
		}
		sum += weight * int(n[i]-'0')
	}
	return sum%10 == 0 && n != "000000000"
}

// withLists returns a copy whose required lists are empty rather than nil, which would be sent
// as null.
func (d *CustomSandboxData) withLists() *CustomSandboxData {
	if d == nil {
		return nil
	}
	c := *d
	c.Accounts = list(c.Accounts)
	if c.Owners != nil {
		c.Owners = append([]Owner(nil), c.Owners...)
	}
	for i := range c.Owners {
		o := &c.Owners[i]
		o.Names, o.Addresses = list(o.Names), list(o.Addresses)
		o.PhoneNumbers, o.Emails = list(o.PhoneNumbers), list(o.Emails)
	}
	return &c
}

// list returns s, or an empty slice for nil.
func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
