package moneykittest

import (
	"net/http"

	"github.com/moneykit/moneykit-go/internal/sandbox/delivery"
)

// RotateKeys makes the server sign webhooks with a new key. The old key stays published for 24
// hours by the server's clock; see [WithKeyOverlap].
func (s *Server) RotateKeys() {
	if err := s.core().Courier.RotateKeys(); err != nil {
		s.core().errorf("RotateKeys: %v", err)
	}
}

// Receive delivers webhooks to h in memory from now on, whatever their URL, as [WithReceiver] does.
// It is for handlers that need a client of this server. After Receive(nil) they go where the
// options say.
func (s *Server) Receive(h http.Handler) { s.core().Courier.Receive(h) }

// SignedRequest returns a request with any body that is signed like MoneyKit's webhooks. Pass it to
// a handler or send it to target, an http or https URL. [Server.Deliveries] returns the bodies of
// real events. A bad URL is reported to the test, and the request then has another one.
func (s *Server) SignedRequest(target string, body []byte) *http.Request {
	r, err := s.core().Courier.SignedRequest(target, body)
	if err != nil {
		s.core().errorf("SignedRequest: %v", err)
	}
	return r
}

// Tampering is a way to forge a webhook. An endpoint has to refuse all [Tamperings].
type Tampering string

// The ways.
const (
	TamperBody        Tampering = Tampering(delivery.TamperBody)        // the body is another than the signed one
	TamperWhitespace  Tampering = Tampering(delivery.TamperWhitespace)  // the body has other white space than the signed one
	TamperUnsigned    Tampering = Tampering(delivery.TamperUnsigned)    // there is no signature
	TamperGarbage     Tampering = Tampering(delivery.TamperGarbage)     // the signature is not a token
	TamperSignature   Tampering = Tampering(delivery.TamperSignature)   // one character of the signature is another
	TamperStale       Tampering = Tampering(delivery.TamperStale)       // it was signed a day ago
	TamperFuture      Tampering = Tampering(delivery.TamperFuture)      // it was signed a day in the future
	TamperTimeless    Tampering = Tampering(delivery.TamperTimeless)    // the token has no time
	TamperHashless    Tampering = Tampering(delivery.TamperHashless)    // the token has no hash of the body
	TamperSwapped     Tampering = Tampering(delivery.TamperSwapped)     // the signature is that of another webhook
	TamperOtherKey    Tampering = Tampering(delivery.TamperOtherKey)    // it is signed with another key than the token names
	TamperUnknownKey  Tampering = Tampering(delivery.TamperUnknownKey)  // it is signed with a key that is not published
	TamperEmbeddedKey Tampering = Tampering(delivery.TamperEmbeddedKey) // the same, and the token contains that key
	TamperNone        Tampering = Tampering(delivery.TamperNone)        // the token says that it needs no signature
	TamperHMAC        Tampering = Tampering(delivery.TamperHMAC)        // the public key is used as a shared secret
	TamperCritical    Tampering = Tampering(delivery.TamperCritical)    // the token demands an extension that does not exist
)

// Tamperings returns all ways to forge a webhook.
func Tamperings() []Tampering {
	var all []Tampering
	for _, how := range delivery.Tamperings() {
		all = append(all, Tampering(how))
	}
	return all
}

// Tamper returns a forged copy of a webhook, such as one of [Server.SignedRequest], and leaves the
// original as it is. An unknown way and a body that cannot be read are reported to the test.
func (s *Server) Tamper(r *http.Request, how Tampering) *http.Request {
	forged, err := s.core().Courier.Tamper(r, delivery.Tampering(how))
	if err != nil {
		s.core().errorf("Tamper: %v", err)
	}
	return forged
}
