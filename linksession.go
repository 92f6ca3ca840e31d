package moneykit

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/moneykit/moneykit-go/internal/plain"
)

// Create opens a link session for one end user. Pass its token to the front end, which starts
// Connect with it; each run of Connect needs a new session.
//
// With ExistingLinkID the session repairs or extends that link. MoneyKit then replaces the link's
// webhook and tags by those of params, and removes them if params has none.
// [LinkSessionsService.Relink] keeps them.
//
// It returns an error that matches
//
//   - [ErrorCodeValidationFailed], with [Error.Fields], if params breaks one of MoneyKit's
//     published limits; the request is then not sent;
//   - [ErrorCodeLinkSessionForbiddenConfig] if the application may not open such a session, for
//     example because the origin of the redirect URI is not registered;
//   - [ErrUnauthorized].
//
// Retried only after 429.
//
// API operation: create_link_session (POST /link-session), 20 calls a minute for a user, 1,200 for
// an application.
func (s *LinkSessionsService) Create(ctx context.Context, params LinkSessionParams, opts ...CallOption) (*LinkSession, error) {
	params.CustomSandboxData = params.CustomSandboxData.withLists()
	r := newCreateLinkSessionRequest(params)
	params.check(&r.wrong)
	session, err := call[LinkSession](ctx, s.core, r, opts)
	if err == nil && session.Token == "" {
		return nil, &Error{Operation: r.operation, why: "the response contains no link session token"}
	}
	return session, err
}

// String returns a fixed text without the token: anyone who has the token can act as the user in
// Connect.
func (s LinkSession) String() string { return "link session" }

// Format writes [LinkSession.String] for every verb of fmt.
func (s LinkSession) Format(f fmt.State, verb rune) { plain.Format(f, verb, s.String()) }

// LogValue returns [LinkSession.String], for log/slog.
func (s LinkSession) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText returns [LinkSession.String], for encoders such as the JSON handler of log/slog. Send
// the field Token to the front end, not the session.
func (s LinkSession) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// check adds the fields that MoneyKit would refuse.
func (p *LinkSessionParams) check(f *fieldErrors) {
	p.CustomerUser.check("customer_user", f)
	if len(p.RedirectURI) > maxURL {
		f.length("redirect_uri", p.RedirectURI, 1, maxURL)
	} else if err := ValidateRedirectURI(p.RedirectURI); err != nil {
		f.add("redirect_uri", "%v", err)
	}
	if p.Webhook != "" {
		f.webhook("webhook", p.Webhook)
	}
	f.tags("link_tags", p.Tags)
	if p.CustomSandboxData != nil {
		p.CustomSandboxData.check("custom_sandbox_data", f)
	}
}

// withLists returns a copy whose required lists are empty rather than nil, because nil would be
// sent as null.
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
