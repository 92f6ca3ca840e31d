package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox"
	"github.com/moneykit/moneykit-go/internal/sandbox/api"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// Verbs returns the verbs in the order of the documentation.
func Verbs() []Verb {
	return []Verb{
		verb("connect", "play a user in Connect with a link session", "-token TOKEN -username user_good", (*Server).connect),
		verb("authorize", "play a user in Connect until the return from a bank",
			"-token TOKEN -institution moneykit-oauth-bank", (*Server).authorize),
		verb("continue", "play the rest of Connect after authorize", "-token TOKEN -return-url URL", (*Server).resume),
		verb("link", "make a link without Connect", "-user user-42 -institution chase", (*Server).link),
		verb("break", "put a link into the state error, or connect it again", "-link mk_… -reason auth_expired", (*Server).breakLink),
		verb("reset", "make the cursors for the transactions of a link invalid", "-link mk_…", (*Server).reset),
		verb("transactions", "add, update or remove transactions of a link", `-link mk_… -add '[{"amount": "12.50"}]'`, (*Server).transactions),
		verb("settle", "post the pending transactions of a link", "-link mk_…", (*Server).settle),
		verb("refresh", "refresh products of a link from its bank", "-link mk_… -products transactions", (*Server).refresh),
		verb("trigger", "send a test event to the webhook of a link", "-link mk_… -event link.state_changed", (*Server).trigger),
		verb("deliver", "send the webhooks that are due", "-duplicated 2", (*Server).deliver),
		verb("resend", "send a webhook again", "-token TOKEN", (*Server).resend),
		verb("sign", "sign a webhook with any body", `-url http://localhost:3000/hook -body '{}'`, (*Server).sign),
		verb("tamper", "make a forged webhook", `-url http://localhost:3000/hook -body '{}' -how body`, (*Server).tamper),
		verb("rotate-keys", "sign webhooks with a new key", "", (*Server).rotateKeys),
		verb("fail", "make requests of an operation fail", "-operation get_accounts -n 2 -status 503", (*Server).fail),
		verb("expire-tokens", "expire all access tokens", "", (*Server).expireTokens),
		verb("advance", "move the clock forward", "-by 24h", (*Server).advance),
	}
}

// none is the type of absent parameters and absent results.
type none struct{}

// linkParam contains the parameter of verbs that change a link.
type linkParam struct {
	LinkID string `json:"link_id" required:"true" help:"id of the link"`
}

// change calls f with the world.
func (s *Server) change(f func(w *world.World, now time.Time) error) (none, error) {
	var err error
	s.Sandbox.World.Do(func(w *world.World, now time.Time) { err = f(w, now) })
	return none{}, err
}

// changeLink calls f, which changes a link, and returns the new state of the link.
func (s *Server) changeLink(id string, f func(w *world.World, now time.Time) error) (Link, error) {
	var view Link
	_, err := s.change(func(w *world.World, now time.Time) error {
		if err := f(w, now); err != nil {
			return err
		}
		l := w.Find(id, now)
		if l == nil {
			return fmt.Errorf("there is no link %s", id)
		}
		view = viewOfLink(l)
		return nil
	})
	return view, err
}

// played is the result of a play: the payloads of the front end's callbacks, and the token and link
// id for the back end.
type played struct {
	Result            json.RawMessage   `json:"result"`
	Events            []json.RawMessage `json:"events"`
	ExchangeableToken string            `json:"exchangeable_token,omitempty"`
	LinkID            string            `json:"link_id,omitempty"`
}

type connectParams struct {
	Token  string                 `json:"link_session_token" flag:"token" required:"true" help:"token of the link session"`
	Source moneykit.ConnectSource `json:"source" help:"web, ios, android or react_native; web if empty"`
	Play   moneykittest.Play      `json:"play" help:"what the user does"`
}

func (s *Server) connect(p connectParams) (played, error) {
	return s.play(p.Token, p.Source, p.Play, func(w *world.World, now time.Time) world.Ending {
		return w.Connect(p.Token, world.Play(p.Play), now)
	})
}

// play calls a function that plays Connect to its end, and returns the result.
func (s *Server) play(
	token string, source moneykit.ConnectSource, play moneykittest.Play, f func(w *world.World, now time.Time) world.Ending,
) (played, error) {
	if !sandbox.Plays(source, play.Version) {
		return played{}, fmt.Errorf("there is no source %q with version %q", source, play.Version)
	}
	if err := checkPlay(play); err != nil {
		return played{}, err
	}
	var end world.Ending
	_, err := s.change(func(w *world.World, now time.Time) error {
		restore := w.Remember(token)
		if end = f(w, now); end.Mistake {
			restore() // the play was a mistake, so the session stays unused
			return errors.New(end.Err.DisplayedMessage)
		}
		return nil
	})
	if err != nil {
		return played{}, err
	}
	result, err := s.Sandbox.CallBack(token, end, source)
	if err != nil {
		return played{}, err
	}
	out := played{Result: result, Events: []json.RawMessage{}, ExchangeableToken: end.Token, LinkID: end.LinkID}
	events, err := s.Sandbox.ConnectEvents(token, source)
	for _, event := range events {
		out.Events = append(out.Events, event)
	}
	return out, err
}

type authorizeParams struct {
	Token string            `json:"link_session_token" flag:"token" required:"true" help:"token of the link session"`
	Play  moneykittest.Play `json:"play" help:"what the user does"`
}

type authorized struct {
	ReturnURL string `json:"return_url"`
}

func (s *Server) authorize(p authorizeParams) (authorized, error) {
	var out authorized
	if err := checkPlay(p.Play); err != nil {
		return out, err
	}
	_, err := s.change(func(w *world.World, now time.Time) error {
		restore := w.Remember(p.Token)
		var end world.Ending
		out.ReturnURL, end = w.Authorize(p.Token, world.Play(p.Play), now)
		if end.Mistake {
			restore()
		}
		if out.ReturnURL == "" && end.Err != nil {
			return errors.New("Connect ended before the user reached the bank: " + end.Err.DisplayedMessage)
		}
		return nil
	})
	return out, err
}

type continueParams struct {
	Token     string                 `json:"link_session_token" flag:"token" required:"true" help:"token of the link session"`
	ReturnURL string                 `json:"return_url" required:"true" help:"the URL that authorize returned"`
	Source    moneykit.ConnectSource `json:"source" help:"web, ios, android or react_native; web if empty"`
	Play      moneykittest.Play      `json:"play" help:"what the user does"`
}

func (s *Server) resume(p continueParams) (played, error) {
	return s.play(p.Token, p.Source, p.Play, func(w *world.World, now time.Time) world.Ending {
		return w.Continue(p.Token, p.ReturnURL, world.Play(p.Play), now)
	})
}

func (s *Server) link(spec moneykittest.LinkSpec) (Link, error) {
	if err := checkSpec(spec); err != nil {
		return Link{}, err
	}
	var view Link
	_, err := s.change(func(w *world.World, now time.Time) error {
		l, _ := w.AddLink(world.LinkSpec(spec), now)
		view = viewOfLink(l)
		return nil
	})
	return view, err
}

// noSuch returns the error for an unknown value.
func noSuch[T ~string](kind string, value T) error {
	return fmt.Errorf("there is no %s %q", kind, string(value))
}

func checkPlay(p moneykittest.Play) error {
	for _, product := range p.Decline {
		if !product.Known() {
			return noSuch("product", product)
		}
	}
	if p.Failure != "" && !p.Failure.Known() {
		return noSuch("link error", p.Failure)
	}
	if p.Provider != "" && !p.Provider.Known() {
		return noSuch("provider", p.Provider)
	}
	return nil
}

func checkSpec(spec moneykittest.LinkSpec) error {
	if _, ok := world.Lookup(spec.InstitutionID); !ok {
		return noSuch("institution", spec.InstitutionID)
	}
	if spec.State != "" && !spec.State.Known() {
		return noSuch("state", spec.State)
	}
	if spec.Error != "" && !spec.Error.Known() {
		return noSuch("link error", spec.Error)
	}
	if spec.Error != "" && spec.State != "" && spec.State != moneykit.LinkStateError {
		return errors.New("only a link in state error can have an error")
	}
	if u, err := url.Parse(spec.Webhook); spec.Webhook != "" && (err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https")) {
		return errors.New("the webhook is no http or https URL")
	}
	ids := map[string]bool{}
	for _, a := range spec.Accounts {
		if a.ID != "" && ids[a.ID] {
			return fmt.Errorf("the account id %q is not unique", a.ID)
		}
		ids[a.ID] = true
	}
	for _, p := range append(append([]moneykit.Product{}, spec.Products...), spec.NotPermitted...) {
		if !p.Known() {
			return noSuch("product", p)
		}
	}
	return nil
}

type breakParams struct {
	linkParam

	Reason moneykit.LinkError `json:"reason" help:"link error, such as auth_expired; empty connects the link again"`
}

func (s *Server) breakLink(p breakParams) (Link, error) {
	if p.Reason != "" && !p.Reason.Known() {
		return Link{}, noSuch("link error", p.Reason)
	}
	return s.changeLink(p.LinkID, func(w *world.World, now time.Time) error { return w.Break(p.LinkID, p.Reason, now) })
}

func (s *Server) reset(p linkParam) (Link, error) {
	return s.changeLink(p.LinkID, func(w *world.World, now time.Time) error { return w.ResetCursors(p.LinkID, now) })
}

type transactionsParams struct {
	linkParam

	Add    []moneykit.Transaction `json:"add" help:"new transactions; missing members are made up"`
	Update *moneykit.Transaction  `json:"update" help:"a changed transaction, with the id of the old one"`
	Remove string                 `json:"remove" help:"id of a posted transaction"`
}

func (s *Server) transactions(p transactionsParams) (Link, error) {
	kinds := 0
	for _, asked := range []bool{len(p.Add) > 0, p.Update != nil, p.Remove != ""} {
		if asked {
			kinds++
		}
	}
	if kinds != 1 {
		return Link{}, errors.New("exactly one of add, update and remove is required")
	}
	return s.changeLink(p.LinkID, func(w *world.World, now time.Time) error {
		switch {
		case p.Update != nil:
			return w.UpdateTransaction(p.LinkID, *p.Update, now)
		case p.Remove != "":
			return w.RemoveTransaction(p.LinkID, p.Remove, now)
		}
		return w.AddTransactions(p.LinkID, p.Add, now)
	})
}

func (s *Server) settle(p linkParam) (Link, error) {
	return s.changeLink(p.LinkID, func(w *world.World, now time.Time) error { return w.Settle(p.LinkID, now) })
}

type refreshParams struct {
	linkParam

	Products []moneykit.Product `json:"products" help:"products to refresh; empty means all"`
}

func (s *Server) refresh(p refreshParams) (Link, error) {
	return s.changeLink(p.LinkID, func(w *world.World, now time.Time) error { return w.Refresh(p.LinkID, p.Products, now) })
}

type triggerParams struct {
	linkParam

	Event moneykit.EventType `json:"event" required:"true" help:"name of the event, such as link.state_changed"`
	Key   string             `json:"idempotency_key" flag:"key" help:"webhook_idempotency_key of the event; made up if empty"`
}

type triggered struct {
	Token string `json:"token"`
}

func (s *Server) trigger(p triggerParams) (triggered, error) {
	if !p.Event.Known() {
		return triggered{}, noSuch("event", p.Event)
	}
	if p.Key == "" {
		p.Key = world.NewToken()
	}
	var out triggered
	_, err := s.change(func(w *world.World, now time.Time) error {
		l := w.Find(p.LinkID, now)
		switch {
		case l == nil || l.State == moneykit.LinkStateDeleted:
			return fmt.Errorf("there is no link %s", p.LinkID)
		case l.Webhook == "":
			return errors.New("the link has no webhook: create its link session with one")
		}
		out.Token = w.AnnounceTest(l, p.Event, p.Key, now)
		return nil
	})
	return out, err
}

type failParams struct {
	Operation string             `json:"operation" help:"id of the operation in the API, such as get_accounts; empty means all"`
	N         *int               `json:"n" help:"number of requests that fail; 1 by default; negative means all, 0 deletes the planned faults"`
	Fault     moneykittest.Fault `json:"fault" help:"how they fail; status 500 by default"`
}

func (s *Server) fail(p failParams) (none, error) {
	n := 1
	if p.N != nil {
		n = *p.N
	}
	f := p.Fault
	if f.Status != 0 && (f.Status < 200 || f.Status > 599) {
		return none{}, errors.New("the status must be from 200 to 599")
	}
	if f.Code != "" && !f.Code.Known() {
		return none{}, noSuch("error code", f.Code)
	}
	if f.LinkError != "" && !f.LinkError.Known() {
		return none{}, noSuch("link error", f.LinkError)
	}
	if f.Latency < 0 {
		return none{}, errors.New("the latency must not be negative")
	}
	return none{}, s.Sandbox.API.Fail(p.Operation, n, api.Fault{
		Status: f.Status, Code: f.Code, LinkError: f.LinkError, Header: f.Header, Body: f.Body, ContentType: f.ContentType,
		Latency: f.Latency, Reset: api.Reset(f.Reset), Truncate: f.Truncate,
	})
}

func (s *Server) expireTokens(none) (none, error) {
	return s.change(func(w *world.World, _ time.Time) error {
		w.ExpireTokens()
		return nil
	})
}

type advanceParams struct {
	By Duration `json:"by" required:"true" help:"duration, such as 90m or 24h"`
}

type advanced struct {
	Now time.Time `json:"now"`
}

func (s *Server) advance(p advanceParams) (advanced, error) {
	if p.By < 0 || p.By > Duration(100*365*24*time.Hour) {
		return advanced{}, errors.New("the clock can only move forward, by at most a hundred years")
	}
	s.Sandbox.World.Advance(time.Duration(p.By))
	return advanced{s.Sandbox.World.Now()}, nil
}

// Duration is a duration whose JSON is text such as 1h30m.
type Duration time.Duration

// UnmarshalText decodes the text of a duration.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	if err != nil {
		return errors.New("a duration is text such as 90m or 1h30m")
	}
	*d = Duration(parsed)
	return nil
}

// MarshalText returns the text of a duration.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }
