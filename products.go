package moneykit

import (
	"context"
	"time"
)

// Refresh asks MoneyKit to fetch products from the bank, and returns the link as it is before
// that. The data comes later: an event tells, or [ProductsService.Wait] with the link returned.
//
// It fails with [ErrorCodeValidationFailed] without products, [ErrRateLimited] when it is too soon
// (accounts and transactions can be fetched hourly, other products daily, and some banks open
// their doors at certain hours only), [ErrForbidden], [ErrRelinkRequired] or
// [ErrorCodeLinkBadState], [ErrLinkDeleted] and [ErrNotFound]. It is repeated after 429 only, and
// then only if the wait is within [RetryPolicy].MaxWait.
//
// API operation: refresh_products (POST /links/{id}/products).
func (s *ProductsService) Refresh(ctx context.Context, linkID string, products []Product, opts ...CallOption) (*Link, error) {
	r := newRefreshProductsRequest(linkID, struct {
		Products []Product `json:"products"`
	}{products})
	if len(products) == 0 {
		r.wrong.add("products", "must have one product at least")
	}
	return call[Link](ctx, s.core, r, opts)
}

// Wait reads a link every five seconds until each of the products has been attempted anew since
// before, which [ProductsService.Refresh] returned, and returns the link. A product that the link
// does not have is waited for until it does. Give ctx a deadline.
//
// When an attempt has failed, it fails with an [*Error] that says so, and returns the link
// nevertheless: the product's Error has the reason. When the link breaks meanwhile it fails with
// [ErrorCodeLinkBadState] and [Error.LinkError], so that [ErrRelinkRequired] matches where that
// helps; when it is deleted with [ErrLinkDeleted]. It fails with what ctx ends with. Reads are
// repeated like those of [LinksService.Get].
func (s *ProductsService) Wait(ctx context.Context, before *Link, products []Product, opts ...CallOption) (*Link, error) {
	if before == nil {
		return nil, invalid(waitingForProducts, []FieldError{{Field: "before", Message: "must not be nil"}})
	}
	links := &LinksService{s.core}
	for {
		link, err := links.Get(ctx, before.ID, opts...)
		if err != nil {
			return nil, err
		}
		switch link.State {
		case LinkStateError:
			return link, &Error{Operation: waitingForProducts, Code: ErrorCodeLinkBadState, LinkError: link.Error}
		case LinkStateDeleted:
			return link, &Error{Operation: waitingForProducts, Code: ErrorCodeLinkDeleted}
		case LinkStateConnected, LinkStateConnecting, LinkStateAwaitingTokenExchange:
		}
		if done, err := refreshed(before, link, products); done {
			return link, err
		}
		if err := pollPause(ctx); err != nil {
			return link, &Error{Operation: waitingForProducts, err: err}
		}
	}
}

// refreshed reports whether all products have been attempted since before, and which attempt
// failed.
func refreshed(before, now *Link, products []Product) (bool, error) {
	var failure error
	for _, product := range products {
		old, current := before.Products.get(product), now.Products.get(product)
		if current == nil {
			return false, nil
		}
		var refreshedAt, attemptedAt time.Time
		if old != nil {
			refreshedAt, attemptedAt = old.RefreshedAt.Time, old.LastAttemptedAt.Time
		}
		switch {
		case current.RefreshedAt.After(refreshedAt):
		case current.LastAttemptedAt.After(attemptedAt) && current.Error != "":
			failure = &Error{Operation: waitingForProducts, why: current.failure(product)}
		default:
			return false, nil
		}
	}
	return true, failure
}

// failure says why the last attempt to refresh a product failed.
func (p *LinkedProduct) failure(product Product) string {
	why := p.Error.advice().why
	if why == "" {
		why = "for a reason that this package does not know"
	}
	if !product.Known() {
		return "the refresh failed: " + why
	}
	return "the refresh of " + string(product) + " failed: " + why
}

const waitingForProducts = "waiting for products"

// get returns the entry of a product, nil if the link does not have it.
func (p *LinkProducts) get(product Product) *LinkedProduct {
	switch product {
	case ProductAccounts:
		return p.Accounts
	case ProductAccountNumbers:
		return p.AccountNumbers
	case ProductIdentity:
		return p.Identity
	case ProductTransactions:
		return p.Transactions
	case ProductInvestments:
		return p.Investments
	case ProductEnrichment:
		return p.Enrichment
	}
	return nil
}
