package api

import (
	"net/http"
	"slices"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// usable returns the link of a request that reads a product. If the product cannot be read, it
// returns the response to send.
func (q *call) usable(p moneykit.Product) (*world.Link, reply, bool) {
	l := q.world.Find(q.PathValue("id"), q.now)
	if l == nil {
		return nil, noSuchLink(), false
	}
	switch l.State {
	case moneykit.LinkStateDeleted:
		return nil, deletedLink(), false
	case moneykit.LinkStateConnected:
	case moneykit.LinkStateError:
		return nil, badState(l.Reason), false
	default: // connecting, awaiting_token_exchange, or a made-up state from AddLink
		return nil, badState(moneykit.LinkErrorIncomplete), false
	}
	if l.Products[p] == nil {
		return nil, refuse(moneykit.ErrorCodeLinkForbiddenAction, "the user has not permitted %s", p), false
	}
	return l, reply{}, true
}

// existing returns the link of a request that does not read a product. If the link does not exist,
// it returns the response to send.
func (q *call) existing() (*world.Link, reply, bool) {
	l := q.world.Find(q.PathValue("id"), q.now)
	switch {
	case l == nil:
		return nil, noSuchLink(), false
	case l.State == moneykit.LinkStateDeleted:
		return nil, deletedLink(), false
	}
	q.world.Touch(l)
	return l, reply{}, true
}

func noSuchLink() reply {
	return refuse(moneykit.ErrorCodeLinkNotFound, "there is no such link")
}

func deletedLink() reply {
	return refuse(moneykit.ErrorCodeLinkDeleted, "the link has been deleted")
}

// linkCursor is a position in the list of links.
type linkCursor struct {
	Number int `json:"number"` // number of the last link
}

// getLinks handles get_links. The links are in the order in which they were created. MoneyKit does
// not promise an order.
func (a *API) getLinks(q *call) reply {
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
	for l := range q.world.LinksAfter(at.Number, q.now) {
		if l.State != moneykit.LinkStateConnected || !l.HasData() {
			continue
		}
		if len(page) == limit {
			next = writeCursor(at)
			break
		}
		page = append(page, moneykit.LinkRef{ID: l.ID, CreatedAt: world.Stamp(l.Created)})
		at.Number = l.Number
	}
	return answer(http.StatusOK, struct {
		Links []moneykit.LinkRef `json:"links"`
		Next  string             `json:"next_cursor"`
	}{page, next})
}

// getLink handles get_link. MoneyKit's documentation contains both 200 and 410 for deleted links.
// This is the status that its text describes.
func (a *API) getLink(q *call) reply {
	l := q.world.Find(q.PathValue("id"), q.now)
	if l == nil {
		return noSuchLink()
	}
	return answer(http.StatusOK, wire(l))
}

// updateLink handles update_link.
func (a *API) updateLink(q *call) reply {
	var params struct {
		moneykit.LinkUpdateParams

		Tags moneykit.Field[[]string] `json:"tags"` // deprecated, but accepted
	}
	check := object(optional("webhook", text(1, 65536)), present("link_tags", list(tag())), optional("tags", list(tag())))
	if rep, ok := q.read(check, &params); !ok {
		return rep
	}
	l, rep, ok := q.existing()
	if !ok {
		return rep
	}
	if webhook, ok := params.Webhook.Get(); ok || params.Webhook.IsClear() {
		l.Webhook = webhook
	}
	tags, ok := params.LinkUpdateParams.Tags.Get()
	if !ok {
		tags, ok = params.Tags.Get()
	}
	if ok {
		l.Tags = slices.Clone(tags)
	}
	return answer(http.StatusOK, wire(l))
}

// deleteLink handles delete_link.
func (a *API) deleteLink(q *call) reply {
	l, rep, ok := q.existing()
	if !ok {
		return rep
	}
	q.world.Delete(l, q.now)
	return answer(http.StatusNoContent, nil)
}

// resetLink handles reset_link.
func (a *API) resetLink(q *call) reply {
	l, rep, ok := q.existing()
	if !ok {
		return rep
	}
	if l.State != moneykit.LinkStateConnected && l.State != moneykit.LinkStateError {
		return badState(moneykit.LinkErrorIncomplete)
	}
	q.world.Reset(l, q.now)
	return answer(http.StatusOK, wire(l))
}

// getUserLinks handles get_user_links. The list does not contain deleted links. Whether MoneyKit's
// list does is not published.
func (a *API) getUserLinks(q *call) reply {
	links := map[string]wireLink{}
	for _, l := range q.world.LinksOf(q.PathValue("id"), q.now) {
		links[l.ID] = wire(l)
	}
	return answer(http.StatusOK, map[string]map[string]wireLink{"links": links})
}

// refreshProducts handles refresh_products.
func (a *API) refreshProducts(q *call) reply {
	var params struct {
		Products []moneykit.Product `json:"products"`
	}
	if rep, ok := q.read(object(required("products", nonempty(known[moneykit.Product]()))), &params); !ok {
		return rep
	}
	var l *world.Link
	for _, p := range params.Products {
		var rep reply
		var ok bool
		if l, rep, ok = q.usable(p); !ok {
			return rep
		}
	}
	if rep, ok := a.checkRefresh(l, params.Products, q.now); !ok {
		return rep
	}
	before := wire(l)
	q.world.Schedule(l, params.Products, q.now)
	return answer(http.StatusAccepted, before)
}
