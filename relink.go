package moneykit

import (
	"context"
	"encoding/json"
	"errors"
	"time"
)

// Errors of [LinkSessionsService.Relink] and of waiting for a link, for [errors.Is].
var (
	// ErrRelinkNotNeeded: the link is connected, and the call adds nothing to it.
	ErrRelinkNotNeeded = errors.New("moneykit: the link is connected")
	// ErrLinkConnecting: the link is not connected yet. Look again soon.
	ErrLinkConnecting = errors.New("moneykit: the link is not connected yet")
)

// RelinkParams describes how to repair or extend a link. CustomerUser and RedirectURI are required.
type RelinkParams struct {
	// CustomerUser is the user who owns the link.
	CustomerUser CustomerUser
	// RedirectURI is where a bank with OAuth sends the user back; see [ValidateRedirectURI].
	RedirectURI string
	// Webhook and Tags replace those of the link if they are set or cleared. By default the link
	// keeps its own.
	Webhook Field[string]
	Tags    Field[[]string]
	// Settings name products to add. MoneyKit keeps the settings of products that the link has.
	Settings *LinkSessionSettings
	// ConnectFeatures turns on parts of Connect.
	ConnectFeatures *ConnectFeatures
	// EvenConnected allows relinking a connected link without adding products, so that the user can
	// share more accounts.
	EvenConnected bool
}

// Relink opens a link session in which a user repairs one of their links or adds products to it.
// Start Connect's relink with its token. Relink reads the link first and sends its webhook and tags
// again, because MoneyKit removes them otherwise.
//
// If Relink is called again within a minute with the same user, link and params, and the link has
// not changed, it returns the same session, so that a double click opens one session. It opens a
// new session once [LinkSessionsService.Finish] was called with the result of the last. Sessions
// are remembered in this client only, not in other processes.
//
// It returns an error that matches
//
//   - [ErrLinkNotOwned] if the link is not one of the user's, and for a deleted link that MoneyKit
//     no longer lists among them;
//   - [ErrLinkDeleted] for another deleted link;
//   - [ErrRelinkNotNeeded] for a connected link, unless params has Settings or EvenConnected.
//
// Other errors are those of [LinkSessionsService.Create]. Its reads are retried like any read;
// opening the session is retried only after 429.
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
	// This comes first, so that a user neither learns about another user's link nor uses up its
	// rate limit. MoneyKit does not publish whether the list of a user's links shows current
	// webhooks and tags, so the link is read as well.
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

// relinkReuse is how long a relink session is returned again. Connect accepts a session once, and
// MoneyKit does not report whether it was used.
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
