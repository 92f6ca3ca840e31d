package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var kills = flag.Int("kills", 15, "number of times that TestKill kills the program")

// programVariable is an environment variable that makes the test binary run the program.
const programVariable = "MONEYKIT_SANDBOX_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(programVariable) != "" {
		main()
	}
	os.Exit(m.Run())
}

// TestState restarts the program with the same file.
func TestState(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	s := start(t, "-state", path, "-no-delivery", "-seed", "7")
	link, token := s.link(), s.session("")
	s.ask(http.MethodPost, "/control/break", `{"link_id": "`+link+`", "reason": "auth_expired"}`)
	_, data := s.ask(http.MethodGet, "/control/state", "")
	assert.Contains(t, data, path)
	var out bytes.Buffer
	other := []string{"-listen", "localhost:0", "-control", "localhost:0", "-state", path}
	assert.Equal(t, 1, run(t.Context(), other, &out, &out))
	assert.Contains(t, out.String(), path+": another program uses it")
	_, before := s.ask(http.MethodGet, "/control/deliveries", "")
	assert.Zero(t, s.stop())

	s = start(t, "-state", path, "-no-delivery", "-fail", "get_institutions:503")
	assert.Zero(t, s.stop())
	s = start(t, "-state", path, "-no-delivery")
	s.call(http.DefaultClient, http.MethodGet, "/institutions", "") // The faults of -fail are not saved.
	_, data = s.ask(http.MethodGet, "/control/links", "")
	assert.Contains(t, data, link)
	assert.Contains(t, data, "auth_expired")
	_, after := s.ask(http.MethodGet, "/control/deliveries", "")
	assert.JSONEq(t, before, after)
	status, _, stderr := s.command("connect", "-token", token)
	assert.Zero(t, status, stderr)
	assert.Zero(t, s.stop())

	out.Reset()
	assert.Equal(t, 1, run(t.Context(), append(other, "-seed", "8"), &out, &out))
	assert.Contains(t, out.String(), "it has the seed 7")
	good, err := os.ReadFile(path)
	require.NoError(t, err)
	for name, damaged := range map[string][]byte{
		"it is damaged":                     good[:len(good)-3],
		"it was written by a newer version": bytes.Replace(good, []byte("00001"), []byte("00002"), 1),
		"it is not a state file":            []byte("precious notes"),
	} {
		require.NoError(t, os.WriteFile(path, damaged, 0o600))
		out.Reset()
		assert.Equal(t, 1, run(t.Context(), other, &out, &out))
		assert.Contains(t, out.String(), path+": "+name)
		left, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, damaged, left, "the file is not changed")
	}
}

// process is the program in its own process.
type process struct {
	*program

	command *exec.Cmd
}

func spawn(t *testing.T, flags ...string) *process {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	command := exec.CommandContext(t.Context(), self, append([]string{"-listen", "localhost:0", "-control", "localhost:0"}, flags...)...)
	command.Env = append(os.Environ(), programVariable+"=1")
	var stderr bytes.Buffer
	command.Stderr = &stderr
	stdout, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	p := &process{&program{t: t}, command}
	p.info.ClientID, p.info.ClientSecret = "sandbox_client", "sandbox_client_secret"
	lines := bufio.NewScanner(stdout)
	for lines.Scan() && lines.Text() != "ready" {
		fields := strings.Fields(lines.Text())
		if len(fields) > 1 && fields[0] == "API" {
			p.info.API = fields[1]
		}
		if len(fields) > 1 && fields[0] == "Control" {
			p.info.Control = strings.TrimSuffix(fields[1], ",")
		}
	}
	require.Equal(t, "ready", lines.Text(), &stderr)
	return p
}

// answers contains the data that the program has confirmed to writers.
type answers struct {
	mu     sync.Mutex
	states map[string]string // error of each link, or ""
	tokens []string          // tokens of link sessions
	rows   map[string]string // link ids by transaction id
	left   int               // number of responses until the program is killed
}

// write changes the sandbox until the program is killed, and records the confirmed changes.
func (a *answers) write(p *process, random *rand.Rand, writer string, enough chan<- struct{}) {
	client := &http.Client{Transport: &http.Transport{}}
	post := func(path, body string) map[string]any {
		r, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.info.Control+"/control/"+path, strings.NewReader(body))
		if err != nil {
			return nil
		}
		r.Header.Set("Content-Type", "application/json")
		if path == "session" {
			r.URL.Host, r.URL.Path = strings.TrimPrefix(p.info.API, "http://"), "/link-session"
			r.Header.Set("X-Client-Id", p.info.ClientID)
			r.Header.Set("X-Client-Secret", p.info.ClientSecret)
		}
		response, err := client.Do(r)
		if err != nil {
			return nil
		}
		defer response.Body.Close()
		var out map[string]any
		if json.NewDecoder(response.Body).Decode(&out) != nil {
			return nil
		}
		if response.StatusCode > 299 {
			p.t.Errorf("%s: %d: %v", path, response.StatusCode, out)
			return nil
		}
		return out
	}
	link := ""
	for i := 0; ; i++ {
		kind, id := random.IntN(4), ""
		var out map[string]any
		switch {
		case kind == 0 || link == "":
			out = post("link", `{"user_id": "user-42"}`)
		case kind == 1:
			out = post("session", `{"customer_user": {"id": "user-42"}, "redirect_uri": "https://app.example/back"}`)
		case kind == 2:
			id = fmt.Sprintf("txn_%s_%d", writer, i)
			out = post("transactions", `{"link_id": "`+link+`", "add": [{"transaction_id": "`+id+`", "amount": 1}]}`)
		default:
			out = post("break", `{"link_id": "`+link+`", "reason": "auth_expired"}`)
		}
		if out == nil {
			return
		}
		a.mu.Lock()
		if token, ok := out["link_session_token"].(string); ok {
			a.tokens = append(a.tokens, token)
		} else {
			link, _ = out["id"].(string)
			a.states[link], _ = out["error"].(string)
		}
		if id != "" {
			a.rows[id] = link
		}
		if a.left--; a.left == 0 {
			close(enough)
		}
		a.mu.Unlock()
	}
}

// TestKill kills the program at random moments while it writes. After a restart, all confirmed
// changes must exist.
func TestKill(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	a := &answers{states: map[string]string{}, rows: map[string]string{}}
	for round := range *kills {
		p := spawn(t, "-state", path, "-no-delivery", "-history", "24h")
		a.check(p)
		enough := make(chan struct{})
		a.left = 1 + rand.IntN(60)
		var writers sync.WaitGroup
		for w := range 4 {
			random := rand.New(rand.NewPCG(uint64(round), uint64(w)))
			writers.Go(func() { a.write(p, random, fmt.Sprintf("%d_%d", round, w), enough) })
		}
		<-enough
		require.NoError(t, p.command.Process.Kill())
		writers.Wait()
		_ = p.command.Wait()
	}
	p := spawn(t, "-state", path, "-no-delivery")
	a.check(p)
	t.Logf("%d links, %d sessions and %d transactions after %d kills", len(a.states), len(a.tokens), len(a.rows), *kills)
	require.NoError(t, p.command.Process.Kill())
	_ = p.command.Wait()
}

// check checks that all confirmed changes exist.
func (a *answers) check(p *process) {
	p.t.Helper()
	var links []struct{ ID, Error string }
	_, data := p.ask(http.MethodGet, "/control/links", "")
	require.NoError(p.t, json.Unmarshal([]byte(data), &links))
	found := map[string]string{}
	for _, l := range links {
		found[l.ID] = l.Error
	}
	for id, state := range a.states {
		got, ok := found[id]
		require.True(p.t, ok, "the link %s is lost", id)
		if state != "" {
			require.Equal(p.t, state, got, "link %s", id)
		}
	}
	_, data = p.ask(http.MethodGet, "/control/sessions", "")
	for _, token := range a.tokens {
		require.Contains(p.t, data, token)
	}
	pages := map[string]string{}
	for id, link := range a.rows {
		if pages[link] == "" {
			s := p.program
			r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.info.API+"/links/"+link+"/transactions/sync?size=500", nil)
			require.NoError(s.t, err)
			r.Header.Set("X-Client-Id", s.info.ClientID)
			r.Header.Set("X-Client-Secret", s.info.ClientSecret)
			_, pages[link] = send(s.t, http.DefaultClient, r)
		}
		if !strings.Contains(pages[link], "link_error") { // a link in error cannot be read
			require.Contains(p.t, pages[link], id)
		}
	}
}
