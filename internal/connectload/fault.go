package main

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/moneykit/moneykit-go/moneykittest"
)

// faultHeader marks responses with a fault.
const faultHeader = "X-Connectload-Fault"

// failing are the operations that get faults.
func failing() []string {
	return []string{"create_link_session", "exchange_token", "get_user_links", "get_link", "get_user_accounts"}
}

// planFault plans a fault for the next request of an operation.
func (l *load) planFault(rng *rand.Rand, operation string) {
	header := http.Header{}
	fault := moneykittest.Fault{Header: header}
	kind, lost := "", false
	switch rng.IntN(7) {
	case 0:
		kind, fault.Latency = "late", time.Duration(1+rng.IntN(20))*time.Millisecond
	case 1:
		fault.Reset = moneykittest.ResetBefore
	case 2, 3:
		fault.Reset, lost = moneykittest.ResetAfter, true
	case 4:
		fault.Status = []int{500, 502, 503, 504}[rng.IntN(4)]
		kind = "5xx"
	case 5:
		kind, fault.Status = "429", http.StatusTooManyRequests
		header.Set("Retry-After", "1")
	case 6:
		kind, fault.Truncate, lost = "truncated", true, true
	}
	header.Set(faultHeader, kind)
	l.planned.Add(1)
	if lost && operation == "exchange_token" {
		l.lost.Add(1)
	}
	l.mk.Fail(operation, 1, fault)
}

// stopFailing removes the faults that no request has met.
func (l *load) stopFailing() {
	for _, operation := range failing() {
		l.mk.Fail(operation, 0, moneykittest.Fault{})
	}
}

// meter counts the requests to a MoneyKit, and its faults.
type meter struct {
	next http.Handler

	mu     sync.Mutex
	asked  int64
	faults map[string]int
}

func newMeter(next http.Handler) *meter { return &meter{next: next, faults: map[string]int{}} }

// ServeHTTP passes the request to MoneyKit and counts it.
func (m *meter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	watched := &watchedWriter{ResponseWriter: w}
	m.next.ServeHTTP(watched, r)
	kind := w.Header().Get(faultHeader)
	if watched.taken {
		kind = "reset"
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked++
	if kind != "" {
		m.faults[kind]++
	}
}

// sum returns the number of requests, and a description of the faults.
func (m *meter) sum() (asked int64, faults string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	total := 0
	var kinds []string
	for kind, n := range m.faults {
		total += n
		kinds = append(kinds, fmt.Sprintf("%s %d", kind, n))
	}
	if total == 0 {
		return m.asked, "0"
	}
	slices.Sort(kinds)
	return m.asked, fmt.Sprintf("%d (%s)", total, strings.Join(kinds, ", "))
}

// watchedWriter records whether the connection was hijacked for a reset.
type watchedWriter struct {
	http.ResponseWriter

	taken bool
}

// Hijack implements [http.Hijacker].
func (w *watchedWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.taken = true
	return http.NewResponseController(w.ResponseWriter).Hijack()
}
