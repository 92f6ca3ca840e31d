package moneykit

import (
	"context"
	"time"
)

// Refresh asks MoneyKit to fetch products from the bank, and returns the link as it is before the
// refresh. The data arrives later: wait for the event product.state_changed, or call
// [ProductsService.Wait] with the returned link.
//
// It returns an error that matches
//
//   - [ErrRateLimited] if it is too early for another refresh. Accounts and transactions can be
//     refreshed hourly, other products daily, and some banks allow it only at certain hours;
//   - [ErrForbidden] if the user did not permit a product;
//   - [ErrorCodeLinkBadState] if the link cannot be used, and also [ErrRelinkRequired] if the user
//     must relink; [Error.LinkError] has the reason;
//   - [ErrLinkDeleted] or [ErrNotFound] if the link is gone;
//   - [ErrorCodeValidationFailed] if products is empty.
//
// Retried only after 429, and only if the wait is at most [RetryPolicy].MaxWait.
//
// API operation: refresh_products (POST /links/{id}/products).
func (s *ProductsService) Refresh(ctx context.Context, linkID string, products []Product, opts ...CallOption) (*Link, error) {
	r := newRefreshProductsRequest(linkID, struct {
		Products []Product `json:"products"`
	}{products})
	if len(products) == 0 {
		r.wrong.add("products", "must have at least one product")
	}
	return call[Link](ctx, s.core, r, opts)
}

// Wait reads a link every five seconds until MoneyKit has tried to refresh each of the products
// since before, which is the link that [ProductsService.Refresh] returned. It returns the link. If
// the link does not have one of the products yet, Wait waits until it does. Give ctx a deadline.
//
// It returns the link and an error
//
//   - that names the product whose refresh failed; [LinkedProduct].Error of the link is the reason;
//   - that matches [ErrorCodeLinkBadState], with [Error.LinkError], if the link cannot be used;
//   - that matches [ErrLinkDeleted] if the link is in [LinkStateDeleted];
//   - that matches the error of ctx if ctx ends between two reads.
//
// It returns only an error if a read fails. Other errors are those of [LinksService.Get]. Retried
// like any read.
//
// API operation: get_link (GET /links/{id}), 15 calls a minute for a link.
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

// refreshed reports whether MoneyKit has tried to refresh all products since before, and returns an
// error if an attempt failed.
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

// failure returns why the last attempt to refresh a product failed.
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

// get returns the entry of a product, nil if the link does not have the product.
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
