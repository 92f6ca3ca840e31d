// Package control is the control API of moneykit-sandbox: operations that change the fake MoneyKit
// in ways that its own API does not offer, lists of its state, and a web page for both.
package control

import (
	"encoding/json"
	"errors"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/moneykit/moneykit-go/internal/sandbox"
)

// maxBody is the size of the largest accepted request body, in bytes.
const maxBody = 8 << 20

// Info describes the running program.
type Info struct {
	Version      string `json:"version"`
	API          string `json:"api"`     // URL of the API and of Connect's pages
	Control      string `json:"control"` // URL of the control API and its page
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
	CA           string `json:"ca,omitempty"`    // file with the certificate of the CA
	State        string `json:"state,omitempty"` // file with the state
}

// Server is the control API. Set its fields before use. Only [Server.Reports] may be called
// earlier, because making the sandbox requires it. A Server is safe for concurrent use.
type Server struct {
	Sandbox *sandbox.Sandbox
	Info    Info
	// Hosts are host names that requests may use in addition to those of this machine.
	Hosts []string

	feed feed
}

// Handler returns the handler of the control API and its page.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	for _, v := range Verbs() {
		mux.HandleFunc("POST /control/"+v.Name, func(w http.ResponseWriter, r *http.Request) { s.serveVerb(w, r, v) })
	}
	for _, l := range Lists() {
		mux.HandleFunc("GET /control/"+l.Name, func(w http.ResponseWriter, r *http.Request) { s.serveList(w, r, l) })
	}
	mux.HandleFunc("GET /control/events", s.serveEvents)
	mux.HandleFunc("GET /control/openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(Document()) // the client may be gone
	})
	s.registerPage(mux)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { nothing(mux, w, r) })
	return s.guard(mux)
}

// guard refuses requests from pages of other sites and requests to unknown host names. It also
// prevents other sites from showing the page in a frame. Links to the page work from anywhere.
func (s *Server) guard(next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("X-Frame-Options", "DENY")
		if !s.isOwnHost(r.Host) {
			refuse(w, http.StatusForbidden, "the control API answers to the names of this machine; see -control-hosts")
			return
		}
		// CrossOriginProtection itself allows all reads.
		if protection.Check(r) != nil || isForeign(r) && !isLink(r) {
			refuse(w, http.StatusForbidden, "the control API refuses requests from pages of other sites")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// isForeign reports whether the request comes from a page of another origin. Without TLS, browsers
// send Sec-Fetch-Site only to localhost and loopback addresses. They always send Origin if a script
// of another origin could read the response.
func isForeign(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "none", "same-origin":
		return false
	case "":
		origin, err := url.Parse(r.Header.Get("Origin"))
		return r.Header.Get("Origin") != "" && (err != nil || origin.Host != r.Host)
	default:
		return true
	}
}

// isLink reports whether a request opens the page in a window of its own, which other pages cannot
// read.
func isLink(r *http.Request) bool {
	return r.Method == http.MethodGet && r.URL.Path == "/" && r.Header.Get("Origin") == "" &&
		r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
}

// isOwnHost reports whether a Host header names this machine.
func (s *Server) isOwnHost(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	name = strings.TrimSuffix(strings.ToLower(name), ".")
	if name == "localhost" || slices.Contains(s.Hosts, name) {
		return true
	}
	if len(name) > 2 && name[0] == '[' { // an IPv6 address without a port
		name = name[1 : len(name)-1]
	}
	ip, err := netip.ParseAddr(name)
	return err == nil && ip.Unmap().IsLoopback()
}

func (s *Server) serveVerb(w http.ResponseWriter, r *http.Request, v Verb) {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/json" {
		refuse(w, http.StatusUnsupportedMediaType, "the body must be JSON, with Content-Type: application/json")
		return
	}
	result, err := v.read(s, http.MaxBytesReader(w, r.Body, maxBody))
	write(w, result, err)
}

// serveList sends a list. The query last=n limits it to the last n items.
func (s *Server) serveList(w http.ResponseWriter, r *http.Request, l List) {
	most := -1
	if last := r.URL.Query().Get("last"); last != "" {
		n, err := strconv.Atoi(last)
		if err != nil || n < 0 || l.Result.Kind() != reflect.Slice {
			refuse(w, http.StatusBadRequest, "last must be a number of items, and is only for lists")
			return
		}
		most = n
	}
	result, err := l.read(s)
	if items := reflect.ValueOf(result); err == nil && most >= 0 && items.Len() > most {
		result = items.Slice(items.Len()-most, items.Len()).Interface()
	}
	write(w, result, err)
}

// nothing refuses a request that matches no endpoint.
func nothing(mux *http.ServeMux, w http.ResponseWriter, r *http.Request) {
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		other := *r
		other.Method = method
		if _, pattern := mux.Handler(&other); pattern != "/" && r.Method != http.MethodHead {
			w.Header().Set("Allow", method)
			refuse(w, http.StatusMethodNotAllowed, "this path allows only "+method)
			return
		}
	}
	refuse(w, http.StatusNotFound, "there is nothing at this path; see /control/openapi.json")
}

// requestError is an error about the form of a request, with its status.
type requestError struct {
	status int
	text   string
}

func (e *requestError) Error() string { return e.text }

// write sends the result of a request, or its error.
func write(w http.ResponseWriter, result any, err error) {
	var bad *requestError
	switch {
	case errors.As(err, &bad):
		refuse(w, bad.status, bad.text)
		return
	case err != nil:
		refuse(w, http.StatusUnprocessableEntity, err.Error())
		return
	}
	data, err := json.Marshal(result)
	if err != nil { // only if the clock is past the year 9999
		refuse(w, http.StatusInternalServerError, "the response cannot be written: "+err.Error())
		return
	}
	send(w, http.StatusOK, data)
}

func refuse(w http.ResponseWriter, status int, text string) {
	data, err := json.Marshal(map[string]string{"error_message": text})
	if err == nil { // it never fails
		send(w, status, data)
	}
}

func send(w http.ResponseWriter, status int, data []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(data, '\n')) // the client may be gone
}
