package moneykittest

import (
	"net/http"
	"time"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/api"
)

// Fault is a way for a request to fail; see [Server.Fail]. Its fields combine. Without Status,
// Code, LinkError and Reset the server handles the request, and the fault changes when and how the
// response comes. The zero Fault responds with 500.
//
// Its JSON has the names in the tags of the fields. The latency is text such as "1.5s", and header
// an object with a list of values for each name. Other members are an error.
type Fault struct {
	// Status is the status of the response; the request is not handled. Without a Code the body is
	// the name of the status as plain text, as a proxy might send it.
	Status int `json:"status,omitempty"`
	// Code is the error code of a response in MoneyKit's JSON; the request is not handled. Without
	// a Status the response has the status that MoneyKit sends with the code. With the code of a
	// malformed request it has validation_errors.
	Code moneykit.ErrorCode `json:"code,omitempty"`
	// LinkError is the link error of such a response. Without a Code it is link_error.bad_state.
	LinkError moneykit.LinkError `json:"link_error,omitempty"`
	// Header is added to the response, for example Retry-After.
	Header http.Header `json:"header,omitempty"`
	// Body replaces the body of the response. Without a ContentType it is sent as application/json
	// if it is JSON, and else as text/html.
	Body string `json:"body,omitempty"`
	// ContentType replaces the media type of the response.
	ContentType string `json:"content_type,omitempty"`
	// Latency delays the request, before anything else happens to it.
	Latency time.Duration `json:"latency,omitempty"`
	// Reset ends the connection without a response.
	Reset Reset `json:"reset,omitempty"`
	// Truncate ends the connection in the middle of the response's body, if it has one.
	Truncate bool `json:"truncate,omitempty"`
}

// Reset says when a connection ends. As text it is before, after, or empty for NoReset.
type Reset int

// The moments.
const (
	NoReset     Reset = Reset(api.NoReset)
	ResetBefore Reset = Reset(api.ResetBefore) // before the request is handled
	ResetAfter  Reset = Reset(api.ResetAfter)  // when the request has been handled: only its response is lost
)

// Fail makes the next n requests of an operation fail, or all following ones if n is negative.
// Operations are named by their ids in the API, such as "get_link". "" stands for all requests,
// including those for access tokens and those without an operation. The faults of an operation form
// a queue, and precede those of "". With n = 0 the queue of the operation is emptied. An unknown
// operation is reported to the test.
func (s *Server) Fail(operation string, n int, fault Fault) {
	err := s.core().API.Fail(operation, n, api.Fault{
		Status: fault.Status, Code: fault.Code, LinkError: fault.LinkError,
		Header: fault.Header, Body: fault.Body, ContentType: fault.ContentType,
		Latency: fault.Latency, Reset: api.Reset(fault.Reset), Truncate: fault.Truncate,
	})
	if err != nil {
		s.core().errorf("%v", err)
	}
}
