package browsertest

import (
	"bufio"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/internal/postgrestest"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// TestCreateLink uses examples/create-link as a user does: it starts the program and opens its
// page.
func TestCreateLink(t *testing.T) {
	t.Parallel()
	file := buildCreateLink(t)
	for name, test := range map[string]func(launcher){
		"minute":    launcher.minute,
		"popup":     launcher.popup,
		"full page": launcher.fullPage,
		"crash":     launcher.crash,
		"look":      launcher.look,
		"behind":    launcher.behind,
		"picture":   launcher.picture,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(launcher{t, file})
		})
	}
}

// launcher starts the program of a file.
type launcher struct {
	t    *testing.T
	file string
}

// buildCreateLink compiles the program, which is deleted after the test and its subtests.
func buildCreateLink(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "create-link")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", file, ".")
	build.Dir = filepath.Join("..", "..", "examples", "create-link")
	output, err := build.CombinedOutput()
	require.NoError(t, err, string(output))
	return file
}

// program is a running examples/create-link.
type program struct {
	t       *testing.T
	command *exec.Cmd
	origin  string
}

// start starts the program with variables of the environment besides the usual ones, and returns
// when it has printed the address of its page.
func (l launcher) start(addr string, env ...string) *program {
	l.t.Helper()
	command := exec.CommandContext(l.t.Context(), l.file, "-addr", addr, "-modules", "node_modules") // #nosec G204 -- built by this test
	command.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + l.t.TempDir()}, env...)
	command.Stderr = os.Stderr
	output, err := command.StdoutPipe()
	require.NoError(l.t, err)
	require.NoError(l.t, command.Start())
	p := &program{t: l.t, command: command}
	l.t.Cleanup(p.kill)
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		if _, origin, ok := strings.Cut(lines.Text(), "Open     "); ok {
			p.origin = origin
		}
		if strings.Contains(lines.Text(), "Stop ") {
			break
		}
	}
	require.NotEmpty(l.t, p.origin, "the program says where its page is")
	return p
}

// kill ends the program at once, like a crash.
func (p *program) kill() {
	if p.command.ProcessState == nil {
		_ = p.command.Process.Kill() // It may have ended.
		_ = p.command.Wait()         // The error is that it was killed.
	}
}

// programTab is the program's page in a browser.
type programTab struct {
	tab

	host string // of Connect's pages
}

// visit opens the page in a new browser.
func (p *program) visit() programTab {
	p.t.Helper()
	b := programTab{tab: newTab(p.t)}
	b.enter(p)
	return b
}

// enter opens the page in the same tab.
func (b *programTab) enter(p *program) {
	b.t.Helper()
	b.open(p.origin + "/")
	b.until("document.querySelector('#live')?.textContent === 'live'")
	b.host = eval[string](b.tab, `fetch("/").then((page) => page.headers.get("Content-Security-Policy").match(/frame-src ([^ ;]+)/)[1])`)
}

// frame returns Connect's frame.
func (b *programTab) frame(name string) tab {
	b.t.Helper()
	return opened(b.find("iframe", b.host+"/"+name))
}

// says waits until the page's status line has a text.
func (b *programTab) says(text string) {
	b.t.Helper()
	b.until(fmt.Sprintf("document.querySelector('#status').textContent.includes(%q)", text))
}

// card waits until the page shows a number of links, and the last one in a state.
func (b *programTab) card(links int, state string) {
	b.t.Helper()
	b.until(fmt.Sprintf(`(() => {
		const cards = document.querySelectorAll(".link");
		return cards.length === %d && cards[%d].dataset.state === %q;
	})()`, links, links-1, state))
}

// text returns the text of an element.
func (b *programTab) text(selector string) string {
	b.t.Helper()
	return eval[string](b.tab, fmt.Sprintf("document.querySelector(%q).innerText", selector))
}

// signIn signs in at the Credentials Bank, and continues until Connect ends.
func signIn(frame view) {
	frame.test().Helper()
	shown(frame, "Credentials")
	frame.do(`for (const [id, value] of [["username", "user_good"], ["password", "pass_good"]]) {
		const field = document.getElementById(id);
		field.value = value;
		field.dispatchEvent(new Event("input", { bubbles: true }));
	}`)
	frame.click(".screen button.main")
	frame.until("document.querySelector('.screen')?.dataset.name !== 'Credentials'")
	goOn(frame)
}

// connect links the Credentials Bank.
func (b *programTab) connect() {
	b.t.Helper()
	b.click("#connect")
	frame := b.frame("start")
	choose(frame, moneykittest.CredentialsBank)
	signIn(frame)
	b.card(1, "connected")
}

// minute plays the first minute of a user, and then uses everything on the page.
func (l launcher) minute() {
	t, start := l.t, time.Now()
	b := l.start("localhost:0").visit()
	assert.Contains(t, b.text("#empty"), "No bank yet")
	b.connect()
	took := time.Since(start)
	t.Logf("from the start of the program to a linked account: %.1f s", took.Seconds())
	assert.Less(t, took, time.Minute, "the README promises a link within a minute")

	b.says("Credentials Bank is connected.")
	assert.Contains(t, b.text(".link"), "Everyday Checking")
	assert.Regexp(t, `\$[\d,]+\.\d\d`, b.text(".link .amount"))
	assert.Regexp(t, `^-?\$[\d,]+\.\d\d$`, b.text("#totals"))
	b.until("document.querySelector('#empty').hidden")
	for _, source := range []string{"connect", "app", "webhook"} {
		b.until("document.querySelector('#events [data-source=" + source + "]')")
	}

	b.click(".show")
	b.until("document.querySelectorAll('#transactions .rows li').length === 12")
	b.click("#transactions .more")
	b.until("document.querySelectorAll('#transactions .rows li').length > 12")
	b.click(".add")
	b.until("document.querySelector('#transactions .rows').innerText.includes('Coffee at the corner')")

	b.click(".break")
	b.card(1, "error")
	assert.Contains(t, b.text(".link .notice"), "log in again")
	b.until("document.querySelector('#transactions').hidden")
	b.click(".fix")
	frame := b.frame("relink")
	goOn(frame)
	signIn(frame)
	b.says("Credentials Bank works again.")
	b.card(1, "connected")

	b.click(".disconnect")
	b.until("document.querySelector('#confirm').open")
	b.click("#confirm [value=keep]")
	b.until("!document.querySelector('#confirm').open")
	b.card(1, "connected")
	b.click(".disconnect")
	b.click("#confirm-disconnect")
	b.says("Credentials Bank is disconnected.")
	b.until("document.querySelectorAll('.link').length === 0 && !document.querySelector('#empty').hidden")
	assert.Empty(t, b.said())
}

func (l launcher) popup() {
	b := l.start("localhost:0").visit()
	isSeenAfter(b.tab, "/app.js")
	b.click("#connect")
	choose(b.frame("start"), moneykittest.OAuthBank)
	answer(b.find("page", b.host+bankPath), true)
	goOn(b.frame("start"))
	b.says("OAuth Bank is connected.")
	b.card(1, "connected")
	b.gone(b.host + bankPath)
	assert.Empty(l.t, b.said())
}

func (l launcher) fullPage() {
	p := l.start("localhost:0")
	b := p.visit()
	b.click("#connect")
	goToBank(b.frame("start"))
	b.until("location.pathname === '" + bankPath + "'")
	answer(b, true)
	goOn(b.frame("continue"))
	b.says("OAuth Bank is connected.")
	b.card(1, "connected")
	at, err := url.Parse(eval[string](b.tab, "location.href"))
	require.NoError(l.t, err)
	assert.Equal(l.t, "/", at.RequestURI(), "nothing of the bank's return stays in the address")
	assert.Equal(l.t, p.origin, at.Scheme+"://"+at.Host)
}

// Links in a PostgreSQL survive a crash of the program, and work after a restart.
func (l launcher) crash() {
	database := "DATABASE_URL=" + postgrestest.Start(l.t)
	p := l.start(steadyAddress(l.t), database)
	b := p.visit()
	b.connect()
	totals := b.text("#totals")
	p.kill()
	b.until("document.querySelector('#live').textContent === 'reconnecting'")

	// The page in the browser finds the program again.
	again := l.start(strings.TrimPrefix(p.origin, "http://"), database)
	b.until("document.querySelector('#live').textContent === 'live'")
	b.enter(again)
	b.card(1, "connected")
	assert.Equal(l.t, totals, b.text("#totals"))
	b.click(".show")
	b.until("document.querySelectorAll('#transactions .rows li').length === 12")
	b.click(".break")
	b.card(1, "error")
	b.click(".fix")
	frame := b.frame("relink")
	goOn(frame)
	signIn(frame)
	b.says("Credentials Bank works again.")
	b.card(1, "connected")
	b.click(".disconnect")
	b.click("#confirm-disconnect")
	b.says("Credentials Bank is disconnected.")
	again.kill()

	b.enter(l.start("localhost:0", database))
	b.until("!document.querySelector('#empty').hidden")
}
