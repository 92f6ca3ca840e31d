package connect

import (
	"fmt"
	"net/http"

	"github.com/moneykit/moneykit-go/internal/weburl"
)

// trust lets the pages of an origin use the endpoints.
func (h *Handler) trust(origin string) error {
	if err := h.origins.AddTrustedOrigin(origin); err != nil {
		return fmt.Errorf("connect: Config.TrustedOrigins: %w", err)
	}
	clean, err := weburl.CheckOrigin(origin)
	if err != nil {
		return fmt.Errorf("connect: Config.TrustedOrigins: the origin %w", err)
	}
	h.trusted[clean] = true
	return h.origins.AddTrustedOrigin(clean)
}

// cors lets pages of trusted origins read the response. It reports whether the origin of the
// request is one of them.
func (h *Handler) cors(header http.Header, r *http.Request) bool {
	if len(h.trusted) > 0 {
		header.Add("Vary", "Origin")
	}
	origin := r.Header.Get("Origin")
	if !h.trusted[origin] {
		return false
	}
	header.Set("Access-Control-Allow-Origin", origin)
	header.Set("Access-Control-Allow-Credentials", "true") // The session is usually in a cookie.
	header.Set("Access-Control-Expose-Headers", "Retry-After")
	return true
}

// isPreflight reports whether r is a CORS preflight request.
func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Origin") != "" &&
		r.Header.Get("Access-Control-Request-Method") != ""
}

// allowPreflight sets the headers of the response to a preflight request from a trusted origin.
func allowPreflight(header http.Header, methods string) {
	header.Set("Access-Control-Allow-Methods", methods)
	header.Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
	header.Set("Access-Control-Max-Age", "600")
}

// crossOrigin returns the refusal of a request from a page of an origin that is not trusted.
func crossOrigin(r *http.Request) *refusal {
	reason := "the page's origin is neither the handler's own nor one of Config.TrustedOrigins"
	switch r.Header.Get("Origin") {
	case "":
		reason = "the header Sec-Fetch-Site says that a page of another origin sent the request"
	case "null":
		reason = "the page has no origin, like a local file or a sandboxed frame"
	}
	return &refusal{
		status: http.StatusForbidden, code: "cross_origin", message: "This website is not allowed to do this.", reason: reason,
	}
}
