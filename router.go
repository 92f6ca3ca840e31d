package moneykit

import "context"

// Router calls the function for the type of an event. Its fields list the events that a program
// handles:
//
//	router := moneykit.Router{
//		LinkStateChanged:      links.changed,
//		TransactionsAvailable: ledger.sync,
//	}
//	mux.Handle("POST /webhooks/moneykit", client.Webhooks.Handler(router.Handle))
//
// An event without a function goes to Default. If Default is nil, the event is acknowledged and
// ignored.
type Router struct {
	LinkStateChanged      func(ctx context.Context, event *LinkStateChanged) error
	ProductRefreshed      func(ctx context.Context, event *ProductRefreshed) error
	TransactionsAvailable func(ctx context.Context, event *TransactionsAvailable) error
	// Default handles the events without a function of their own, including each [*UnknownEvent].
	Default func(ctx context.Context, event Event) error
}

// Handle calls the function for an event and returns its result.
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
