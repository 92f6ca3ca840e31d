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

// Fault describes how a request fails; see [API.Fail]. The fields can be combined. Without Status,
// Code, LinkError and Reset, the request is handled, and the fault only changes its response. The
// zero Fault responds with status 500.
type Fault struct {
	Status      int                // status of the response; the request is not handled
	Code        moneykit.ErrorCode // error code in MoneyKit's JSON; the request is not handled
	LinkError   moneykit.LinkError // link error in the JSON; Code is link_error.bad_state if empty
	Header      http.Header        // added to the response
	Body        string             // replaces the body of the response
	ContentType string             // replaces the media type of the response
	Latency     time.Duration      // delay before the request is processed
	Reset       Reset
	Truncate    bool // the connection ends in the middle of the body
	Passing     bool `json:"-"` // the fault is not saved
}

// Reset says when the connection is reset.
type Reset int

// The times of a reset.
const (
	NoReset     Reset = iota
	ResetBefore       // before the request is handled
	ResetAfter        // after the request is handled, so that only the response is lost
)

// plannedFault is a fault for the next N requests. A negative N means all requests.
type plannedFault struct {
	N     int
	Fault Fault
}

// Fail makes the next n requests of an operation fail, or all of them if n is negative. The
// operation "" means any request. The faults of an operation queue up, and apply before those of
// "". n = 0 deletes the faults of the operation. It returns an error if the operation does not
// exist.
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

// SavedFaults returns the planned faults as JSON. Unless always is set, it returns nil if they have
// not changed since the last call. The world must be locked.
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

// RestoreFaults replaces the planned faults by those from [API.SavedFaults]. The world must be
// locked.
func (a *API) RestoreFaults(data []byte) error {
	a.faults = map[string][]plannedFault{}
	return json.Unmarshal(data, &a.faults)
}

// nextFault returns the planned fault for a request, and false if there is none.
func (a *API) nextFault(operation string) (Fault, bool) {
	names := []string{operation, ""}
	if operation == "" {
		names = names[:1] // no operation matches the request, so only the faults of "" apply
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

// reply returns the response that the fault sends instead of handling the request, and false if
// there is none.
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
	if status < 200 || status > 999 { // net/http panics for a status that it cannot send
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

// change applies the fault to a response.
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
