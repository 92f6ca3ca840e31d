package moneykit

import (
	"context"
	"encoding/json"
	"errors"
	"time"
)

// Why a link is not relinked, or waited for, for [errors.Is].
var (
	// ErrRelinkNotNeeded: the link is connected, and nothing is to be added to it.
	ErrRelinkNotNeeded = errors.New("moneykit: the link is connected")
	// ErrLinkConnecting: the link is not connected yet. Look again soon.
	ErrLinkConnecting = errors.New("moneykit: the link is not connected yet")
)

// RelinkParams describes how a link is repaired or extended. User and redirect URI are required.
type RelinkParams struct {
	// CustomerUser is the user whose link it is.
	CustomerUser CustomerUser
	// RedirectURI is where a bank with OAuth sends the user back; see [ValidateRedirectURI].
	RedirectURI string
	// Webhook and Tags are as the link has them, unless they are set or cleared.
	Webhook Field[string]
	Tags    Field[[]string]
	// Settings name products to add. MoneyKit keeps the settings of those that the link has.
	Settings *LinkSessionSettings
	// ConnectFeatures turns on parts of Connect.
	ConnectFeatures *ConnectFeatures
	// EvenConnected opens a session also for a link that is connected and gets no products, so that
	// the user can share more accounts.
	EvenConnected bool
}

// Relink opens a link session in which a user repairs one of their links, or permits more of it.
// Its token starts Connect's relink. It reads the link first and sends its webhook and tags along,
// which MoneyKit would remove otherwise.
//
// Asked again within a minute, for the same user and link and with nothing changed, it returns the
// same session: a double click opens one. A session is no longer returned once
// [LinkSessionsService.Finish] has been called with its result.
//
// It fails with [ErrLinkNotOwned], also for a deleted link that MoneyKit no longer shows among the
// user's, [ErrLinkDeleted], [ErrRelinkNotNeeded] for a link that is connected, and like
// [LinkSessionsService.Create].
//
// API operations: get_user_links (GET /users/{id}/links), get_link (GET /links/{id}),
// create_link_session (POST /link-session).
func (s *LinkSessionsService) Relink(ctx context.Context, linkID string, params RelinkParams, opts ...CallOption) (*LinkSession, error) {
	wrong := newGetLinkRequest(linkID).wrong
	wrong.userID("customer_user.id", params.CustomerUser.ID)
	if err := invalid(relinking, wrong); err != nil {
		return nil, err
	}
	key := userLink{params.CustomerUser.ID, linkID}
	release, err := s.core.relinking.Acquire(ctx, key.user+"\x00"+key.link)
	if err != nil {
		return nil, &Error{Operation: relinking, err: err}
	}
	defer release()

	link, err := s.relinkable(ctx, linkID, params, opts)
	if err != nil {
		return nil, err
	}
	session := params.session(link)
	body, err := json.Marshal(session)
	if err != nil {
		return nil, &Error{Operation: relinking, err: err}
	}
	if open, ok := s.core.relinks.Get(key); ok && open.body == string(body) && s.core.unused(key.user, open) {
		return &open.session, nil
	}
	at := time.Now()
	opened, err := s.Create(ctx, session, opts...)
	if err != nil {
		return nil, err
	}
	s.core.relinks.Put(key, openRelink{*opened, string(body), at})
	return opened, nil
}

// relinkable returns the user's link, if it can be relinked.
func (s *LinkSessionsService) relinkable(ctx context.Context, linkID string, params RelinkParams, opts []CallOption) (*Link, error) {
	// First, so that nobody learns of another's link or uses up what may be read of it. Whether the
	// user's links show webhooks and tags as they are now is not published.
	if err := s.owned(ctx, params.CustomerUser.ID, linkID, opts); err != nil {
		return nil, err
	}
	link, err := (&LinksService{s.core}).Get(ctx, linkID, opts...)
	if err != nil {
		return nil, err
	}
	if link.State == LinkStateDeleted {
		return nil, &Error{Operation: relinking, Code: ErrorCodeLinkDeleted}
	}
	if link.State == LinkStateConnected && params.Settings == nil && !params.EvenConnected {
		return nil, &Error{Operation: relinking, class: ErrRelinkNotNeeded}
	}
	return link, nil
}

// session returns the link session that keeps what the link has.
func (p *RelinkParams) session(link *Link) LinkSessionParams {
	out := LinkSessionParams{
		CustomerUser:    p.CustomerUser,
		RedirectURI:     p.RedirectURI,
		ExistingLinkID:  link.ID,
		Settings:        p.Settings,
		ConnectFeatures: p.ConnectFeatures,
	}
	if p.Webhook.IsZero() {
		out.Webhook = link.Webhook
	} else {
		out.Webhook, _ = p.Webhook.Get()
	}
	switch {
	case !p.Tags.IsZero():
		out.Tags, _ = p.Tags.Get()
	case len(link.Tags) > 0:
		out.Tags = link.Tags
	default:
		out.Tags = link.DeprecatedTags
	}
	return out
}

const relinking = "relinking"

// relinkReuse is how long a relink session is given out again. Connect opens with each only once,
// and nobody tells whether it has.
const relinkReuse = time.Minute

// maxRemembered bounds how many links of users a client remembers for each purpose.
const maxRemembered = 10_000

// userLink is a link as a user names it, who may not own it.
type userLink struct{ user, link string }

// openRelink is a relink session that was opened lately.
type openRelink struct {
	session LinkSession
	body    string // of the request
	at      time.Time
}

// leftRelink forgets the session of a relink that has ended. Not every platform says which link it
// was; then all sessions that the user has opened so far are too old.
func (c *core) leftRelink(userID, linkID string) {
	if linkID == "" {
		c.exits.Put(userID, time.Now())
		return
	}
	c.relinks.Delete(userLink{userID, linkID})
}

// unused reports whether the session was opened after the user last left a relink.
func (c *core) unused(userID string, open openRelink) bool {
	left, ok := c.exits.Get(userID)
	return !ok || open.at.After(left)
}
