package browsertest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/moneykittest"
)

// stepPath is the path to which the pages of Connect send the steps of users.
const stepPath = "/connect/step"

// fault responds to a step instead of the server.
type fault func(w http.ResponseWriter, r *http.Request, server http.Handler)

// wire is between Connect's pages and their server.
type wire struct {
	s *site

	mu     sync.Mutex
	server http.Handler
	faults map[string][]fault
	came   map[string]int
}

// disturb puts a wire between the pages of Connect and their server.
func (s *site) disturb() *wire {
	w := &wire{s: s, server: s.mk.Handler(), faults: map[string][]fault{}, came: map[string]int{}}
	s.around = w.serve
	return w
}

// next lets faults respond to the next steps with an action, one each.
func (w *wire) next(action string, faults ...fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults[action] = append(w.faults[action], faults...)
}

// connectTo replaces the server.
func (w *wire) connectTo(server http.Handler) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.server = server
}

// count returns how often a step came.
func (w *wire) count(action string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.came[action]
}

func (w *wire) serve(rw http.ResponseWriter, r *http.Request) bool {
	var step struct{ Action string }
	if r.URL.Path == stepPath {
		body, err := io.ReadAll(r.Body)
		assert.NoError(w.s.t, err)
		assert.NoError(w.s.t, json.Unmarshal(body, &step))
		r.Body = io.NopCloser(strings.NewReader(string(body)))
	}
	server, respond := w.take(step.Action)
	if respond != nil {
		respond(rw, r, server)
	} else {
		server.ServeHTTP(rw, r)
	}
	return true
}

// take returns the function that responds to a step.
func (w *wire) take(action string) (http.Handler, fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.came[action]++
	faults := w.faults[action]
	if len(faults) == 0 {
		return w.server, nil
	}
	w.faults[action] = faults[1:]
	return w.server, faults[0]
}

// The faults of a network.

// broken closes the connection before the server gets the step. Browsers send a request again by
// themselves if a connection that they have used before is closed without a byte.
func broken(w http.ResponseWriter, r *http.Request, _ http.Handler) {
	w.Header().Set("Content-Length", "100")
	_, _ = io.WriteString(w, `{"html": "`)
	_ = http.NewResponseController(w).Flush()
	cut(w, r)
}

// lost closes the connection after the server has carried out the step.
func lost(w http.ResponseWriter, r *http.Request, server http.Handler) {
	server.ServeHTTP(httptest.NewRecorder(), r)
	broken(w, r, server)
}

// lostSilently is like lost, but sends no byte.
func lostSilently(w http.ResponseWriter, r *http.Request, server http.Handler) {
	server.ServeHTTP(httptest.NewRecorder(), r)
	cut(w, r)
}

// hanging never responds, and the server does not get the step.
func hanging(_ http.ResponseWriter, r *http.Request, _ http.Handler) { <-r.Context().Done() }

// hangingAfter never responds after the server has carried out the step.
func hangingAfter(_ http.ResponseWriter, r *http.Request, server http.Handler) {
	server.ServeHTTP(httptest.NewRecorder(), r)
	<-r.Context().Done()
}

// held sends the step to the server, and delays the response until the channel is closed.
func held(release <-chan struct{}) fault {
	return func(w http.ResponseWriter, r *http.Request, server http.Handler) {
		recorded := httptest.NewRecorder()
		server.ServeHTTP(recorded, r)
		select {
		case <-release:
		case <-r.Context().Done():
			return
		}
		w.WriteHeader(recorded.Code)
		_, _ = w.Write(recorded.Body.Bytes())
	}
}

// html responds with HTML, as proxies do.
func html(status int) fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "<!doctype html><h1>Sorry</h1><script>window.hacked = true</script>")
	}
}

// other responds with JSON that is not a screen.
func other(body string) fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, body)
	}
}

// holdTimeouts delays all timeouts of a frame until the test calls runOut.
func holdTimeouts(frame tab) {
	frame.t.Helper()
	frame.do(`window.timeouts = [];
		AbortSignal.timeout = () => { timeouts.push(new AbortController()); return timeouts.at(-1).signal }`)
}

// runOut makes all requests of a frame time out.
func runOut(frame tab) {
	frame.t.Helper()
	frame.do("timeouts.forEach((timeout) => timeout.abort(new DOMException('', 'TimeoutError')))")
}

// isTroubled is true if Connect shows the bar with the retry button.
const isTroubled = "document.querySelector('#trouble button')?.checkVisibility()"

// tryAgain waits until Connect reports that it could not reach its server, and clicks the retry
// button.
func tryAgain(frame tab) {
	frame.t.Helper()
	frame.until(isTroubled)
	assert.Contains(frame.t, eval[string](frame, "document.querySelector('#trouble').innerText"), "could not reach")
	frame.do("window.tried = document.querySelector('#trouble button'); tried.click()")
	frame.until("!tried.isConnected")
}

// fillIn fills in fields of a screen by their names.
func fillIn(frame tab, screen string, fields map[string]string) {
	frame.t.Helper()
	shown(frame, screen)
	values, err := json.Marshal(fields)
	require.NoError(frame.t, err)
	frame.do(fmt.Sprintf(`for (const [name, value] of Object.entries(%s)) document.querySelector(".screen").elements[name].value = value`, values))
}

// toCredentials continues to the screen Credentials.
func toCredentials(frame tab) {
	frame.t.Helper()
	pick(frame, moneykittest.CredentialsBank)
	submit(frame, "Permissions")
	shown(frame, "Credentials")
}

// heardOnly waits until the application's hooks were called with exactly these texts. Events arrive
// in order. The end of Connect is posted separately, at the same time.
func (s *site) heardOnly(want []string) {
	s.t.Helper()
	within(func() bool { return len(s.told()) >= len(want) })
	told := s.told()
	isEnd := func(what string) bool { return what == "exited" }
	assert.Len(s.t, told, len(want))
	assert.Equal(s.t, slices.ContainsFunc(want, isEnd), slices.ContainsFunc(told, isEnd), "the end")
	assert.Equal(s.t, slices.DeleteFunc(slices.Clone(want), isEnd), slices.DeleteFunc(told, isEnd))
}

// hears waits until the application's hooks were called with a text.
func (s *site) hears(what string) {
	s.t.Helper()
	assert.True(s.t, within(func() bool { return slices.Contains(s.told(), what) }), "%s: %s", what, s.told())
}

// lastResult returns the body of the last post to the endpoint result.
func (s *site) lastResult() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	require.NotEmpty(s.t, s.results)
	return s.results[len(s.results)-1]
}

// middle returns where the middle of an element of a frame is, which fills the page.
func middle(frame tab, selector string) (x, y float64) {
	frame.t.Helper()
	return frame.middle(fmt.Sprintf("document.querySelector(%q)", selector))
}

// middle returns where the middle of an element is, which JavaScript finds, as soon as it is there
// and does not move any more.
func (b tab) middle(element string) (x, y float64) {
	b.t.Helper()
	b.until("(" + element + ")?.checkVisibility()")
	point := eval[[]float64](b, `new Promise((done) => {
		let before = "";
		(function look() {
			const e = `+element+`;
			e?.scrollIntoView({ block: "nearest", behavior: "instant" });
			const { x, y, width, height } = e?.getBoundingClientRect() ?? {};
			const at = [x + width / 2, y + height / 2];
			if (e && String(at) === before) {
				done(at);
			} else {
				before = String(at);
				requestAnimationFrame(look);
			}
		})();
	})`)
	return point[0], point[1]
}

// press presses the mouse button at a point of a page. count is the number of the click there: 2
// for the second one of a double click.
func (b tab) press(x, y float64, count int) {
	b.t.Helper()
	require.NoError(b.t, chromedp.Do(b.ctx, chromedp.MouseClickXY(x, y, chromedp.ClickCount(count))))
}
