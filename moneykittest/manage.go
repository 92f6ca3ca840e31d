package moneykittest

import (
	"net/http"
	"slices"

	"github.com/moneykit/moneykit-go"
)

// existing returns the link of a request that asks for no data, or the answer to send instead.
func (c *core) existing(q *call) (*link, reply, bool) {
	l := c.find(q.PathValue("id"), q.now)
	switch {
	case l == nil:
		return nil, noSuchLink(), false
	case l.state == moneykit.LinkStateDeleted:
		return nil, deletedLink(), false
	}
	return l, reply{}, true
}

// updateLink handles update_link.
func (c *core) updateLink(q *call) reply {
	var params struct {
		moneykit.LinkUpdateParams

		Tags moneykit.Field[[]string] `json:"tags"` // deprecated, but taken
	}
	check := object(optional("webhook", text(1, 65536)), present("link_tags", list(tag())), present("tags", list(tag())))
	if rep, ok := q.read(check, &params); !ok {
		return rep
	}
	l, rep, ok := c.existing(q)
	if !ok {
		return rep
	}
	if webhook, ok := params.Webhook.Get(); ok || params.Webhook.IsClear() {
		l.webhook = webhook
	}
	tags, ok := params.LinkUpdateParams.Tags.Get()
	if !ok {
		tags, ok = params.Tags.Get()
	}
	if ok {
		l.tags = slices.Clone(tags)
	}
	return answer(http.StatusOK, l.wire())
}

// resetLink handles reset_link. A link that is broken stays so, with this reason.
func (c *core) resetLink(q *call) reply {
	l, rep, ok := c.existing(q)
	if !ok {
		return rep
	}
	if l.state != moneykit.LinkStateConnected && l.state != moneykit.LinkStateError {
		return badState(moneykit.LinkErrorIncomplete)
	}
	c.become(l, moneykit.LinkStateError, moneykit.LinkErrorAuthExpired, q.now)
	return answer(http.StatusOK, l.wire())
}

// linkCursor is how far somebody has read in the list of links.
type linkCursor struct {
	Number int `json:"number"` // of the last link
}

// getLinks handles get_links. The list is in the order in which links were made, which MoneyKit
// does not promise.
func (c *core) getLinks(q *call) reply {
	params := q.query()
	limit := params.number("limit", 500, 5000, 1000)
	var at linkCursor
	if cursor := params.last("cursor"); cursor != "" && (!readCursor(cursor, &at) || at.Number <= 0) {
		params.wrong("cursor", "is not a cursor of this list", "value_error")
	}
	if rep, ok := params.reply(); !ok {
		return rep
	}
	page, next := []moneykit.LinkRef{}, ""
	for _, l := range c.allLinks(q.now) {
		if l.number <= at.Number || l.state != moneykit.LinkStateConnected || !l.hasData() {
			continue
		}
		if len(page) == limit {
			next = writeCursor(at)
			break
		}
		page = append(page, moneykit.LinkRef{ID: l.id, CreatedAt: stamp(l.created)})
		at.Number = l.number
	}
	return answer(http.StatusOK, struct {
		Links []moneykit.LinkRef `json:"links"`
		Next  string             `json:"next_cursor"`
	}{page, next})
}

// hasData reports whether anything was ever fetched for the link.
func (l *link) hasData() bool {
	for _, p := range l.products {
		if !p.refreshed.IsZero() {
			return true
		}
	}
	return false
}
