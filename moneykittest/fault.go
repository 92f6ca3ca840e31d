package moneykittest

import (
	"net/http"
	"time"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/api"
)

// Fault describes how a request fails; see [Server.Fail]. Its fields combine. Without Status, Code,
// LinkError and Reset the server handles the request, and the fault changes the time or the form of
// the response. The zero Fault responds with 500.
//
// The JSON members are named in the tags of the fields. The latency is text such as "1.5s", and
// header an object with a list of values for each name. Other members are an error.
type Fault struct {
	// Status is the status of the response; the request is not handled. Without a Code the body is
	// the text of the status, as a proxy might send it.
	Status int `json:"status,omitempty"`
	// Code is the error code of a response in MoneyKit's JSON; the request is not handled. Without
	// a Status the response has the status that MoneyKit sends with the code. With the code of a
	// malformed request the response has validation_errors.
	Code moneykit.ErrorCode `json:"code,omitempty"`
	// LinkError is the link error of a response with a Code. Without a Code it is
	// link_error.bad_state.
	LinkError moneykit.LinkError `json:"link_error,omitempty"`
	// Header is added to the response, for example Retry-After.
	Header http.Header `json:"header,omitempty"`
	// Body replaces the body of the response. Without a ContentType its media type is
	// application/json if it is JSON, and otherwise text/html.
	Body string `json:"body,omitempty"`
	// ContentType replaces the media type of the response.
	ContentType string `json:"content_type,omitempty"`
	// Latency delays the request before the server handles it.
	Latency time.Duration `json:"latency,omitempty"`
	// Reset ends the connection without a response.
	Reset Reset `json:"reset,omitempty"`
	// Truncate ends the connection in the middle of the response's body, if it has one.
	Truncate bool `json:"truncate,omitempty"`
}

// Reset is the moment at which a connection ends. As text it is before, after, or empty for
// NoReset.
type Reset int

// The moments of a reset.
const (
	NoReset     Reset = Reset(api.NoReset)
	ResetBefore Reset = Reset(api.ResetBefore) // before the request is handled
	ResetAfter  Reset = Reset(api.ResetAfter)  // after the request is handled: only its response is lost
)

// Fail makes the next n requests of an operation fail, or all following requests if n is negative.
// An operation is its ID in the API, such as "get_link". "" means all requests, including requests
// for access tokens and requests without an operation. The faults of an operation form a queue,
// which comes before the queue of "". n = 0 empties the queue of the operation. An unknown
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
