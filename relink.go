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
	// RedirectURI is the URL to which a bank with OAuth sends the user back; see
	// [ValidateRedirectURI].
	RedirectURI string
	// Webhook and Tags replace the link's webhook and tags if they are set or cleared. By default
	// the link keeps its own.
	Webhook Field[string]
	Tags    Field[[]string]
	// Settings name the products to add; nil adds none. MoneyKit does not change the settings of
	// products that the link already has.
	Settings *LinkSessionSettings
	// ConnectFeatures turns on optional features of Connect.
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
// not changed, it returns the same session. A double click therefore opens one session. After
// [LinkSessionsService.Finish] was called with the result of a session, Relink opens a new one.
// Only the same client remembers sessions; other clients and processes open new ones.
//
// It returns an error that matches
//
//   - [ErrLinkNotOwned] if the link is not one of the user's, or if it was deleted and MoneyKit no
//     longer lists it;
//   - [ErrLinkDeleted] if the link was deleted and MoneyKit still lists it;
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
	// The check of the owner comes first, so that a user neither learns about another user's link
	// nor uses up its rate limit. The link is read as well, because MoneyKit does not publish
	// whether the list of a user's links has current webhooks and tags.
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

// session returns the link session for link. It has the link's webhook and tags unless p replaces
// them.
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

// relinkReuse is how long Relink may return the same session again. It is short because Connect
// accepts a session once, and MoneyKit does not report whether it was used.
const relinkReuse = time.Minute

// maxRemembered limits how many entries each cache of a client has.
const maxRemembered = 10_000

// userLink is a user and the id of a link. The user may not own the link.
type userLink struct{ user, link string }

// openRelink is a relink session that was opened recently.
type openRelink struct {
	session LinkSession
	body    string // the JSON body of the request that opened it
	at      time.Time
}

// leftRelink discards the session of a relink that has ended. If the platform does not report the
// link id, it discards all sessions that the user has opened so far.
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
