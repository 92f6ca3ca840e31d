package moneykit

import (
	"crypto/rand"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/moneykit/moneykit-go/internal/plain"
	"github.com/moneykit/moneykit-go/internal/weburl"
)

// OAuthReturnConfig says what happens at a redirect URI. With the redirect URI alone the page
// passes its URL to the Connect that opened it, and closes. Pages of the application that start
// Connect must not have the Cross-Origin-Opener-Policy same-origin, which hides the two from each
// other; same-origin-allow-popups is fine.
type OAuthReturnConfig struct {
	// RedirectURI is that of the link sessions: an https URL, or http on this machine.
	RedirectURI string
	// Script is an ES module of the application that calls Connect's continue with
	// window.location.href: an https URL, http on this machine, or a path such as /oauth.js. It is
	// needed where Connect cannot open windows and leaves the application's page for the bank's;
	// Connect is then started anew on the return page. Connect knows the session from the browser,
	// under the origin of the application, so the page brings no token and must have that origin.
	// The module may load others, and send requests to the page's origin; it leaves the page when
	// it is done. A theme must be given to Connect here again, for example out of sessionStorage.
	Script string
	// ForwardTargets are the app URLs that a return may be forwarded to, each as
	// [OAuthReturn.ForwardTo] accepts it.
	ForwardTargets []string
	// Forward chooses one of ForwardTargets for a request, or "" for the page. Without it all
	// returns go to the only target. A choice that is not in ForwardTargets, letter for letter, is
	// refused, so it may come from a cookie.
	Forward func(*http.Request) string
	// ConnectOrigin is where Connect comes from; https://connect.moneykit.com if it is empty.
	ConnectOrigin string
}

const defaultConnectOrigin = "https://connect.moneykit.com"

// OAuthReturnHandler returns the handler of the page that a redirect URI names. It serves a page
// on which Connect resumes, or sends the user on to the application's app. It reads the path and
// the query of requests and nothing else of them, and refuses other paths than that of the redirect
// URI; so it must not stand behind [http.StripPrefix].
//
// What [ParseOAuthReturn] or [OAuthReturn.ForwardTo] refuses is answered with 400 and a page that
// says why, other methods than GET and HEAD with 405. No answer repeats anything of the request,
// except for the query in the Location of a forwarded return. It fails if a setting is invalid.
func OAuthReturnHandler(config OAuthReturnConfig) (http.Handler, error) {
	h := &oauthHandler{
		redirectURI: config.RedirectURI,
		script:      config.Script,
		targets:     slices.Clone(config.ForwardTargets),
		choose:      config.Forward,
		connect:     config.ConnectOrigin,
		page:        template.Must(template.New("return").Parse(oauthPage)),
	}
	if h.connect == "" {
		h.connect = defaultConnectOrigin
	}
	if err := h.check(); err != nil {
		return nil, fmt.Errorf("moneykit: %w", err)
	}
	if h.choose == nil {
		h.choose = func(*http.Request) string { return strings.Join(h.targets, "") } // one or none
	}
	return h, nil
}

type oauthHandler struct {
	redirectURI, script, connect string
	targets                      []string
	choose                       func(*http.Request) string
	page                         *template.Template
}

// check says which setting cannot be meant.
func (h *oauthHandler) check() error {
	redirect, err := weburl.ParseRedirectURI(h.redirectURI)
	switch {
	case err != nil:
		return fmt.Errorf("the setting RedirectURI %w", err)
	case redirect.Scheme != "https" && redirect.Scheme != "http":
		return errors.New("the setting RedirectURI must be a web address: an app's own scheme never reaches a server")
	}
	if err := checkScript(h.script); err != nil {
		return fmt.Errorf("the setting Script %w", err)
	}
	if err := checkOrigin(h.connect); err != nil {
		return fmt.Errorf("the setting ConnectOrigin %w", err)
	}
	for i, target := range h.targets {
		if err := weburl.CheckAppURL(target); err != nil {
			return fmt.Errorf("the setting ForwardTargets[%d] %w", i, err)
		}
		u, err := url.Parse(target)
		if err != nil || (strings.EqualFold(weburl.Origin(u), weburl.Origin(redirect)) && weburl.Path(u) == weburl.Path(redirect)) {
			return fmt.Errorf("the setting ForwardTargets[%d] must not be the redirect URI itself", i)
		}
	}
	switch {
	case h.choose == nil && len(h.targets) > 1:
		return errors.New("several ForwardTargets need Forward to choose one")
	case h.choose != nil && len(h.targets) == 0:
		return errors.New("the setting Forward needs ForwardTargets to choose from")
	}
	return nil
}

// checkScript allows a path or a secure URL, and nothing.
func checkScript(script string) error {
	if script == "" {
		return nil
	}
	if strings.ContainsFunc(script, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) || r == '\\' || r == '#' }) {
		return errors.New("must not contain spaces, backslashes, control characters or a fragment")
	}
	u, err := url.Parse(script)
	switch {
	case err != nil:
		return errors.New("must be a URL")
	case u.User != nil:
		return errors.New("must not hold credentials")
	case strings.HasPrefix(script, "/") && !strings.HasPrefix(script, "//"), weburl.IsSecure(u):
		return nil
	}
	return errors.New("must be an https URL or begin with a slash")
}

// checkOrigin allows the origin of a secure URL, written as browsers write it. It becomes part of
// a policy, so nothing else may be in it.
func checkOrigin(origin string) error {
	u, err := url.Parse(origin)
	if err != nil || !weburl.IsSecure(u) || weburl.Origin(u) != origin || strings.Trim(origin, plain.Alphanumeric+"-.:/[]") != "" {
		return errors.New("must be an origin such as " + defaultConnectOrigin)
	}
	return nil
}

// ServeHTTP answers a browser that a bank sent back.
func (h *oauthHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	view := oauthView{Nonce: rand.Text(), Script: h.script, Connect: h.connect}
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "no-referrer") // the URL holds secrets
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cross-Origin-Opener-Policy", "unsafe-none") // a stricter one would hide the popup's opener from it
	header.Set("Content-Security-Policy", oauthPolicy)

	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		header.Set("Allow", "GET, HEAD")
		h.refuse(w, http.StatusMethodNotAllowed, view, errors.New("moneykit: the method must be GET or HEAD"))
		return
	}
	ret, err := ParseOAuthReturn(h.redirectURI, r.URL.RequestURI())
	if err != nil {
		h.refuse(w, http.StatusBadRequest, view, err)
		return
	}
	if target := h.choose(r); target != "" {
		location, err := h.forward(ret, target)
		if err != nil {
			h.refuse(w, http.StatusBadRequest, view, err)
			return
		}
		header.Set("Location", location) // http.Redirect would repeat the query in a page
		w.WriteHeader(http.StatusSeeOther)
		return
	}
	policy := oauthPolicy + "; script-src 'nonce-" + view.Nonce + "'"
	if h.script != "" {
		// Connect's frame, and what the module loads and sends.
		policy += " 'strict-dynamic'; connect-src 'self'; frame-src " + h.connect
	}
	header.Set("Content-Security-Policy", policy)
	h.write(w, http.StatusOK, view)
}

// forward returns where a return goes. target may come from a request.
func (h *oauthHandler) forward(ret *OAuthReturn, target string) (string, error) {
	if !slices.Contains(h.targets, target) {
		return "", errors.New("moneykit: the app URL is not one of ForwardTargets")
	}
	return ret.ForwardTo(target)
}

// refuse answers with a page that has err, which holds nothing of the request, and no script.
func (h *oauthHandler) refuse(w http.ResponseWriter, status int, view oauthView, err error) {
	view.Refused = strings.TrimPrefix(err.Error(), "moneykit: ")
	h.write(w, status, view)
}

func (h *oauthHandler) write(w http.ResponseWriter, status int, view oauthView) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	// Nothing but the connection can fail here.
	_ = h.page.Execute(w, view)
}

// oauthPolicy is what all answers have. The page with a script adds to it.
const oauthPolicy = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// oauthView is what a page shows; Refused is empty where it resumes Connect.
type oauthView struct {
	Nonce, Script, Connect, Refused string
}

// oauthPage passes its URL on in the words of Connect's own launcher. It closes a little later,
// because a message whose sender is gone cannot be answered. Connect may well close it first. Where
// Connect itself is gone it closes, too.
const oauthPage = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Back from your bank</title>
</head>
<body>
{{- if .Refused}}
<p>Your bank could not be connected here. Please go back to the application and try again.</p>
<p>Reason: {{.Refused}}.</p>
{{- else if .Script}}
<p>One moment, please.</p>
<noscript>Please turn on JavaScript to go on.</noscript>
<script type="module" nonce="{{.Nonce}}" src="{{.Script}}"></script>
{{- else}}
<p>Please go back to the application. You can close this window.</p>
<noscript>Please turn on JavaScript and load this page again.</noscript>
<script nonce="{{.Nonce}}">
if (window.opener) {
	window.opener.postMessage(
		{moneykit: true, type: "link.resume", eventData: {redirectURL: window.location.href}},
		{{.Connect}});
}
setTimeout(() => window.close(), 1000);
</script>
{{- end}}
</body>
</html>
`
