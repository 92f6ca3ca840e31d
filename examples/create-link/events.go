package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"
)

const (
	keptEvents = 40   // of a user
	maxStreams = 8    // of a user: one for each open tab
	maxUsers   = 1000 // whose events are kept
	maxHeld    = 100  // links that are not stored yet, whose events are kept
)

// event is one line of the page's log.
type event struct {
	ID     int64     `json:"id"`
	At     time.Time `json:"at"`
	Source string    `json:"source"` // connect, webhook or app
	Name   string    `json:"name"`
	Text   string    `json:"text,omitempty"`
	Reload bool      `json:"reload,omitempty"` // Links may have changed.
}

// log passes events to the pages of their user, and keeps the last ones for pages that connect
// later.
type log struct {
	done chan struct{}
	once sync.Once

	mu    sync.Mutex
	last  int64
	users map[string]*userLog
	order []string           // of users, oldest first
	held  map[string][]event // by link
}

type userLog struct {
	events  []event
	streams map[chan struct{}]bool // Each receives a hint that there are new events.
}

func newLog() *log {
	// Numbers are greater than those of an earlier process, because a page may send one of these.
	return &log{done: make(chan struct{}), last: time.Now().UnixMilli(), users: map[string]*userLog{}, held: map[string][]event{}}
}

// close ends all streams.
func (l *log) close() { l.once.Do(func() { close(l.done) }) }

// add appends an event to a user's log.
func (l *log) add(userID string, e event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last++
	e.ID, e.At = l.last, time.Now()
	user := l.user(userID)
	user.events = append(user.events[max(0, len(user.events)-keptEvents+1):], e)
	for stream := range user.streams {
		select {
		case stream <- struct{}{}:
		default: // The stream has not read the last hint yet.
		}
	}
}

// hold stores an event of a link whose user is not known yet.
func (l *log) hold(linkID string, e event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.held) >= maxHeld {
		clear(l.held) // Most are of links that are never stored.
	}
	l.held[linkID] = append(l.held[linkID][max(0, len(l.held[linkID])-keptEvents+1):], e)
}

// release appends the stored events of a link to the log of its user.
func (l *log) release(userID, linkID, institution string) {
	l.mu.Lock()
	held := l.held[linkID]
	delete(l.held, linkID)
	l.mu.Unlock()
	for _, e := range held {
		e.Text = institution + ": " + e.Text
		l.add(userID, e)
	}
}

// user returns the log of a user. The caller holds the lock.
func (l *log) user(userID string) *userLog {
	if user := l.users[userID]; user != nil {
		return user
	}
	if len(l.order) >= maxUsers {
		delete(l.users, l.order[0])
		l.order = l.order[1:]
	}
	user := &userLog{streams: map[chan struct{}]bool{}}
	l.users[userID] = user
	l.order = append(l.order, userID)
	return user
}

// after returns a user's events with numbers greater than id.
func (l *log) after(userID string, id int64) (found []event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.user(userID).events {
		if e.ID > id {
			found = append(found, e)
		}
	}
	return found
}

// subscribe returns a channel that receives a hint about new events, or nil if the user has too
// many.
func (l *log) subscribe(userID string) (stream chan struct{}, cancel func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	user := l.user(userID)
	if len(user.streams) >= maxStreams {
		return nil, nil
	}
	stream = make(chan struct{}, 1)
	user.streams[stream] = true
	return stream, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(user.streams, stream)
	}
}

// ServeHTTP streams a user's events as Server-Sent Events. A browser that reconnects sends the
// number of its last event in Last-Event-ID.
func (l *log) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	userID, err := userOf(r)
	if err != nil {
		writeError(w, http.StatusUnauthorized, err.Error())
		return
	}
	stream, cancel := l.subscribe(userID)
	if stream == nil {
		writeError(w, http.StatusTooManyRequests, "too many tabs of this page are open")
		return
	}
	defer cancel()
	last, err := strconv.ParseInt(r.Header.Get("Last-Event-ID"), 10, 64)
	if err != nil {
		last = 0
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	out := http.NewResponseController(w)
	if _, err := fmt.Fprint(w, "retry: 2000\n\n"); err != nil || out.Flush() != nil {
		return
	}
	beat := time.NewTicker(20 * time.Second) // It keeps proxies from closing the stream.
	defer beat.Stop()
	for {
		for _, e := range l.after(userID, last) {
			data, err := json.Marshal(e)
			if err != nil {
				return
			}
			if _, err := fmt.Fprintf(w, "id: %d\ndata: %s\n\n", e.ID, data); err != nil {
				return
			}
			last = e.ID
		}
		if out.Flush() != nil {
			return
		}
		select {
		case <-stream:
		case <-beat.C:
			if _, err := fmt.Fprint(w, ": beat\n\n"); err != nil {
				return
			}
		case <-r.Context().Done():
			return
		case <-l.done:
			return
		}
	}
}
