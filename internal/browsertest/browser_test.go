package browsertest

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// browser is the context of the Chromium that nearly all tests share.
var browser context.Context

// scratch is a folder for files that several tests use.
var scratch string

// browserOptions are the flags of Chromium.
func browserOptions() []chromedp.ExecAllocatorOption {
	return append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox, // Root has no sandbox.
		chromedp.Flag("no-proxy-server", true),
		// The servers of the tests are on this machine, which pages may not always reach.
		chromedp.Flag("disable-features", "LocalNetworkAccessChecks,Translate"),
		// Frames of Connect are in a process of their own, as in the usual browsers.
		chromedp.Flag("site-per-process", true),
	)
}

func TestMain(m *testing.M) {
	allocator, stop := chromedp.NewExecAllocator(context.Background(), browserOptions()...)
	defer stop()
	ctx, cancel := chromedp.NewContext(allocator)
	defer cancel()
	if err := chromedp.Do(ctx); err != nil {
		panic(fmt.Sprint("Chromium did not start: ", err))
	}
	browser = ctx //nolint:fatcontext // All tests share it.
	dir, err := os.MkdirTemp("", "browsertest")
	if err != nil {
		panic(fmt.Sprint("There is no folder for the tests: ", err))
	}
	defer os.RemoveAll(dir)
	scratch = dir
	m.Run()
}

// patience limits the wait for one condition. Tests that pass wait much shorter, so it is enough
// for a much slower machine.
const patience = 30 * time.Second

// tab is a page, a window, or a frame of another site.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu      *sync.Mutex
	console *[]string
}

func (b tab) test() *testing.T { return b.t }

// newTab opens an empty page. Its storage is that of a new user. It behaves like the page in front,
// regardless of the pages of other tests.
func newTab(t *testing.T) tab {
	t.Helper()
	b := attach(t, browser, chromedp.WithNewBrowserContext())
	_, err := chromedp.Call(b.ctx, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	require.NoError(t, err)
	return b
}

func attach(t *testing.T, parent context.Context, option chromedp.ContextOption) tab {
	t.Helper()
	b, err := tryAttach(t, parent, option)
	require.NoError(t, err)
	return b
}

func tryAttach(t *testing.T, parent context.Context, option chromedp.ContextOption) (tab, error) {
	t.Helper()
	b := tab{t: t, mu: &sync.Mutex{}, console: &[]string{}}
	ctx, cancel := chromedp.NewContext(parent, option, chromedp.WithListener(b.hear))
	b.ctx = ctx
	err := chromedp.Do(ctx)
	if err == nil {
		err = b.slowDown()
	}
	if err != nil {
		cancel()
		return tab{}, err
	}
	t.Cleanup(cancel)
	return b, nil
}

// beside opens an empty page in the same browser. It has the same localStorage.
func (b tab) beside() tab {
	b.t.Helper()
	return attach(b.t, b.ctx, func(*chromedp.Context) {})
}

// hear stores the console messages.
func (b tab) hear(event any) {
	text := ""
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		for _, arg := range e.Args {
			text += " " + string(arg.Value) + arg.Description
		}
		text = string(e.Type) + text
	case *runtime.EventExceptionThrown:
		text = "exception " + e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			text += " " + e.ExceptionDetails.Exception.Description
		}
	case *page.EventJavascriptDialogOpening:
		text = "dialog " + e.Message
	default:
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	*b.console = append(*b.console, text)
}

// said returns the console messages.
func (b tab) said() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Join(*b.console, "\n")
}

func (b tab) open(url string) {
	b.t.Helper()
	require.NoError(b.t, chromedp.Do(b.ctx, chromedp.Navigate(url)))
}

// eval evaluates JavaScript as if the user had just clicked, and waits for a promise.
func eval[T any](b tab, expression string) T {
	b.t.Helper()
	value, err := try[T](b, expression)
	require.NoError(b.t, err, expression)
	return value
}

func try[T any](b tab, expression string) (T, error) {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise, func(p *runtime.EvaluateParams) {
		gesture := true
		p.UserGesture = &gesture
	}))
}

// isLoaded is true when all scripts of a page have run, so that it reacts to its user.
const isLoaded = "document.readyState === 'complete'"

// do evaluates JavaScript in a loaded page, and ignores the value. The page may be closed
// afterwards.
func (b tab) do(expression string) {
	b.t.Helper()
	b.act("true", expression)
}

// act evaluates JavaScript once, as soon as a page is loaded and a condition is true there.
func (b tab) act(condition, expression string) {
	b.t.Helper()
	b.until(condition)
	// The page may have changed since.
	require.True(b.t, within(func() bool {
		return eval[bool](b, "(() => { if (!("+isLoaded+" && ("+condition+"))) return false;"+expression+"; return true })()")
	}), "%s\nconsole: %s", expression, b.said())
}

// click clicks an element as soon as it is there.
func (b tab) click(selector string) {
	b.t.Helper()
	element := fmt.Sprintf("document.querySelector(%q)", selector)
	b.act(element+" !== null", element+".click()")
}

// until waits until a page is loaded and an expression is true. It may be evaluated in several
// pages, one after another.
func (b tab) until(expression string) {
	b.t.Helper()
	b.early(isLoaded + " && (" + expression + ")")
}

// early waits until an expression is true in a page that may still be loading.
func (b tab) early(expression string) {
	b.t.Helper()
	last := error(nil)
	if !within(func() bool {
		ok, err := try[bool](b, "Boolean("+expression+")")
		last = err
		return err == nil && ok
	}) {
		text, _ := try[string](b, "location.href.split('?')[0] + ' is ' + document.readyState + ': ' + document.body?.innerText")
		require.Fail(b.t, "it does not come true", "%s: %v\npage: %s\nconsole: %s", expression, last, text, b.said())
	}
}

// within reports whether a condition becomes true before patience ends.
func within(condition func() bool) bool {
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(patience)
	for {
		if condition() {
			return true
		}
		select {
		case <-ticker.C:
		case <-deadline:
			return false
		}
	}
}

// find attaches to a target of a type, such as page or iframe, whose URL has a prefix. Of frames it
// finds those of the document that the page shows now.
func (b tab) find(kind, prefix string) tab {
	b.t.Helper()
	var found tab
	last := error(nil)
	require.True(b.t, within(func() bool {
		targets, err := chromedp.Targets(b.ctx)
		require.NoError(b.t, err)
		for _, target := range targets {
			if target.Type != kind || !strings.HasPrefix(target.URL, prefix) || (kind == "iframe" && !b.shows(target.TargetID)) {
				continue
			}
			if found, last = tryAttach(b.t, b.ctx, chromedp.WithTargetID(target.TargetID)); last == nil {
				return true
			}
		}
		return false
	}), "there is no %s at %s: %v\nconsole: %s", kind, prefix, last, b.said())
	if kind == "iframe" {
		now := true
		_, err := chromedp.Call(found.ctx, page.AddScriptToEvaluateOnNewDocument,
			page.AddScriptToEvaluateOnNewDocumentParams{Source: holdScreens, RunImmediately: &now})
		require.NoError(b.t, err)
	}
	return found
}

// shows reports whether the document of a page has a frame. The frames of its last document
// disappear later than the document.
func (b tab) shows(id target.ID) bool {
	document, err := chromedp.Call(b.ctx, runtime.Evaluate, runtime.EvaluateParams{Expression: "document"})
	if err != nil {
		return false // It is being replaced.
	}
	depth := int64(-1)
	described, err := chromedp.Call(b.ctx, dom.DescribeNode, dom.DescribeNodeParams{ObjectID: document.Result.ObjectID, Depth: &depth})
	if err != nil {
		return false
	}
	nodes := []*cdp.Node{described.Node}
	for len(nodes) > 0 {
		node := nodes[0]
		if string(node.FrameID) == string(id) {
			return true
		}
		nodes = append(nodes[1:], node.Children...)
	}
	return false
}

// closes closes a window, and waits until it is closed.
func (b tab) closes() {
	b.t.Helper()
	id := chromedp.FromContext(b.ctx).Target.TargetID
	b.do("setTimeout(() => window.close())")
	require.True(b.t, within(func() bool {
		targets, err := chromedp.Targets(browser)
		require.NoError(b.t, err)
		return !slices.ContainsFunc(targets, func(info *target.Info) bool { return info.TargetID == id })
	}), "the window is still open")
}

// gone waits until no target has a URL with the prefix.
func (b tab) gone(prefix string) {
	b.t.Helper()
	require.True(b.t, within(func() bool {
		targets, err := chromedp.Targets(b.ctx)
		require.NoError(b.t, err)
		for _, target := range targets {
			if strings.HasPrefix(target.URL, prefix) {
				return false
			}
		}
		return true
	}), "there is still something at %s", prefix)
}
