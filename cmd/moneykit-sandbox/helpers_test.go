package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/cmd/moneykit-sandbox/internal/control"
)

// program is a running moneykit-sandbox.
type program struct {
	t      *testing.T
	info   control.Info
	stderr *output
	stop   func() int // ends the program and returns its exit status
}

// output is the output of a program.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{} // something was printed
}

func newOutput() *output { return &output{more: make(chan struct{}, 1)} }

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	select {
	case o.more <- struct{}{}:
	default:
	}
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// patience is the time after which a test stops waiting and fails.
const patience = time.Minute

// await waits until the output contains a text.
func (o *output) await(t *testing.T, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for !strings.Contains(o.String(), text) {
		select {
		case <-o.more:
		case <-ctx.Done():
			require.Fail(t, "the program does not print "+text, o.String())
		}
	}
}

// until calls do repeatedly until the output contains a text.
func (o *output) until(t *testing.T, text string, do func()) {
	t.Helper()
	for began := time.Now(); !strings.Contains(o.String(), text); do() {
		require.Less(t, time.Since(began), patience, "the program does not print %s: %s", text, o)
	}
}

// start runs the program with flags, on free ports.
func start(t *testing.T, flags ...string) *program {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	stdout, stderr := newOutput(), newOutput()
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, append([]string{"-listen", "localhost:0", "-control", "localhost:0"}, flags...), stdout, stderr)
		_, _ = stdout.Write([]byte("ended\n"))
	}()
	status := sync.OnceValue(func() int {
		cancel()
		return <-ended
	})
	t.Cleanup(func() { status() })
	for !strings.Contains(stdout.String(), "\nready\n") {
		<-stdout.more
		require.NotContains(t, stdout.String(), "ended", stderr.String())
	}
	s := &program{t: t, stderr: stderr, stop: status}
	for line := range strings.Lines(stdout.String()) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "  "); ok {
			value, _, _ = strings.Cut(strings.TrimSpace(value), ",")
			switch name {
			case "API":
				s.info.API = value
			case "Control":
				s.info.Control = value
			case "CA":
				s.info.CA = value
			}
		}
	}
	s.info.ClientID, s.info.ClientSecret = "sandbox_client", "sandbox_client_secret"
	return s
}

// command runs a subcommand and returns its exit status and its output.
func (s *program) command(args ...string) (status int, stdout, stderr string) {
	s.t.Helper()
	var out, errs bytes.Buffer
	status = run(s.t.Context(), append(args, "-control", s.info.Control), &out, &errs)
	return status, out.String(), errs.String()
}

// ask sends a request to the control API, and returns the status and the body of the response.
func (s *program) ask(method, path, body string, headers ...string) (int, string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.info.Control+path, strings.NewReader(body))
	require.NoError(s.t, err)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	return send(s.t, http.DefaultClient, r)
}

func send(t *testing.T, client *http.Client, r *http.Request) (int, string) {
	t.Helper()
	response, err := client.Do(r)
	require.NoError(t, err)
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(data)
}

// call calls the API as a client in another language does, and returns the members of the response.
func (s *program) call(client *http.Client, method, path, body string) map[string]any {
	s.t.Helper()
	var token struct {
		AccessToken string `json:"access_token"`
	}
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.info.API+"/auth/token",
		strings.NewReader(url.Values{"grant_type": {"client_credentials"}}.Encode()))
	require.NoError(s.t, err)
	r.SetBasicAuth(s.info.ClientID, s.info.ClientSecret)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	_, data := send(s.t, client, r)
	require.NoError(s.t, json.Unmarshal([]byte(data), &token))
	r, err = http.NewRequestWithContext(s.t.Context(), method, s.info.API+path, strings.NewReader(body))
	require.NoError(s.t, err)
	r.Header.Set("Authorization", "Bearer "+token.AccessToken)
	r.Header.Set("Content-Type", "application/json")
	status, data := send(s.t, client, r)
	require.Less(s.t, status, 300, data)
	var members map[string]any
	require.NoError(s.t, json.Unmarshal([]byte(data), &members))
	return members
}

// session creates a link session and returns its token.
func (s *program) session(members string) string {
	s.t.Helper()
	token, ok := s.call(http.DefaultClient, http.MethodPost, "/link-session",
		`{"customer_user": {"id": "user-42"}, "redirect_uri": "https://app.example/back"`+members+`}`)["link_session_token"].(string)
	require.True(s.t, ok)
	return token
}

// link creates a link with a webhook and returns its id.
func (s *program) link() string {
	s.t.Helper()
	status, data := s.ask(http.MethodPost, "/control/link", `{"user_id": "user-42", "webhook": "http://127.0.0.1:1/hook"}`)
	require.Equal(s.t, http.StatusOK, status, data)
	var link struct{ ID string }
	require.NoError(s.t, json.Unmarshal([]byte(data), &link))
	assert.NotEmpty(s.t, link.ID)
	return link.ID
}
