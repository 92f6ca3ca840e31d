package browsertest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// stage is a page that opens Connect with only the npm package.
type stage struct {
	*site

	page, frame tab
	options     string            // of the package, in JavaScript
	offline     atomic.Bool       // whether steps fail
	seen        func(name string) // is called at each screen of a walk
	watched     tab               // the page that seen checks: the frame or a page of the bank
}

func newStage(t *testing.T, options string) *stage {
	t.Helper()
	s := &stage{site: newSite(t, nil), options: options, seen: func(string) {}}
	s.around = func(w http.ResponseWriter, r *http.Request) bool {
		lost := s.offline.Load() && r.URL.Path == "/connect/step"
		if lost {
			http.Error(w, "no", http.StatusBadGateway)
		}
		return lost
	}
	s.script = `import MoneyKit, { moneyui } from "@moneykit/connect";
window.moneyui = moneyui;
window.connect = (method, token, options) => {
	const note = (name) => (...values) => { window.ended = [name, ...values]; };
	new MoneyKit({ __connectSDKUIHost: "` + s.host.URL + `", __applicationName: "Acme Budget", ...options })
		[method](token, note("success"), note("exit"));
	document.querySelector("iframe").style.colorScheme = "normal"; // as connect.js does
};`
	s.page = newTab(t)
	return s
}

// session creates a link session.
func (s *stage) session(params moneykit.LinkSessionParams) string {
	s.t.Helper()
	params.CustomerUser.ID, params.RedirectURI = user, s.origin+"/connect/oauth"
	session, err := s.mk.Client().LinkSessions.Create(s.t.Context(), params)
	require.NoError(s.t, err)
	return session.Token
}

// open opens Connect in a new page of the application.
func (s *stage) open(params moneykit.LinkSessionParams) {
	s.t.Helper()
	s.enter(params, s.session(params))
}

func (s *stage) enter(params moneykit.LinkSessionParams, token string) {
	s.t.Helper()
	s.page.open("about:blank")
	s.page.gone(s.host.URL)
	s.page.open(s.origin + "/")
	s.page.until("window.connect")
	method := "link"
	if params.ExistingLinkID != "" {
		method = "relink"
	}
	s.page.do(fmt.Sprintf("connect(%q, %q, %s)", method, token, s.options))
	s.frame = s.page.find("iframe", s.host.URL)
	s.watched = s.frame
	opened(s.frame)
	s.frame.until("document.hasFocus()")
}

// at waits for a screen, and shows it to the test under a name.
func (s *stage) at(screen, name string) {
	s.t.Helper()
	shown(s.frame, screen)
	s.see(s.frame, name)
}

func (s *stage) see(watched tab, name string) {
	s.t.Helper()
	s.watched = watched
	s.seen(name)
}

// submit fills in the form of a screen and submits it.
func (s *stage) submit(fields map[string]string) {
	s.t.Helper()
	values, err := json.Marshal(fields)
	require.NoError(s.t, err)
	s.frame.do(`const form = document.querySelector(".screen");
		for (const [name, value] of Object.entries(` + string(values) + ` ?? {})) { form.elements[name].value = value; }
		form.requestSubmit();`)
}

// wrong waits until a screen shows an error message.
func (s *stage) wrong() {
	s.t.Helper()
	s.frame.until("document.querySelector('#error:not([hidden])')")
}

// logIn goes to the form of the Credentials Bank and logs a test user in.
func (s *stage) logIn(name string, features *moneykit.ConnectFeatures) {
	s.t.Helper()
	s.open(moneykit.LinkSessionParams{InstitutionID: moneykittest.CredentialsBank, ConnectFeatures: features})
	shown(s.frame, "Permissions")
	s.submit(nil)
	shown(s.frame, "Credentials")
	s.submit(map[string]string{"username": name, "password": "pass_good"})
}

// walks visit everything that users can see. Each begins with an open page.
var walks = map[string]func(s *stage){
	"finder": func(s *stage) {
		s.open(moneykit.LinkSessionParams{})
		s.at("Finder", "finder")
		s.search("beacon")
		s.at("Finder", "finder-search")
		s.search("no bank has this name")
		s.at("Finder", "finder-no-result")
		s.search("")
		s.frame.do("document.querySelector('.panel').open = true")
		s.at("Finder", "finder-panel")
		s.frame.do("document.querySelector('.panel').open = false")
		s.frame.click("[value=" + moneykittest.CredentialsBank + "]")
		shown(s.frame, "Permissions")
		s.frame.click("#close")
		s.at("Permissions", "leave")
	},
	"countries": func(s *stage) {
		s.open(moneykit.LinkSessionParams{Settings: &moneykit.LinkSessionSettings{
			Countries: []moneykit.Country{moneykit.CountryUS, moneykit.CountryGB, moneykit.CountryCA},
		}})
		s.at("Finder", "finder-countries")
	},
	"duplicate": func(s *stage) {
		s.mk.AddLink(moneykittest.LinkSpec{UserID: user, InstitutionID: moneykittest.CredentialsBank})
		s.open(moneykit.LinkSessionParams{ConnectFeatures: &moneykit.ConnectFeatures{DuplicateInstitutionWarning: true}})
		s.frame.click("[value=" + moneykittest.CredentialsBank + "]")
		s.at("Duplicate Institution", "duplicate")
		s.open(moneykit.LinkSessionParams{ConnectFeatures: &moneykit.ConnectFeatures{DuplicateInstitutionRejected: true}})
		s.frame.click("[value=" + moneykittest.CredentialsBank + "]")
		s.at("Error", "error-duplicate")
	},
	"permissions": func(s *stage) {
		s.open(moneykit.LinkSessionParams{
			InstitutionID: moneykittest.CredentialsBank,
			Settings: &moneykit.LinkSessionSettings{Products: &moneykit.SessionProducts{
				AccountNumbers: &moneykit.ProductSettings{Required: true, Reason: "pay you back when you return something"},
				Identity:       &moneykit.ProductSettings{RequirePermission: true},
				Transactions:   &moneykit.ProductSettings{Reason: "show what you spend"},
				Investments:    &moneykit.ProductSettings{},
			}},
		})
		s.at("Permissions", "permissions")
		s.submit(nil)
		s.at("Credentials", "credentials")
		s.offline.Store(true)
		s.submit(map[string]string{"username": "user_good", "password": "wrong"})
		s.frame.until("document.querySelector('#trouble button')")
		s.at("Credentials", "trouble")
		s.offline.Store(false)
		s.frame.click("#trouble button")
		s.wrong()
		s.at("Credentials", "credentials-error")
	},
	"code": func(s *stage) {
		s.logIn("user_otp", nil)
		s.at("OTP Device", "otp-device")
		s.submit(nil)
		s.at("OTP", "otp")
		s.submit(map[string]string{"code": "000000"})
		s.wrong()
		s.at("OTP", "otp-error")
	},
	"question": func(s *stage) {
		s.logIn("user_question", nil)
		s.at("Security Question", "question")
		s.submit(map[string]string{"answer": "red"})
		s.wrong()
		s.at("Security Question", "question-error")
	},
	"accounts": func(s *stage) {
		s.logIn("user_good", &moneykit.ConnectFeatures{PermitOnlyDepositoryAccounts: true})
		s.at("Accounts", "accounts-depository")
		s.logIn("user_good", &moneykit.ConnectFeatures{PermitOnlyOneAccount: true})
		s.at("Accounts", "accounts-one")
		s.logIn("user_good", nil)
		s.at("Accounts", "accounts")
		s.frame.do("document.querySelectorAll('fieldset input').forEach((box) => { box.checked = false; })")
		s.submit(nil)
		s.wrong()
		s.at("Accounts", "accounts-error")
		s.frame.do("document.querySelector('fieldset input').click()")
		s.submit(nil)
		s.at("Success", "success")
	},
	"relink": func(s *stage) {
		link := s.mk.AddLink(moneykittest.LinkSpec{UserID: user, InstitutionID: moneykittest.CredentialsBank})
		s.mk.Break(link.ID, moneykit.LinkErrorAuthExpired)
		s.open(moneykit.LinkSessionParams{ExistingLinkID: link.ID})
		s.at("Reconnect", "reconnect")
		s.submit(nil)
		shown(s.frame, "Credentials")
		s.submit(map[string]string{"username": "user_more", "password": "pass_good"})
		s.at("Accounts", "accounts-more")
		s.submit(nil)
		s.at("Success", "success-relink")
	},
	"waiting": func(s *stage) {
		s.logIn("user_slow", nil)
		s.at("Waiting", "waiting")
	},
	"errors": func(s *stage) {
		for _, name := range []string{"locked", "down", "setup", "none"} {
			s.logIn("user_"+name, nil)
			s.at("Error", "error-"+name)
		}
		s.enter(moneykit.LinkSessionParams{}, "unknown")
		s.at("Error", "error-unknown")
		token := s.session(moneykit.LinkSessionParams{})
		s.enter(moneykit.LinkSessionParams{}, token)
		leave(s.frame)
		s.page.until("window.ended")
		s.enter(moneykit.LinkSessionParams{}, token)
		s.at("Error", "error-used")
		s.page.open(s.host.URL + "/start")
		s.page.until("document.querySelector('h1')")
		s.see(s.page, "outside")
	},
	"oauth": func(s *stage) {
		toBank := func() {
			s.open(moneykit.LinkSessionParams{InstitutionID: moneykittest.OAuthBank})
			shown(s.frame, "Permissions")
			s.submit(nil)
			shown(s.frame, "OAuth")
		}
		toBank()
		s.see(s.frame, "oauth-ready")
		s.frame.do("window.openWindow = window.open; window.open = () => null")
		s.frame.click("[data-bank=open]")
		s.see(s.frame, "oauth-blocked")
		s.frame.do("window.open = window.openWindow")
		s.frame.click("[data-bank=open]:not([hidden])")
		bank := s.page.find("page", s.host.URL+bankPath)
		s.see(s.frame, "oauth-open")
		bank.until("document.forms[0]")
		s.see(bank, "bank-login")
		bank.do("const form = document.forms[0]; form.username.value = 'user_good'; form.password.value = 'wrong'; form.submit()")
		bank.until("document.querySelector('#error')")
		s.see(bank, "bank-login-error")
		logIn(bank)
		s.see(bank, "bank-grant")
		bank.closes()
		s.frame.until("!document.querySelector('[data-state=closed]').hidden")
		s.see(s.frame, "oauth-closed")
		s.page.open(s.host.URL + bankPath)
		s.see(s.page, "bank-stop")
	},
}

// search types a search term into the Finder.
func (s *stage) search(term string) {
	s.t.Helper()
	s.frame.do(fmt.Sprintf("const field = document.querySelector('#search'); field.value = %q; "+
		"field.dispatchEvent(new Event('input', { bubbles: true }))", term))
}

// look is the size and the settings with which a user sees a page.
type look struct {
	scheme        string // light or dark
	width, height int64
}

// String is a part of the names of pictures.
func (l look) String() string { return fmt.Sprintf("%s-%d", l.scheme, l.width) }

// wear changes the look of the watched page.
func (s *stage) wear(l look) {
	s.t.Helper()
	tabs := []tab{s.watched}
	if s.watched.ctx == s.frame.ctx {
		tabs = []tab{s.page, s.frame}
	}
	require.NoError(s.t, chromedp.Do(tabs[0].ctx, chromedp.EmulateViewport(l.width, l.height)))
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: l.scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}}
	dark := "matchMedia('(prefers-color-scheme: dark)')"
	for _, b := range tabs {
		// The scripts of the page hear of the change before this one does.
		b.do(fmt.Sprintf(`const dark = %s;
			window.changed = dark.matches === %t ? true : new Promise((done) => dark.addEventListener("change", () => done(true), { once: true }));`,
			dark, l.scheme == "dark"))
		require.NoError(s.t, chromedp.Do(b.ctx, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
			_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, media)
			return err
		})))
	}
	for _, b := range tabs {
		eval[bool](b, "changed")
		b.until(fmt.Sprintf("innerWidth === %d && innerHeight === %d && %s.matches === %t", l.width, l.height, dark, l.scheme == "dark"))
	}
}

// capture writes a picture of the watched page to the folder of the flag, if there is one.
func (s *stage) capture(name string, l look) {
	s.t.Helper()
	if *screenshots == "" {
		return
	}
	require.NoError(s.t, os.WriteFile(filepath.Join(*screenshots, name+"-"+l.String()+".png"), s.picture(), 0o600))
}

// picture returns a picture of the watched page, with the page around it.
func (s *stage) picture() []byte {
	s.t.Helper()
	painted := "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))"
	b := s.watched
	eval[bool](b, painted)
	if b.ctx == s.frame.ctx {
		b = s.page
		eval[bool](b, painted)
	}
	picture, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	require.NoError(s.t, err)
	return picture
}

// findings are the results of axe-core for a page.
type findings struct {
	Passes     int
	Violations [][]string
	Incomplete [][]string
}

// axe runs axe-core with options in JavaScript.
func axe(b tab, options string) findings {
	b.t.Helper()
	if !eval[bool](b, "'axe' in window") {
		script, err := os.ReadFile("node_modules/axe-core/axe.min.js")
		require.NoError(b.t, err)
		b.do(string(script))
	}
	var found findings
	require.NoError(b.t, json.Unmarshal([]byte(eval[string](b, `(() => {
		const flat = (results) => results.flatMap(({ id, impact, nodes }) => nodes.map(({ html, any, all, none }) =>
			[id, impact, html, [...any, ...all, ...none].map(({ message }) => message).join(" ")]));
		// What is under another element has an unknown background.
		const sticky = [...document.querySelectorAll(".actions, .search")];
		sticky.forEach((e) => { e.style.position = "static"; });
		// A long list of banks takes long, and they look alike.
		const list = document.querySelector(".banks");
		const banks = [...list?.children ?? []];
		list?.replaceChildren(...banks.filter((e) => !e.hidden).slice(0, 9));
		return axe.run(document, `+options+`).then(({ violations, incomplete, passes }) => {
			sticky.forEach((e) => { e.style.position = ""; });
			list?.replaceChildren(...banks);
			return JSON.stringify({ passes: passes.length, violations: flat(violations), incomplete: flat(incomplete) });
		});
	})()`)), &found))
	return found
}

// unreadable returns the violations, and the texts whose contrast axe-core could not tell.
func unreadable(found findings) [][]string {
	all := found.Violations
	for _, open := range found.Incomplete {
		// The server chooses the color of initials, and no text is on the lines between rows.
		harmless := strings.HasPrefix(open[2], "<text ") || strings.Contains(open[3], "pseudo element")
		if open[0] == "color-contrast" && !harmless {
			all = append(all, open)
		}
	}
	return all
}

// checkLook checks that all texts are readable and all controls are large enough.
func checkLook(b tab) {
	b.t.Helper()
	found := axe(b, "{}")
	assert.Greater(b.t, found.Passes, 5)
	assert.Empty(b.t, unreadable(found))
	assert.Empty(b.t, eval[[]string](b, tooSmall), "controls that are too small to touch")
	assert.Empty(b.t, eval[[]string](b, tooWide), "what is wider than its place")
}

// tooSmall lists controls that are too small. tooWide lists elements that are cut off or scroll
// sideways.
const (
	tooSmall = `[...document.querySelectorAll("a, button, input:not([type=hidden]), summary")]
		.filter((e) => e.checkVisibility({ contentVisibilityAuto: true })).flatMap((e) => {
		const main = e.matches(".main, .plain, .danger, .field, .bank, .round, summary, #search, [type=checkbox], [type=radio], .panel button");
		const { width, height } = (e.closest("label") ?? e).getBoundingClientRect();
		return Math.min(width, height) < (main ? 44 : 24) ? [e.outerHTML.slice(0, 120) + " " + width + "x" + height] : [];
	})`
	tooWide = `[...document.querySelectorAll("html, body, body *")]
		.filter((e) => e.checkVisibility({ contentVisibilityAuto: true }) && !e.closest(".unseen, svg, input, #progress")).flatMap((e) => {
		const { left, right } = e.getBoundingClientRect();
		return e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== "inline" || left < 0 || right > innerWidth + .5
			? [e.outerHTML.slice(0, 120) + " " + [left, right, e.clientWidth, e.scrollWidth]] : [];
	})`
)

func TestLooksOnPhone(t *testing.T) {
	t.Parallel()
	testLooks(t, look{"dark", 320, 640}, look{"light", 320, 640})
}

func TestLooksOnDesktop(t *testing.T) {
	t.Parallel()
	testLooks(t, look{"light", 1280, 800}, look{"dark", 1280, 800})
}

func testLooks(t *testing.T, looks ...look) {
	t.Helper()
	for name, walk := range walks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, "{}")
			s.seen = func(name string) {
				for _, l := range looks {
					s.wear(l)
					t.Log(name, l)
					checkLook(s.watched)
					s.capture(name, l)
				}
			}
			walk(s)
		})
	}
}
