package browsertest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
)

// build builds moneykit-sandbox, and returns its path.
var build = sync.OnceValues(func() (string, error) {
	path := filepath.Join(scratch, "moneykit-sandbox")
	out, err := exec.CommandContext(context.Background(), "go", "build", "-o", path, // #nosec G204 -- a folder of the tests
		"github.com/moneykit/moneykit-go/cmd/moneykit-sandbox").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, out)
	}
	return path, err
})

// sandbox is a running moneykit-sandbox.
type sandbox struct {
	t            *testing.T
	api, control string // URLs
	command      *exec.Cmd
}

// launch starts moneykit-sandbox on free ports, or on those that flags name, and ends it with the
// test.
func launch(t *testing.T, flags ...string) *sandbox {
	t.Helper()
	path, err := build()
	require.NoError(t, err)
	// The test ends the program itself, after its pages.
	flags = append([]string{"-listen", "localhost:0", "-control", "localhost:0"}, flags...)
	command := exec.CommandContext(context.WithoutCancel(t.Context()), path, flags...)
	p := &sandbox{t: t, command: command}
	stdout, err := p.command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, p.command.Start())
	t.Cleanup(p.stop)
	lines := bufio.NewScanner(stdout)
	for lines.Scan() && lines.Text() != "ready" {
		name, value, _ := strings.Cut(strings.TrimSpace(lines.Text()), "  ")
		value, _, _ = strings.Cut(strings.TrimSpace(value), ",")
		switch name {
		case "API":
			p.api = value
		case "Control":
			p.control = value
		}
	}
	require.Equal(t, "ready", lines.Text())
	return p
}

// stop ends the program at once.
func (p *sandbox) stop() {
	if p.command.ProcessState == nil {
		_ = p.command.Process.Kill()
		_ = p.command.Wait()
	}
}

// steadyAddress returns a free address that stays free while its program restarts, because systems
// do not assign its port to programs that ask for any port.
func steadyAddress(t *testing.T) string {
	t.Helper()
	for range 1000 {
		address := fmt.Sprint("localhost:", 10_000+rand.IntN(20_000))
		var config net.ListenConfig
		if listener, err := config.Listen(t.Context(), "tcp", address); err == nil {
			require.NoError(t, listener.Close())
			return address
		}
	}
	require.Fail(t, "no port is free")
	return ""
}

// ports returns flags for another program on the same ports.
func (p *sandbox) ports() []string {
	var flags []string
	for flag, address := range map[string]string{"-listen": p.api, "-control": p.control} {
		_, host, _ := strings.Cut(address, "://")
		flags = append(flags, flag, host)
	}
	return flags
}

// page opens the page of the control API.
func (p *sandbox) page() tab {
	p.t.Helper()
	b := newTab(p.t)
	b.open(p.control + "/")
	isLive(b)
	return b
}

// isLive waits until the page shows that it is live.
func isLive(b tab) {
	b.t.Helper()
	b.until(`document.querySelector("#live").textContent === "Live"`)
}

// call calls a verb and returns the members of its result.
func (p *sandbox) call(verb string, params map[string]any) map[string]any {
	p.t.Helper()
	body, err := json.Marshal(params)
	require.NoError(p.t, err)
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.control+"/control/"+verb, bytes.NewReader(body))
	require.NoError(p.t, err)
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	require.NoError(p.t, err)
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	require.NoError(p.t, err)
	require.Equal(p.t, http.StatusOK, response.StatusCode, string(data))
	var members map[string]any
	require.NoError(p.t, json.Unmarshal(data, &members))
	return members
}

// link makes a link of a user and returns its id.
func (p *sandbox) link(user string) string {
	p.t.Helper()
	id, ok := p.call("link", map[string]any{"user_id": user, "webhook": "http://127.0.0.1:1/hook"})["id"].(string)
	require.True(p.t, ok)
	return id
}

// client returns a client of the program's API.
func (p *sandbox) client() *moneykit.Client {
	p.t.Helper()
	client, err := moneykit.NewClient("sandbox_client", "sandbox_client_secret", moneykit.WithBaseURL(p.api))
	require.NoError(p.t, err)
	return client
}

// subcommand runs another process of the program with a command line from the page.
func (p *sandbox) subcommand(line string) string {
	p.t.Helper()
	path, err := build()
	require.NoError(p.t, err)
	require.True(p.t, strings.HasPrefix(line, "moneykit-sandbox "), line)
	// #nosec G204 -- the line is from the page
	out, err := exec.CommandContext(p.t.Context(), "sh", "-c", "exec "+path+strings.TrimPrefix(line, "moneykit-sandbox")).CombinedOutput()
	require.NoError(p.t, err, "%s: %s", line, out)
	return string(out)
}
