package moneykittest

import (
	"time"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/api"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// The test banks. MoneyKit publishes only the ID of the Credentials Bank. All servers also have the
// same 297 other institutions: chase, which MoneyKit uses in examples, and made-up ones.
const (
	// InstantBank needs no credentials.
	InstantBank = world.InstantBank
	// CredentialsBank needs a user name: user_good, or user_custom for the accounts in the link
	// session.
	CredentialsBank = world.CredentialsBank
	// OAuthBank sends the user to its own pages and back. [Server.Connect] includes this step, and
	// [Server.Authorize] stops before the user comes back.
	OAuthBank = world.OAuthBank
)

// LinkSpec describes a link for [Server.AddLink]. The zero value is a connected link of the user
// user_0001 at the Instant Bank, with all products and their data.
//
// The JSON members are named in the tags of the fields. Accounts have the form of the API.
type LinkSpec struct {
	UserID string `json:"user_id,omitempty"`
	// InstitutionID is one of this package's constants, or any other ID from
	// [moneykit.InstitutionsService.All]. The country of the institution determines currency,
	// account numbers and owners.
	InstitutionID string `json:"institution_id,omitempty"`
	// State is the link's state. Empty means connected or, with an Error, error.
	State moneykit.LinkState `json:"state,omitempty"`
	// Error is why the link is in state error. Empty means auth_expired in that state.
	Error   moneykit.LinkError `json:"error,omitempty"`
	Webhook string             `json:"webhook,omitempty"`
	Tags    []string           `json:"tags,omitempty"`
	// Products are the products of the link other than accounts. Nil means all.
	Products []moneykit.Product `json:"products"`
	// NotPermitted are products that the link does not have, even accounts.
	NotPermitted []moneykit.Product `json:"not_permitted,omitempty"`
	// Accounts are the accounts of the link. Nil means made-up ones. IDs may be empty.
	Accounts []moneykit.Account `json:"accounts"`
}

// AddLink creates a link in any state, without a link session and Connect, and returns it like
// [moneykit.LinksService.Get]. Its webhook gets no event for the creation, only for later changes.
// An institution that does not exist is reported to the test; the link is then at the Instant Bank.
func (s *Server) AddLink(spec LinkSpec) moneykit.Link {
	var link moneykit.Link
	var known bool
	var err error
	s.core().World.Do(func(w *world.World, now time.Time) {
		var added *world.Link
		added, known = w.AddLink(world.LinkSpec(spec), now)
		link, err = api.Link(added)
	})
	if !known {
		s.core().errorf("AddLink: there is no institution %q", spec.InstitutionID)
	}
	if err != nil {
		s.core().errorf("AddLink: %v", err)
	}
	return link
}

// Break puts a link into state error with reason, as when the user has changed the password
// (auth_expired) or the bank is down (institution_error). An empty reason connects it again. A link
// that does not exist or is deleted is reported to the test. The link's webhook gets an event; see
// [Server.Deliver].
func (s *Server) Break(linkID string, reason moneykit.LinkError) {
	s.change("Break", func(w *world.World, now time.Time) error { return w.Break(linkID, reason, now) })
}

// change changes the state, and reports the error of f to the test.
func (s *Server) change(method string, f func(*world.World, time.Time) error) {
	var err error
	s.core().World.Do(func(w *world.World, now time.Time) { err = f(w, now) })
	if err != nil {
		s.core().errorf("%s: %v", method, err)
	}
}
