package moneykittest

import (
	"encoding/json"
	"maps"
	"net/http"
	"time"

	"github.com/moneykit/moneykit-go"
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
	NoReset     Reset = iota
	ResetBefore       // before the request is handled
	ResetAfter        // when the request has been handled: only its answer is lost
)

// plannedFault is a fault for the next n requests, for all if n is negative.
type plannedFault struct {
	n     int
	fault Fault
}

// Fail lets the next n requests of an operation fail, or all if n is negative. Operations are
// named by their ids in the API, such as "get_link"; "" stands for any request at all, the
// client's own for an access token included. Faults of one operation queue up, and come before
// those of any. With n = 0 the operation has no faults any more. A name that is no operation's is
// reported to the test.
func (s *Server) Fail(operation string, n int, fault Fault) {
	c := s.core()
	if operation != "" && !c.operations[operation] { // written only by New
		c.errorf("there is no operation %q to fail", operation)
		return
	}
	fault.Header = fault.Header.Clone()
	if fault.isZero() {
		fault.Status = http.StatusInternalServerError
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if n == 0 {
		delete(c.faults, operation)
		return
	}
	c.faults[operation] = append(c.faults[operation], plannedFault{n, fault})
}

func (f *Fault) isZero() bool {
	return f.Status == 0 && f.Code == "" && f.LinkError == "" && f.Header == nil && f.Body == "" &&
		f.ContentType == "" && f.Latency == 0 && f.Reset == NoReset && !f.Truncate
}

// nextFault returns what is planned for a request, if anything is.
func (c *core) nextFault(operation string) (Fault, bool) {
	names := []string{operation, ""}
	if operation == "" {
		names = names[:1] // a request without a route: it has no faults of its own
	}
	for _, name := range names {
		queue := c.faults[name]
		if len(queue) == 0 {
			continue
		}
		fault := queue[0].fault
		if queue[0].n--; queue[0].n == 0 {
			c.faults[name] = queue[1:]
		}
		return fault, true
	}
	return Fault{}, false
}

// reply returns the answer that the fault gives instead of handling the request.
func (f *Fault) reply(planned bool) (reply, bool) {
	if !planned || f.Reset == ResetAfter || (f.Status == 0 && f.Code == "" && f.LinkError == "") {
		return reply{}, false
	}
	code := f.Code
	if code == "" && f.LinkError != "" {
		code = moneykit.ErrorCodeLinkBadState
	}
	status := f.Status
	if status == 0 {
		status = statusOf(code)
	}
	if status < 200 || status > 999 { // net/http panics on those it cannot send
		status = http.StatusInternalServerError
	}
	if code == "" {
		return reply{status: status, media: "text/plain; charset=utf-8", body: []byte(http.StatusText(status))}, true
	}
	return answer(status, errorBody{Code: code, Message: "a planned fault", LinkError: f.LinkError}), true
}

// change applies to an answer what the fault only changes about it.
func (f *Fault) change(rep *reply) {
	if f.Body != "" {
		rep.body, rep.media = []byte(f.Body), "text/html; charset=utf-8"
		if json.Valid(rep.body) {
			rep.media = "application/json"
		}
	}
	if f.ContentType != "" {
		rep.media = f.ContentType
	}
	if f.Header != nil {
		header := http.Header{}
		maps.Copy(header, rep.header)
		maps.Copy(header, f.Header)
		rep.header = header
	}
}
