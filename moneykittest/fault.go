package moneykittest

import (
	"net/http"
	"time"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/api"
)

// Fault is a way for a request to fail; see [Server.Fail]. Its fields combine. Without Status,
// Code, LinkError and Reset the request is handled, and the fault changes when and how the answer
// comes. The zero Fault answers 500.
type Fault struct {
	// Status is answered, and the request is not handled. The body is the status's name as plain
	// text, as a proxy might send it, unless there is a Code.
	Status int
	// Code is answered in MoneyKit's JSON, and the request is not handled. Without a Status it
	// comes with the one that MoneyKit has for it.
	Code moneykit.ErrorCode
	// LinkError is answered with Code, which is link_error.bad_state unless it is set.
	LinkError moneykit.LinkError
	// Header is added to the answer, for example Retry-After.
	Header http.Header
	// Body replaces the body of the answer. Unless there is a ContentType, it is sent as JSON if
	// that is what it is, and else as a page of HTML.
	Body string
	// ContentType replaces the answer's.
	ContentType string
	// Latency delays the request, before anything else happens to it.
	Latency time.Duration
	// Reset ends the connection without an answer.
	Reset Reset
	// Truncate ends the connection in the middle of the answer's body, if it has one.
	Truncate bool
}

// Reset says when a connection ends.
type Reset int

// The moments.
const (
	NoReset     = Reset(api.NoReset)
	ResetBefore = Reset(api.ResetBefore) // before the request is handled
	ResetAfter  = Reset(api.ResetAfter)  // when the request has been handled: only its answer is lost
)

// Fail lets the next n requests of an operation fail, or all if n is negative. Operations are
// named by their ids in the API, such as "get_link"; "" stands for any request at all, the
// client's own for an access token included. Faults of one operation queue up, and come before
// those of any. With n = 0 the operation has no faults any more. A name that is no operation's is
// reported to the test.
func (s *Server) Fail(operation string, n int, fault Fault) {
	err := s.core().api.Fail(operation, n, api.Fault{
		Status: fault.Status, Code: fault.Code, LinkError: fault.LinkError,
		Header: fault.Header, Body: fault.Body, ContentType: fault.ContentType,
		Latency: fault.Latency, Reset: api.Reset(fault.Reset), Truncate: fault.Truncate,
	})
	if err != nil {
		s.core().errorf("%v", err)
	}
}
