package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"time"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// Fault is a way for a request to fail; see [API.Fail]. Its fields combine. Without Status, Code,
// LinkError and Reset the request is handled, and the fault changes when and how the response
// comes. The zero Fault responds with 500.
type Fault struct {
	Status      int                // of the response; the request is not handled
	Code        moneykit.ErrorCode // the same, in MoneyKit's JSON
	LinkError   moneykit.LinkError // with Code, which is link_error.bad_state unless it is set
	Header      http.Header        // added to the response
	Body        string             // in place of the response's
	ContentType string             // in place of the response's
	Latency     time.Duration      // before anything else happens to the request
	Reset       Reset
	Truncate    bool // ends the connection in the middle of the body
	Passing     bool `json:"-"` // is not saved
}

// Reset says when a connection ends.
type Reset int

// The moments.
const (
	NoReset     Reset = iota
	ResetBefore       // before the request is handled
	ResetAfter        // when the request has been handled: only its response is lost
)

// plannedFault is a fault for the next n requests, for all if n is negative.
type plannedFault struct {
	N     int
	Fault Fault
}

// Fail lets the next n requests of an operation fail, or all if n is negative. "" stands for any
// request at all. Faults of one operation queue up, and come before those of any. With n = 0 the
// operation has no faults any more. There is an error for a name that is no operation's.
func (a *API) Fail(operation string, n int, fault Fault) error {
	if operation != "" && !a.operations[operation] {
		return fmt.Errorf("there is no operation %q to fail", operation)
	}
	fault.Header = fault.Header.Clone()
	if fault.isZero() {
		fault.Status = http.StatusInternalServerError
	}
	a.World.Do(func(*world.World, time.Time) {
		a.replanned = true
		if n == 0 {
			delete(a.faults, operation)
			return
		}
		a.faults[operation] = append(a.faults[operation], plannedFault{n, fault})
	})
	return nil
}

func (f *Fault) isZero() bool {
	return f.Status == 0 && f.Code == "" && f.LinkError == "" && f.Header == nil && f.Body == "" &&
		f.ContentType == "" && f.Latency == 0 && f.Reset == NoReset && !f.Truncate
}

// SavedFaults returns the faults that are planned as JSON. Without always it is nil if they are
// those of the call before. The world must be locked.
func (a *API) SavedFaults(always bool) (json.RawMessage, error) {
	if !a.replanned && !always {
		return nil, nil
	}
	a.replanned = false
	saved := map[string][]plannedFault{}
	for operation, queue := range a.faults {
		for _, planned := range queue {
			if !planned.Fault.Passing {
				saved[operation] = append(saved[operation], planned)
			}
		}
	}
	return json.Marshal(saved)
}

// RestoreFaults puts faults from [API.SavedFaults] back. The world must be locked.
func (a *API) RestoreFaults(data []byte) error {
	a.faults = map[string][]plannedFault{}
	return json.Unmarshal(data, &a.faults)
}

// nextFault returns what is planned for a request, if anything is.
func (a *API) nextFault(operation string) (Fault, bool) {
	names := []string{operation, ""}
	if operation == "" {
		names = names[:1] // a request without a route: it has no faults of its own
	}
	for _, name := range names {
		queue := a.faults[name]
		if len(queue) == 0 {
			continue
		}
		fault := queue[0].Fault
		a.replanned = a.replanned || queue[0].N > 0
		if queue[0].N--; queue[0].N == 0 {
			a.faults[name] = queue[1:]
		}
		return fault, true
	}
	return Fault{}, false
}

// reply returns the response that replaces the handling of the request, if there is one.
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
	body := errorBody{Code: code, Message: "a planned fault", LinkError: f.LinkError}
	if code == moneykit.ErrorCodeValidationFailed {
		body.Problems = []problem{{[]any{"body"}, body.Message, "value_error"}}
	}
	return answer(status, body), true
}

// change changes a response as the fault demands.
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
