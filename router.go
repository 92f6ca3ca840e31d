package moneykit

import "context"

// Router hands each event to the function for its type, so that a program lists what it handles:
//
//	router := moneykit.Router{
//		LinkStateChanged:      links.changed,
//		TransactionsAvailable: ledger.sync,
//	}
//	mux.Handle("POST /webhooks/moneykit", client.Webhooks.Handler(router.Handle))
//
// An event without a function goes to Default, and without that it is of no interest: it is
// acknowledged.
type Router struct {
	LinkStateChanged      func(ctx context.Context, event *LinkStateChanged) error
	ProductRefreshed      func(ctx context.Context, event *ProductRefreshed) error
	TransactionsAvailable func(ctx context.Context, event *TransactionsAvailable) error
	// Default gets all other events, among them each [*UnknownEvent].
	Default func(ctx context.Context, event Event) error
}

// Handle calls the function for an event and returns what it returns.
func (r *Router) Handle(ctx context.Context, event Event) error {
	switch e := event.(type) {
	case *LinkStateChanged:
		if r.LinkStateChanged != nil {
			return r.LinkStateChanged(ctx, e)
		}
	case *ProductRefreshed:
		if r.ProductRefreshed != nil {
			return r.ProductRefreshed(ctx, e)
		}
	case *TransactionsAvailable:
		if r.TransactionsAvailable != nil {
			return r.TransactionsAvailable(ctx, e)
		}
	}
	if r.Default != nil {
		return r.Default(ctx, event)
	}
	return nil
}
