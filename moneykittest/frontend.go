package moneykittest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/delivery"
)

// FrontEnd plays a browser in which a user of an application links bank accounts. It posts JSON to
// the application's Connect endpoints, in the form that package connect documents, and plays the
// user in Connect Web. Create one with [Server.FrontEnd].
type FrontEnd struct {
	browser func() *browser // like Server.core
}

// browser is the state of a FrontEnd.
type browser struct {
	server *Server
	client http.Client
	path   string
	cookie *http.Cookie
}

// origin is the origin of the application.
const origin = "https://app.example"

// maxAnswer limits how much of a response is read, in bytes.
const maxAnswer = 1 << 20

// FrontEnd returns a front end for the application that handler serves. The application's endpoints
// session, relink, result and event are below path. An empty path means /connect/. The front end
// sends cookie with each request, for example the user's session; cookie may be nil. Requests have
// the headers that a browser sends from a page of the same origin, and do not leave the process.
//
// Use one front end for each user.
func (s *Server) FrontEnd(handler http.Handler, path string, cookie *http.Cookie) *FrontEnd {
	path = cmp.Or(path, "/connect/")
	b := &browser{
		server: s,
		client: http.Client{
			Transport:     delivery.Receiver(handler),
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Timeout:       time.Minute,
		},
		path:   "/" + strings.Trim(path, "/") + "/",
		cookie: cookie,
	}
	if path == "/" {
		b.path = "/"
	}
	return &FrontEnd{func() *browser { return b }}
}

// FrontEndError is the error of a [FrontEnd] for a response whose status is not 2xx. The fields
// after Status are zero if the body does not have them.
type FrontEndError struct {
	Path       string // of the endpoint
	Status     int
	Code       string
	Message    string // for the user
	Action     moneykit.Action
	RetryAfter time.Duration
}

// Error names the endpoint, the status and the code.
func (e *FrontEndError) Error() string {
	return strings.TrimSpace(fmt.Sprintf("moneykittest: the application refuses POST %s: %d %s", e.Path, e.Status, e.Code))
}

// Link opens a link session, plays a user who links a bank, posts Connect's events and posts its
// result. It returns nil if the application accepts the new link.
//
// Errors are:
//   - one that matches [moneykit.ErrConnectExited] if Connect ends without a link. The application
//     has accepted the exit.
//   - a [*FrontEndError] if the application refuses a request. The endpoint for events is optional,
//     so its 404 is ignored.
//   - others if a response is not the JSON of the endpoint, or its outcome is not Connect's.
func (f *FrontEnd) Link(play Play) error {
	return f.browser().connect("session", "", play)
}

// Relink is like [FrontEnd.Link] for an existing link. It returns nil if the application accepts
// that the link is connected again.
func (f *FrontEnd) Relink(linkID string, play Play) error {
	return f.browser().connect("relink", linkID, play)
}

// Leave opens a link session, plays a user who closes Connect, and posts the exit. It returns nil
// if the application accepts the exit.
func (f *FrontEnd) Leave() error {
	b := f.browser()
	token, err := b.open("session", "")
	if err != nil {
		return err
	}
	_, err = b.settle(token, "", Play{Leave: true})
	return err
}

// connect opens a session, plays Connect and posts the result.
func (b *browser) connect(endpoint, linkID string, play Play) error {
	token, err := b.open(endpoint, linkID)
	if err != nil {
		return err
	}
	result, err := b.settle(token, linkID, play)
	if err == nil && result.Outcome == moneykit.ConnectExited {
		err = fmt.Errorf("moneykittest: %w", moneykit.ErrConnectExited)
	}
	return err
}

// open opens a link session and returns its token.
func (b *browser) open(endpoint, linkID string) (token string, err error) {
	var body struct {
		LinkID string `json:"link_id,omitempty"`
	}
	var launch struct {
		Token string `json:"link_session_token"`
	}
	body.LinkID = linkID
	if err := b.post(endpoint, body, &launch); err != nil {
		return "", err
	}
	if launch.Token == "" {
		return "", fmt.Errorf("moneykittest: the response to POST %s has no link_session_token", b.path+endpoint)
	}
	return launch.Token, nil
}

// settle plays Connect, and posts its events and its result.
func (b *browser) settle(token, linkID string, play Play) (*moneykit.ConnectResult, error) {
	payload := b.server.Connect(token, moneykit.ConnectWeb, play)
	result, err := moneykit.ParseConnectResult(payload)
	if err != nil {
		return nil, err // cannot be
	}
	if b.server.known(token) {
		for _, event := range b.server.ConnectEvents(token, moneykit.ConnectWeb) {
			if err := b.post("event", json.RawMessage(event), nil); err != nil && !isNotFound(err) {
				return nil, err
			}
		}
	}
	body := struct {
		Result json.RawMessage `json:"result"`
		LinkID string          `json:"link_id,omitempty"`
	}{payload, linkID}
	var settled struct {
		Outcome moneykit.ConnectOutcome `json:"outcome"`
	}
	if err := b.post("result", body, &settled); err != nil {
		return nil, err
	}
	if settled.Outcome != result.Outcome {
		return nil, fmt.Errorf("moneykittest: the application says %q of a result that is %q", settled.Outcome, result.Outcome)
	}
	return result, nil
}

func isNotFound(err error) bool {
	var refused *FrontEndError
	return errors.As(err, &refused) && refused.Status == http.StatusNotFound
}

// post sends a request. It decodes the response into answer, unless answer is nil.
func (b *browser) post(endpoint string, body, answer any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return err // cannot be: bodies are strings, and JSON that was written before
	}
	ctx := context.Background() // the client has a timeout
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, origin+b.path+endpoint, bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("moneykittest: the path %q cannot be in a URL", b.path)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Origin", origin)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Sec-Fetch-Mode", "cors")
	r.Header.Set("Sec-Fetch-Dest", "empty")
	if b.cookie != nil {
		r.AddCookie(b.cookie)
	}
	resp, err := b.client.Do(r)
	if err != nil {
		return fmt.Errorf("moneykittest: POST %s: %w", b.path+endpoint, err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("moneykittest: reading the response to POST %s: %w", b.path+endpoint, err)
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return refusal(b.path+endpoint, resp.StatusCode, got)
	}
	if answer != nil && json.Unmarshal(got, answer) != nil {
		return fmt.Errorf("moneykittest: the response to POST %s is not the JSON of the endpoint", b.path+endpoint)
	}
	return nil
}

// refusal returns the error for a response whose status is not 2xx.
func refusal(path string, status int, body []byte) error {
	var answer struct {
		Error struct {
			Code       string          `json:"code"`
			Message    string          `json:"message"`
			Action     moneykit.Action `json:"action"`
			RetryAfter float64         `json:"retry_after"`
		} `json:"error"`
	}
	_ = json.Unmarshal(body, &answer) // the status says enough
	return &FrontEndError{
		Path: path, Status: status, Code: answer.Error.Code, Message: answer.Error.Message, Action: answer.Error.Action,
		RetryAfter: time.Duration(answer.Error.RetryAfter * float64(time.Second)),
	}
}
