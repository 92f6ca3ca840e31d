package transport

import (
	"context"
	"sync/atomic"
)

// info is the data that the requests of one call share. It is a context of its own, which saves
// allocations.
type info struct {
	context.Context //nolint:containedctx // An info is a context.

	operation string
	limit     int64        // maximum size of a response body in bytes, 0 for the limit of the Wire
	redirects atomic.Int32 // number of redirects followed so far
}

type infoKey struct{}

func (i *info) Value(key any) any {
	if key == (infoKey{}) {
		return i
	}
	return i.Context.Value(key)
}

// infoFrom returns the info of the call that ctx belongs to, nil if there is none.
func infoFrom(ctx context.Context) *info {
	i, _ := ctx.Value(infoKey{}).(*info)
	return i
}

// WithCall returns the context for the requests of one call. It counts the redirects of all these
// requests together, and limits their responses to limit bytes unless limit is 0.
func WithCall(ctx context.Context, operation string, limit int64) context.Context {
	return &info{Context: ctx, operation: operation, limit: limit}
}

// OperationFrom returns the operation of the call that ctx belongs to.
func OperationFrom(ctx context.Context) (string, bool) {
	if i := infoFrom(ctx); i != nil {
		return i.operation, true
	}
	return "", false
}
