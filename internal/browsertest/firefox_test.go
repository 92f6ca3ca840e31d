//go:build unix

package browsertest

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// firefoxPrefs are the settings of a Firefox that connects to the servers of the tests only. The
// settings for pages are those of users: popups and trackers are blocked.
const firefoxPrefs = `
// Firefox's own settings for tests would let pages open windows at any time.
user_pref("remote.prefs.recommended", false);
// No first run, and nothing that interrupts.
user_pref("browser.aboutwelcome.enabled", false);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("browser.startup.homepage_override.mstone", "ignore");
user_pref("browser.startup.page", 0);
user_pref("browser.translations.enable", false);
user_pref("browser.warnOnQuit", false);
user_pref("datareporting.policy.dataSubmissionPolicyBypassNotification", true);
user_pref("signon.rememberSignons", false);
user_pref("startup.homepage_welcome_url", "about:blank");
user_pref("termsofuse.bypassNotification", true);
user_pref("toolkit.startup.max_resumed_crashes", -1);
// No updates and no services.
user_pref("app.normandy.enabled", false);
user_pref("app.update.disabledForTesting", true);
user_pref("browser.discovery.enabled", false);
user_pref("browser.newtabpage.activity-stream.testing.shouldInitializeFeeds", false);
user_pref("browser.region.network.url", "");
user_pref("browser.search.update", false);
user_pref("browser.topsites.contile.enabled", false);
user_pref("dom.push.connection.enabled", false);
user_pref("extensions.getAddons.cache.enabled", false);
user_pref("extensions.systemAddon.update.enabled", false);
user_pref("extensions.update.enabled", false);
user_pref("geo.provider.network.url", "");
user_pref("media.gmp-manager.updateEnabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("security.remote_settings.intermediates.enabled", false);
user_pref("services.settings.loglevel", "off");
user_pref("services.settings.server", "data:,#remote-settings-dummy/v1");
// No telemetry.
user_pref("app.shield.optoutstudies.enabled", false);
user_pref("datareporting.healthreport.uploadEnabled", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("datareporting.usage.uploadEnabled", false);
user_pref("nimbus.telemetry.targetingContextEnabled", false);
user_pref("toolkit.telemetry.server", "");
// No safe browsing and no proxy.
user_pref("browser.safebrowsing.blockedURIs.enabled", false);
user_pref("browser.safebrowsing.downloads.enabled", false);
user_pref("browser.safebrowsing.malware.enabled", false);
user_pref("browser.safebrowsing.phishing.enabled", false);
user_pref("network.proxy.type", 0);
// A window takes clicks and keys as soon as it is there, and while another one is in front.
user_pref("dom.input_events.security.minNumTicks", 0);
user_pref("dom.input_events.security.minTimeElapsedInMS", 0);
user_pref("focusmanager.testmode", true);
`

// firefox is a Firefox that runs until a test is over.
type firefox struct {
	*bidi

	mu      sync.Mutex
	users   map[string]string   // by page, window, or frame
	console map[string][]string // by user
}

func startFirefox(t *testing.T) *firefox {
	t.Helper()
	path, err := exec.LookPath("firefox-esr")
	require.NoError(t, err, "this test needs Firefox: apt-get install firefox-esr")
	profile := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(profile, "user.js"), []byte(firefoxPrefs), 0o600))
	command := exec.CommandContext(t.Context(), path, "--headless", "--no-remote", "--profile", profile, "--remote-debugging-port=0")
	command.Env = append(os.Environ(), "HOME="+profile, "MOZ_CRASHREPORTER_DISABLE=1",
		"MOZ_DISABLE_NONLOCAL_CONNECTIONS=1") // Firefox crashes if it connects to another machine.
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // The processes of the pages are in the group.
	stderr, err := command.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())

	address, output := make(chan string, 1), make(chan string, 1)
	go func() {
		var text strings.Builder
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			fmt.Fprintln(&text, lines.Text())
			if url, ok := strings.CutPrefix(lines.Text(), "WebDriver BiDi listening on "); ok {
				address <- url
			}
		}
		output <- text.String()
	}()
	stop := sync.OnceValue(func() string {
		_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL)
		text := <-output // It ends when the last process of the group does.
		_ = command.Wait()
		return text
	})
	t.Cleanup(func() {
		if text := stop(); t.Failed() {
			t.Log(text)
		}
	})

	f := &firefox{users: map[string]string{}, console: map[string][]string{}}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	select {
	case url := <-address:
		f.bidi = dialBiDi(t, url+"/session", f.hear)
	case <-ctx.Done():
		require.Fail(t, "Firefox did not start", stop())
	}
	f.must(t, "session.new", map[string]any{"capabilities": map[string]any{}}, nil)
	f.must(t, "session.subscribe", map[string]any{"events": []string{
		"browsingContext.contextCreated", "browsingContext.userPromptOpened", "log.entryAdded",
	}}, nil)
	return f
}

func (f *firefox) must(t *testing.T, command string, params map[string]any, result any) {
	t.Helper()
	require.NoError(t, f.call(t.Context(), command, params, result))
}

// hear stores the console messages.
func (f *firefox) hear(event string, params json.RawMessage) {
	var e struct {
		Context, UserContext string
		Type, Level, Message string
		Text                 string
		Source               struct{ Context string }
	}
	err := json.Unmarshal(params, &e)
	f.mu.Lock()
	defer f.mu.Unlock()
	say := func(page string, words ...string) {
		user := f.users[page]
		f.console[user] = append(f.console[user], strings.Join(words, " "))
	}
	switch {
	case err != nil:
		say("", event, err.Error())
	case event == "browsingContext.contextCreated":
		f.users[e.Context] = e.UserContext
	case event == "browsingContext.userPromptOpened":
		say(e.Context, "dialog", e.Message)
	default:
		say(e.Source.Context, e.Type, e.Level, e.Text)
	}
}

// fox is a page, a window, or a frame in Firefox, as [tab] is in Chromium.
type fox struct {
	t       *testing.T
	browser *firefox
	user    string // id of a user context
	context string // id of a browsing context
}

// newFox opens an empty page. Its storage is that of a new user.
func newFox(t *testing.T, browser *firefox) fox {
	t.Helper()
	var user struct{ UserContext string }
	browser.must(t, "browser.createUserContext", map[string]any{}, &user)
	browser.must(t, "script.addPreloadScript", map[string]any{
		"functionDeclaration": "() => { if (parent !== window) " + holdScreens + " }", "userContexts": []string{user.UserContext},
	}, nil)
	var page struct{ Context string }
	browser.must(t, "browsingContext.create", map[string]any{"type": "window", "userContext": user.UserContext}, &page)
	return fox{t: t, browser: browser, user: user.UserContext, context: page.Context}
}

func (b fox) test() *testing.T { return b.t }

// said returns the console messages of all pages of the user.
func (b fox) said() string {
	b.browser.mu.Lock()
	defer b.browser.mu.Unlock()
	return strings.Join(b.browser.console[b.user], "\n")
}

// must sends a command about the page.
func (b fox) must(command string, params map[string]any) {
	b.t.Helper()
	params["context"] = b.context
	b.browser.must(b.t, command, params, nil)
}

func (b fox) open(url string) {
	b.t.Helper()
	b.must("browsingContext.navigate", map[string]any{"url": url, "wait": "complete"})
}

// evaluate evaluates JavaScript as if the user had just clicked, waits for a promise, and stores
// the value.
func (b fox) evaluate(expression string, value any) error {
	var evaluated struct {
		Result           struct{ Value string }
		ExceptionDetails struct{ Text string }
	}
	if err := b.browser.call(b.t.Context(), "script.evaluate", map[string]any{
		"expression":     "(async () => JSON.stringify(await (" + expression + ")))()",
		"target":         map[string]any{"context": b.context},
		"awaitPromise":   true,
		"userActivation": true,
	}, &evaluated); err != nil {
		return err
	}
	if text := evaluated.ExceptionDetails.Text; text != "" {
		return errors.New(text)
	}
	return json.Unmarshal([]byte(evaluated.Result.Value), value)
}

// do evaluates JavaScript in a loaded page, and ignores the value. The page may be closed
// afterwards.
func (b fox) do(expression string) {
	b.t.Helper()
	b.until("true")
	// The page may have changed since.
	require.True(b.t, within(func() bool {
		var ok bool
		require.NoError(b.t, b.evaluate("(() => { if (!("+isLoaded+")) return false;"+expression+"; return true })()", &ok), expression)
		return ok
	}), "%s\nconsole: %s", expression, b.said())
}

// until waits until a page is loaded and an expression is true. It may be evaluated in several
// pages, one after another.
func (b fox) until(expression string) {
	b.t.Helper()
	last := error(nil)
	if !within(func() bool {
		var ok bool
		last = b.evaluate("Boolean("+isLoaded+" && ("+expression+"))", &ok)
		return last == nil && ok
	}) {
		var text string
		_ = b.evaluate("location.href.split('?')[0] + ' is ' + document.readyState + ': ' + document.body?.innerText", &text)
		require.Fail(b.t, "it does not come true", "%s: %v\npage: %s\nconsole: %s", expression, last, text, b.said())
	}
}

// click moves the mouse to an element as soon as it is there, and clicks.
func (b fox) click(selector string) {
	b.t.Helper()
	element := fmt.Sprintf("document.querySelector(%q)", selector)
	b.until(element + " !== null")
	b.do(element + ".scrollIntoView({ behavior: 'instant', block: 'center' })")
	var found struct{ Nodes []struct{ SharedID string } }
	b.browser.must(b.t, "browsingContext.locateNodes", map[string]any{
		"context": b.context, "locator": map[string]any{"type": "css", "value": selector}, "maxNodeCount": 1,
	}, &found)
	require.NotEmpty(b.t, found.Nodes, selector)
	origin := map[string]any{"type": "element", "element": map[string]any{"sharedId": found.Nodes[0].SharedID}}
	b.must("input.performActions", map[string]any{"actions": []any{map[string]any{
		"type": "pointer", "id": "mouse", "actions": []any{
			map[string]any{"type": "pointerMove", "x": 0, "y": 0, "origin": origin},
			map[string]any{"type": "pointerDown", "button": 0},
			map[string]any{"type": "pointerUp", "button": 0},
		},
	}}})
}

// enter focuses an element as soon as it is there, and presses Enter.
func (b fox) enter(selector string) {
	b.t.Helper()
	element := fmt.Sprintf("document.querySelector(%q)", selector)
	b.until(element + " !== null")
	b.must("browsingContext.activate", map[string]any{})
	b.do(element + ".focus()")
	const key = "\uE007"
	b.must("input.performActions", map[string]any{"actions": []any{map[string]any{
		"type": "key", "id": "keyboard", "actions": []any{
			map[string]any{"type": "keyDown", "value": key},
			map[string]any{"type": "keyUp", "value": key},
		},
	}}})
}

// foxNode is a page or a frame in Firefox's tree of them.
type foxNode struct {
	Context, UserContext, URL string
	Children                  []foxNode
}

// nodes returns the open pages and frames of the user, by kind: page or iframe.
func (b fox) nodes() map[string][]foxNode {
	b.t.Helper()
	var tree struct{ Contexts []foxNode }
	b.browser.must(b.t, "browsingContext.getTree", map[string]any{}, &tree)
	nodes := map[string][]foxNode{}
	var add func(kind string, of []foxNode)
	add = func(kind string, of []foxNode) {
		for _, node := range of {
			if node.UserContext == b.user {
				nodes[kind] = append(nodes[kind], node)
				add("iframe", node.Children)
			}
		}
	}
	add("page", tree.Contexts)
	return nodes
}

// find returns the first page or iframe whose URL has a prefix, as soon as there is one.
func (b fox) find(kind, prefix string) fox {
	b.t.Helper()
	found := b
	require.True(b.t, within(func() bool {
		for _, node := range b.nodes()[kind] {
			if strings.HasPrefix(node.URL, prefix) {
				found.context = node.Context
				return true
			}
		}
		return false
	}), "there is no %s at %s\nconsole: %s", kind, prefix, b.said())
	return found
}

// gone waits until no page and no frame has a URL with the prefix.
func (b fox) gone(prefix string) {
	b.t.Helper()
	require.True(b.t, within(func() bool {
		for _, nodes := range b.nodes() {
			for _, node := range nodes {
				if strings.HasPrefix(node.URL, prefix) {
					return false
				}
			}
		}
		return true
	}), "there is still something at %s", prefix)
}

func TestFirefox(t *testing.T) {
	t.Parallel()
	browser := startFirefox(t)
	visit := func(t *testing.T) (*site, fox) {
		t.Helper()
		s := newSite(t, nil)
		b := newFox(t, browser)
		b.open(s.origin + "/")
		b.until(isReady)
		return s, b
	}
	t.Run("frame", func(t *testing.T) {
		t.Parallel()
		s, b := visit(t)
		b.click("#link")
		choose(opened(b.find("iframe", s.host.URL+"/start")), moneykittest.InstantBank)
		shows(b, "Instant Bank: linked")
		links := s.stored()
		require.Len(t, links, 1)
		assert.Equal(t, moneykit.LinkStateConnected, links[0].State)
		b.gone(s.host.URL)
		b.until("sessionStorage.length === 0")
		assert.Empty(t, b.said())
	})
	t.Run("popup", func(t *testing.T) {
		t.Parallel()
		s, b := visit(t)
		b.enter("#link")
		choose(opened(b.find("iframe", s.host.URL+"/start")), moneykittest.OAuthBank)
		answer(b.find("page", s.host.URL+bankPath), true)
		goOn(b.find("iframe", s.host.URL+"/start"))
		shows(b, "OAuth Bank: linked")
		assert.Len(t, s.stored(), 1)
		b.gone(s.origin + "/connect/oauth") // The window is closed.
		b.until("sessionStorage.length === 0")
		assert.Empty(t, b.said())
	})
	t.Run("control", func(t *testing.T) {
		t.Parallel()
		useControlPage(t, browser)
	})
}
