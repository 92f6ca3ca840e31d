package control

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/moneykit/moneykit-go/internal/sandbox"
	"github.com/moneykit/moneykit-go/internal/sandbox/api"
	"github.com/moneykit/moneykit-go/internal/sandbox/delivery"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// feed sends messages to subscribers. The zero feed is ready to use.
type feed struct {
	mu          sync.Mutex
	subscribers map[chan message]bool
}

// message is an event of the endpoint events, with its JSON.
type message struct {
	name string // request, delivery or change
	data []byte
}

// backlog is the number of unread messages after which a subscription ends.
const backlog = 512

func (f *feed) subscribe() chan message {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.subscribers == nil {
		f.subscribers = map[chan message]bool{}
	}
	c := make(chan message, backlog)
	f.subscribers[c] = true
	return c
}

// leave ends a subscription. More than one call is allowed.
func (f *feed) leave(c chan message) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.subscribers[c] {
		delete(f.subscribers, c)
		close(c)
	}
}

// tell sends a message to all subscribers. It ends the subscriptions with a full backlog.
func (f *feed) tell(name string, value func() any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.subscribers) == 0 {
		return
	}
	data, err := json.Marshal(value())
	if err != nil {
		return // only if the clock is past the year 9999
	}
	for c := range f.subscribers {
		select {
		case c <- message{name, data}:
		default:
			delete(f.subscribers, c)
			close(c)
		}
	}
}

// changed reports that links or sessions may have changed.
func (f *feed) changed() { f.tell("change", func() any { return struct{}{} }) }

// Watch returns a handler that calls next. After each request that is not a read, it reports to
// subscribers that links or sessions may have changed.
func (s *Server) Watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			defer s.feed.changed()
		}
		next.ServeHTTP(w, r)
	})
}

// Request is a request to the API in the form of the endpoint events.
type Request struct {
	Number  int                  `json:"number"` // counts the requests, from 1
	Request moneykittest.Request `json:"request"`
	Refusal string               `json:"refusal,omitempty"` // why the request was refused
}

// Reports returns the reports for the sandbox. They go to the subscribers. Messages for people also
// go to tell.
func (s *Server) Reports(tell func(format string, args ...any)) sandbox.Reports {
	return sandbox.Reports{
		Errorf: func(string, ...any) {}, // mistakes in requests come through Request, too
		Logf:   tell,
		Request: func(r api.Request, refusal string) {
			if refusal != "" {
				tell("%s %s: %s (%d)%s", r.Method, r.Path, refusal, r.Status, at(r))
			}
			s.feed.tell("request", func() any { return Request{r.Number, viewOfRequest(r), refusal} })
		},
		Delivery: func(d delivery.Delivery) {
			s.feed.tell("delivery", func() any { return viewOfDelivery(d) })
		},
	}
}

// at returns a note with the User-Agent of the program that sent a request.
func at(r api.Request) string {
	name, _, _ := strings.Cut(r.Header.Get("User-Agent"), " ")
	if name == "" {
		return ""
	}
	return "; at " + name
}

// keepAlive is the largest time between two lines of the endpoint events.
const keepAlive = 15 * time.Second

// serveEvents streams messages as server-sent events, until the client disconnects or its backlog
// is full.
func (s *Server) serveEvents(w http.ResponseWriter, r *http.Request) {
	c := s.feed.subscribe()
	defer s.feed.leave(c)
	w.Header().Set("Content-Type", "text/event-stream")
	stream := http.NewResponseController(w)
	ticks := time.NewTicker(keepAlive)
	defer ticks.Stop()
	_, err := fmt.Fprint(w, "retry: 1000\n\n")
	for err == nil {
		if len(c) == 0 { // flush once for many messages
			if err = stream.Flush(); err != nil {
				return
			}
		}
		select {
		case m, ok := <-c:
			if !ok {
				return
			}
			_, err = fmt.Fprintf(w, "event: %s\ndata: %s\n\n", m.name, m.data)
		case <-ticks.C:
			_, err = fmt.Fprint(w, ":\n\n")
		case <-r.Context().Done():
			return
		}
	}
}
