package control

import (
	"encoding/json"
	"io"
	"net/http"
	"time"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/api"
	"github.com/moneykit/moneykit-go/internal/sandbox/delivery"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// Lists returns the lists.
func Lists() []List {
	return []List{
		list("state", "the clock, addresses, credentials and counts", (*Server).state),
		list("links", "all links, oldest first", (*Server).links, "id", "user_id", "institution", "state", "error", "accounts"),
		list("sessions", "the link sessions that are still kept, oldest first", (*Server).sessions,
			"link_session_token", "user_id", "institution", "screen", "over", "created_at"),
		list("requests", "the last requests to the API, without secrets", (*Server).requests,
			"at", "method", "path", "operation", "status", "refusal"),
		list("deliveries", "the last webhooks", (*Server).deliveries, "token", "event", "link_id", "url", "state", "next"),
		list("tamperings", "the ways to forge a webhook", (*Server).tamperings),
		list("test-users", "users of the test banks", (*Server).testUsers, "username", "password", "does"),
	}
}

// State is the sandbox as a whole.
type State struct {
	Info

	Now        time.Time `json:"now"`     // by the clock of the sandbox
	Advanced   Duration  `json:"advance"` // duration by which the clock is ahead
	Links      int       `json:"links"`
	Sessions   int       `json:"sessions"`
	Requests   int       `json:"requests"` // including those that are no longer listed
	Deliveries int       `json:"deliveries"`
	Pending    int       `json:"pending_deliveries"`
}

func (s *Server) state() (State, error) {
	out := State{Info: s.Info, Requests: s.Sandbox.API.Received()}
	s.Sandbox.World.Do(func(w *world.World, now time.Time) {
		out.Now, out.Advanced = now, Duration(w.Offset)
		out.Links, out.Sessions = len(w.AllLinks(now)), len(w.Sessions)
	})
	for _, d := range s.Sandbox.Courier.Deliveries() {
		out.Deliveries++
		if d.State == delivery.Pending {
			out.Pending++
		}
	}
	return out, nil
}

// Link is the JSON of a link.
type Link struct {
	ID          string             `json:"id"`
	UserID      string             `json:"user_id"`
	Institution string             `json:"institution"` // its name
	State       moneykit.LinkState `json:"state"`
	Error       moneykit.LinkError `json:"error,omitempty"`
	Webhook     string             `json:"webhook,omitempty"`
	Products    []moneykit.Product `json:"products"`
	Accounts    int                `json:"accounts"`
	CreatedAt   time.Time          `json:"created_at"`
}

func (s *Server) links() ([]Link, error) {
	all := []Link{}
	s.Sandbox.World.Do(func(w *world.World, now time.Time) {
		for _, l := range w.AllLinks(now) {
			all = append(all, viewOfLink(l))
		}
	})
	return all, nil
}

func viewOfLink(l *world.Link) Link {
	view := Link{
		ID: l.ID, UserID: l.User, Institution: l.Institution.Name, State: l.State, Error: l.Reason, Webhook: l.Webhook,
		Products: []moneykit.Product{}, Accounts: len(l.Accounts), CreatedAt: l.Created,
	}
	for _, p := range world.AllProducts() {
		if l.Products[p] != nil {
			view.Products = append(view.Products, p)
		}
	}
	return view
}

// Session is the JSON of a link session.
type Session struct {
	Token       string    `json:"link_session_token"`
	UserID      string    `json:"user_id"`
	Institution string    `json:"institution,omitempty"` // name, after it was chosen
	Relinks     string    `json:"existing_link_id,omitempty"`
	Screen      string    `json:"screen,omitempty"` // current screen of Connect
	Used        bool      `json:"used"`
	Over        bool      `json:"over"`
	CreatedAt   time.Time `json:"created_at"`
}

func (s *Server) sessions() ([]Session, error) {
	all := []Session{}
	s.Sandbox.World.Do(func(w *world.World, _ time.Time) {
		for _, issued := range w.Issued {
			session := w.Sessions[issued.Token]
			if session == nil {
				continue
			}
			all = append(all, Session{
				Token: session.Token, UserID: session.Params.CustomerUser.ID, Institution: session.Institution.Name,
				Relinks: session.Params.ExistingLinkID, Screen: string(session.Screen),
				Used: session.Used, Over: session.Over, CreatedAt: session.Created,
			})
		}
	})
	return all, nil
}

// Received is the JSON of a request, in one object with its number and why it was refused.
type Received struct {
	moneykittest.Request

	Number  int    `json:"number"`
	Refusal string `json:"refusal,omitempty"`
}

// MarshalJSON encodes the members of the request after the others.
func (r Received) MarshalJSON() ([]byte, error) {
	request, err := json.Marshal(r.Request)
	if err != nil {
		return nil, err
	}
	own, err := json.Marshal(struct {
		Number  int    `json:"number"`
		Refusal string `json:"refusal,omitempty"`
	}{r.Number, r.Refusal})
	return append(append(own[:len(own)-1], ','), request[1:]...), err
}

func (s *Server) requests() ([]Received, error) {
	all := []Received{}
	for _, r := range s.Sandbox.API.Requests() {
		all = append(all, Received{viewOfRequest(r), r.Number, r.Refusal})
	}
	return all, nil
}

func viewOfRequest(r api.Request) moneykittest.Request {
	return moneykittest.Request{
		Operation: r.Operation, Method: r.Method, Path: r.Path, Query: r.Query, Header: r.Header, Body: r.Body, Status: r.Status, At: r.At,
	}
}

func (s *Server) deliveries() ([]moneykittest.Delivery, error) {
	return viewsOfDeliveries(s.Sandbox.Courier.Deliveries()), nil
}

func viewsOfDeliveries(queued []delivery.Delivery) []moneykittest.Delivery {
	all := []moneykittest.Delivery{}
	for _, d := range queued {
		all = append(all, viewOfDelivery(d))
	}
	return all
}

func viewOfDelivery(d delivery.Delivery) moneykittest.Delivery {
	out := moneykittest.Delivery{
		Token: d.Token, Event: d.Event, LinkID: d.LinkID, IdempotencyKey: d.IdempotencyKey, URL: d.URL,
		Body: d.Body, QueuedAt: d.QueuedAt, State: moneykittest.DeliveryState(d.State), Next: d.Next,
		Attempts: []moneykittest.DeliveryAttempt{}, // a list in JSON, not null
	}
	for _, attempt := range d.Attempts {
		out.Attempts = append(out.Attempts, moneykittest.DeliveryAttempt(attempt))
	}
	return out
}

func viewOfWebhook(r *http.Request) (webhook, error) {
	body, err := io.ReadAll(r.Body)
	return webhook{Method: r.Method, URL: r.URL.String(), Header: r.Header, Body: string(body)}, err
}

func (s *Server) tamperings() ([]moneykittest.Tampering, error) {
	return moneykittest.Tamperings(), nil
}

// TestUser is the JSON of a user of the test banks.
type TestUser struct {
	Username string `json:"username"`
	Password string `json:"password"`
	Does     string `json:"does"`
}

func (s *Server) testUsers() ([]TestUser, error) {
	all := []TestUser{}
	for _, user := range world.TestUsers() {
		all = append(all, TestUser{user.Name, world.Password, user.Does})
	}
	return all, nil
}
