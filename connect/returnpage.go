package connect

import (
	"cmp"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/weburl"
)

// returnPagePolicy is the Content-Security-Policy of all responses. Pages add their style and their
// script to it.
const returnPagePolicy = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

//go:embed returnpage.html
var returnPageHTML string

// ReturnPageConfig configures [ReturnPage]. If connect.js starts Connect, only RedirectURI is
// required. The page then works in three situations:
//
//   - In a window that Connect has opened, the page passes its URL to Connect and closes.
//   - If the bank's page replaced the application's page in the same window, the return page leads
//     back to the application's page, and connect.js continues. Both must have the same origin.
//   - If the bank has opened the page in another browser, the page asks the user to go back to the
//     first one.
//
// Pages that start Connect should not have the Cross-Origin-Opener-Policy same-origin, which cuts
// the bank's window off from Connect. The policy same-origin-allow-popups is fine. If the window is
// cut off, the page passes its URL to connect.js instead, in the same browser.
type ReturnPageConfig struct {
	// RedirectURI is the redirect URI of the link sessions: an https URL, or an http URL on
	// localhost or a loopback address.
	RedirectURI string
	// Home is the target of the page's link if the flow cannot continue: a path such as /banks, or
	// a URL of the kind that Script may be. Empty means /.
	Home string
	// Script is an ES module of the application that takes over the page. It calls connect.js with
	// resume(location.href), or Connect's method continue. It is for applications that do not start
	// Connect with connect.js, or that have no page to lead back to. Script is an https URL, an
	// http URL on localhost or a loopback address, or a path such as /oauth.js.
	//
	// Connect finds its session in the browser's storage for the application's origin, so the page
	// must have that origin. The module must pass a theme to Connect again. It may load other
	// modules and send requests to the page's origin. It navigates away from the page when it is
	// done.
	Script string
	// ForwardTargets are the app URLs to which the page may forward a return; see
	// [moneykit.OAuthReturn.ForwardTo].
	ForwardTargets []string
	// Forward returns one of ForwardTargets for a request, or "" to serve the page. nil means that
	// all returns are forwarded to the only target. The page refuses other values than
	// ForwardTargets, so Forward may return the value of a cookie.
	Forward func(*http.Request) string
	// Host is the origin of Connect's own pages. Empty means https://connect.moneykit.com. A
	// [Handler] sets it to [Config.Host].
	Host string
}

// ReturnPage returns the handler of the redirect URI: a page on which Connect Web continues after a
// bank's page, or a redirect to the application's app. It refuses any other path than the path of
// the redirect URI, so do not put it behind [http.StripPrefix].
//
// A request that [moneykit.ParseOAuthReturn] or [moneykit.OAuthReturn.ForwardTo] refuses gets 400
// and a page with the reason. Methods other than GET and HEAD get 405. No response contains any
// part of the request, except for the query in the Location of a redirect.
//
// ReturnPage returns an error if a setting is invalid.
func ReturnPage(config ReturnPageConfig) (http.Handler, error) {
	config.ForwardTargets = slices.Clone(config.ForwardTargets)
	if err := config.check(); err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	if config.Forward == nil {
		only := strings.Join(config.ForwardTargets, "") // There is one target, or none.
		config.Forward = func(*http.Request) string { return only }
	}
	page, err := template.New("return page").Parse(returnPageHTML)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	return &returnPage{config, page}, nil
}

// check returns an error for a setting that is invalid. It sets the defaults of Home and Host.
func (c *ReturnPageConfig) check() error {
	redirect, err := weburl.ParseRedirectURI(c.RedirectURI)
	switch {
	case err != nil:
		return fmt.Errorf("ReturnPageConfig.RedirectURI %w", err)
	case !weburl.IsWeb(redirect):
		return errors.New("ReturnPageConfig.RedirectURI must be a web address: a server gets no requests for an app's own scheme")
	}
	if err := checkAddress(c.Script); err != nil {
		return fmt.Errorf("ReturnPageConfig.Script %w", err)
	}
	c.Home = cmp.Or(c.Home, "/")
	if err := checkAddress(c.Home); err != nil {
		return fmt.Errorf("ReturnPageConfig.Home %w", err)
	}
	if c.Host, err = cleanHost(c.Host); err != nil {
		return fmt.Errorf("ReturnPageConfig.Host %w", err)
	}
	for i, target := range c.ForwardTargets {
		if err := weburl.CheckAppURL(target); err != nil {
			return fmt.Errorf("ReturnPageConfig.ForwardTargets[%d] %w", i, err)
		}
		if u, err := url.Parse(target); err != nil || weburl.SamePage(u, redirect) {
			return fmt.Errorf("ReturnPageConfig.ForwardTargets[%d] must not be the redirect URI itself", i)
		}
	}
	switch {
	case c.Forward == nil && len(c.ForwardTargets) > 1:
		return errors.New("ReturnPageConfig.Forward must be set to choose one of several ForwardTargets")
	case c.Forward != nil && len(c.ForwardTargets) == 0:
		return errors.New("ReturnPageConfig.ForwardTargets must be set for Forward to choose from")
	}
	return nil
}

// checkAddress returns nil for a path, a URL that [weburl.IsSecure] accepts, and "".
func checkAddress(address string) error {
	if address == "" {
		return nil
	}
	if strings.ContainsFunc(address, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) || r == '\\' || r == '#' }) {
		return errors.New("must not contain spaces, backslashes, control characters or a fragment")
	}
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return errors.New("must be a URL")
	case u.User != nil:
		return errors.New("must not contain credentials")
	case strings.HasPrefix(address, "/") && !strings.HasPrefix(address, "//"), weburl.IsSecure(u):
		return nil
	}
	return errors.New("must be an https URL or begin with a slash")
}

// returnPage serves the page. Its config has all defaults set.
type returnPage struct {
	config ReturnPageConfig
	page   *template.Template
}

// returnView is the data of the template. Refused is the reason why Connect cannot continue, if
// any.
type returnView struct {
	Nonce, Home, Script, Connect, Refused string
}

func (p *returnPage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "no-referrer") // The URL contains secrets.
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cross-Origin-Opener-Policy", "unsafe-none") // Any other policy would hide the opener from the popup.
	header.Set("Content-Security-Policy", returnPagePolicy)

	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		header.Set("Allow", "GET, HEAD")
		p.refuse(w, http.StatusMethodNotAllowed, errors.New("the method must be GET or HEAD"))
		return
	}
	if r.URL == nil { // as in a request that net/http did not parse
		r.URL = &url.URL{}
	}
	returned, err := moneykit.ParseOAuthReturn(p.config.RedirectURI, r.URL.RequestURI())
	if err != nil {
		p.refuse(w, http.StatusBadRequest, err)
		return
	}
	if target := p.config.Forward(r); target != "" {
		p.forward(w, returned, target)
		return
	}
	p.write(w, http.StatusOK, returnView{Script: p.config.Script, Connect: p.config.Host})
}

// forward redirects to target, which may come from the request.
func (p *returnPage) forward(w http.ResponseWriter, returned *moneykit.OAuthReturn, target string) {
	if !slices.Contains(p.config.ForwardTargets, target) {
		p.refuse(w, http.StatusBadRequest, errors.New("the app URL is not one of ForwardTargets"))
		return
	}
	location, err := returned.ForwardTo(target)
	if err != nil {
		p.refuse(w, http.StatusBadRequest, err)
		return
	}
	w.Header().Set("Location", location) // http.Redirect would repeat the query in a page.
	w.WriteHeader(http.StatusSeeOther)
}

// refuse writes a page without a script. The error must not contain any part of the request.
func (p *returnPage) refuse(w http.ResponseWriter, status int, err error) {
	p.write(w, status, returnView{Refused: strings.TrimPrefix(err.Error(), "moneykit: ")})
}

func (p *returnPage) write(w http.ResponseWriter, status int, view returnView) {
	view.Nonce, view.Home = rand.Text(), p.config.Home
	nonce := "'nonce-" + view.Nonce + "'"
	policy := returnPagePolicy + "; img-src data:; style-src " + nonce // The page has an icon, so that browsers do not request one.
	if view.Refused == "" {
		policy += "; script-src " + nonce
		if view.Script != "" {
			// The module may load others and send requests, and opens Connect in a frame.
			policy += " 'strict-dynamic'; connect-src 'self'; frame-src " + view.Connect
		}
	}
	w.Header().Set("Content-Security-Policy", policy)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_ = p.page.Execute(w, view) // An error means that the browser has left.
}
