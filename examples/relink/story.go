package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/connect"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// story plays MoneyKit, the user's browser and the bank around the application.
type story struct {
	sandbox *moneykittest.Server
	client  *moneykit.Client
	source  moneykit.ConnectSource
	start   time.Time
	url     string // the application's endpoints
	browser http.Client
	link    *moneykit.Link // the link at the beginning
	handle  string         // the id of the link for the browser
	session string         // the token of the first relink session

	mu  sync.Mutex // guards out, because handlers run in their own goroutines
	out io.Writer
}

const user = "user_0001"

// tell plays the story and prints it.
func tell(ctx context.Context, source moneykit.ConnectSource, out io.Writer) error {
	s := &story{source: source, start: time.Date(2026, time.March, 2, 0, 0, 0, 0, time.UTC), out: out}
	var endpoints http.Handler
	s.sandbox = moneykittest.New(
		moneykittest.WithClock(func() time.Time { return s.start }), // advanced by each step
		moneykittest.WithReceiver(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { endpoints.ServeHTTP(w, r) })),
	)
	defer s.sandbox.Close()
	s.client = s.sandbox.Client(moneykit.WithLogger(slog.New(slog.DiscardHandler)))
	a, endpoints, err := newApp(s.client, s.sandbox.URL(), log.New(s.from("app"), "", 0))
	if err != nil {
		return err
	}

	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.url = "http://" + listener.Addr().String() + "/connect/"
	server := http.Server{Handler: endpoints, ReadHeaderTimeout: 5 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	err = s.happen(ctx, a)
	s.browser.CloseIdleConnections()
	if err := errors.Join(err, server.Shutdown(context.WithoutCancel(ctx))); err != nil {
		return err
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// happen plays the steps of the story.
func (s *story) happen(ctx context.Context, a *app) error {
	for _, step := range []struct {
		at    time.Duration
		title string
		do    func(context.Context) error
		how   moneykittest.DeliverOption
	}{
		{7 * time.Hour, "A user links a bank account.", s.begin, nil},
		{
			9 * time.Hour, "The user changes the password at the bank. The link stops working. MoneyKit reports it twice.",
			s.breakLink, moneykittest.Duplicated(2),
		},
		{10 * time.Hour, "The user double-clicks Reconnect, and then leaves Connect.", s.leave, nil},
		{12 * time.Hour, "The user comes back and goes through Connect.", s.comeBack, nil},
		{12*time.Hour + time.Minute, "The user clicks Reconnect in an old tab.", s.clickAgain, nil},
	} {
		s.sandbox.Advance(s.start.Add(step.at).Sub(s.sandbox.Now()))
		s.printf("\n%s\n", step.title)
		if err := step.do(ctx); err != nil {
			return err
		}
		for _, sent := range s.sandbox.Deliver(step.how) { //nolint:contextcheck // The sandbox has a context of its own.
			for i, attempt := range sent.Attempts {
				s.say("MoneyKit", "delivers %s, attempt %d: %d", sent.Event, i+1, attempt.Status)
			}
		}
	}
	return s.compare(ctx, a)
}

func (s *story) begin(ctx context.Context) error {
	launch, err := s.launch(ctx, "session", "")
	if err != nil {
		return err
	}
	got, err := s.finish(ctx, launch, "", moneykittest.Play{})
	if err != nil {
		return err
	}
	s.handle = got.Link
	for ref, err := range s.client.Links.All(ctx, moneykit.LinkListParams{}) { // There is one link.
		if err != nil {
			return err
		}
		if s.link, err = s.look(ctx, ref.ID); err != nil {
			return err
		}
	}
	if s.link == nil {
		return errors.New("MoneyKit lists no link")
	}
	return nil
}

// look prints a link as MoneyKit returns it.
func (s *story) look(ctx context.Context, linkID string) (*moneykit.Link, error) {
	link, err := s.client.Links.Get(ctx, linkID)
	if err != nil {
		return nil, err
	}
	s.say("MoneyKit", "link %s: %s, webhook %s, tags %s", link.ID, link.State, link.Webhook, strings.Join(link.Tags, " "))
	return link, nil
}

func (s *story) breakLink(context.Context) error {
	s.sandbox.Break(s.link.ID, moneykit.LinkErrorInvalidCredentials)
	return nil
}

func (s *story) leave(ctx context.Context) error {
	first, err := s.launch(ctx, "relink", s.handle)
	if err != nil {
		return err
	}
	second, err := s.launch(ctx, "relink", s.handle)
	if err != nil {
		return err
	}
	if first.Token != second.Token {
		return errors.New("a double click opened two sessions")
	}
	s.say("browser", "the double click opened one session")
	s.session = first.Token
	if _, err := s.finish(ctx, first, s.handle, moneykittest.Play{Leave: true}); err != nil {
		return err
	}
	_, err = s.look(ctx, s.link.ID)
	return err
}

func (s *story) comeBack(ctx context.Context) error {
	launch, err := s.launch(ctx, "relink", s.handle)
	if err != nil {
		return err
	}
	if launch.Token == s.session {
		return errors.New("the application returned a session that Connect had already used")
	}
	s.say("browser", "the session is new")
	if _, err := s.finish(ctx, launch, s.handle, moneykittest.Play{}); err != nil {
		return err
	}
	_, err = s.look(ctx, s.link.ID)
	return err
}

func (s *story) clickAgain(ctx context.Context) error {
	got, err := s.post(ctx, "relink", map[string]any{"link": s.handle})
	if err == nil && got.Error.Code != "not_needed" {
		err = fmt.Errorf("the relink of a connected link was not refused with not_needed: %s", got.Error.Code)
	}
	return err
}

// compare returns an error unless the link is connected, belongs to the user and has kept its
// webhook and tags.
func (s *story) compare(ctx context.Context, a *app) error {
	link, err := s.client.Links.Get(ctx, s.link.ID)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if link.State != moneykit.LinkStateConnected || link.Webhook != webhookURL || link.Webhook != s.link.Webhook ||
		!slices.Equal(link.Tags, s.link.Tags) || len(a.links) != 1 || a.links[link.ID] != user {
		return errors.New("the link is not the same as at the beginning")
	}
	s.printf("\nLink %s is connected, with the same webhook and tags as at the beginning.\n", link.ID)
	return nil
}

// answer is the application's response to the browser.
type answer struct {
	connect.Launch

	Outcome moneykit.ConnectOutcome `json:"outcome"`
	Link    string                  `json:"link"` // the handle of the link
	Error   struct {
		Code    string          `json:"code"`
		Message string          `json:"message"`
		Action  moneykit.Action `json:"action"`
	} `json:"error"`
}

// launch asks the application to open a session for a new link or, with a handle, for that link.
func (s *story) launch(ctx context.Context, endpoint, handle string) (answer, error) {
	got, err := s.post(ctx, endpoint, map[string]any{"link": handle})
	if err == nil && got.Token == "" {
		err = fmt.Errorf("no session was opened: %s", got.Error.Code)
	}
	return got, err
}

// finish plays the user in Connect. It posts the arguments of Connect's callback to the
// application, as every front end does.
func (s *story) finish(ctx context.Context, launch answer, handle string, play moneykittest.Play) (answer, error) {
	result := s.sandbox.Connect(launch.Token, s.source, play)
	got, err := s.post(ctx, "result", map[string]any{"result": json.RawMessage(result), "link": handle})
	if err == nil && got.Error.Code != "" {
		err = fmt.Errorf("the result was refused: %s", got.Error.Code)
	}
	return got, err
}

// post sends a request with the user's session, and prints the response.
func (s *story) post(ctx context.Context, endpoint string, body any) (got answer, err error) {
	data, err := json.Marshal(body)
	if err != nil {
		return got, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+endpoint, bytes.NewReader(data))
	if err != nil {
		return got, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.AddCookie(&http.Cookie{Name: "session", Value: "session-of-" + user}) //nolint:gosec // A browser sends no attributes.
	resp, err := s.browser.Do(r)
	if err != nil {
		return got, err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&got); err != nil {
		return got, err
	}
	switch {
	case got.Error.Code != "":
		s.say("browser", "POST /connect/%s: %d, %s: %q", endpoint, resp.StatusCode, got.Error.Code, got.Error.Message)
	case got.Token != "":
		s.say("browser", "POST /connect/%s: %d, starts Connect with %s", endpoint, resp.StatusCode, got.Call)
	default:
		s.say("browser", "POST /connect/%s: %d, %s", endpoint, resp.StatusCode, got.Outcome)
	}
	return got, nil
}

// say prints a line with the sandbox's time.
func (s *story) say(who, format string, args ...any) { fmt.Fprintf(s.from(who), format+"\n", args...) }

// from returns a writer of lines that begin with the time and who.
func (s *story) from(who string) io.Writer { return lines{s, who} }

type lines struct {
	story *story
	who   string
}

// Write prints a line.
func (l lines) Write(line []byte) (int, error) {
	l.story.printf("%s  %-8s  %s", l.story.sandbox.Now().Format(time.TimeOnly), l.who, line)
	return len(line), nil
}

func (s *story) printf(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.out, format, args...)
}
