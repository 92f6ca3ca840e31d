package moneykittest

import (
	"net/http"

	"github.com/moneykit/moneykit-go/internal/sandbox/delivery"
)

// RotateKeys makes the server sign webhooks with a new key. The one before is published for 24
// hours more, by the server's clock; see [WithKeyOverlap].
func (s *Server) RotateKeys() {
	if err := s.core().courier.RotateKeys(); err != nil {
		s.core().errorf("RotateKeys: %v", err)
	}
}

// SignedRequest returns a webhook with any body, signed as MoneyKit does, to be handed to a
// handler or sent to target, an http or https URL. [Server.Deliveries] has the bodies of events
// that happened. A bad URL is reported to the test; the request then has another.
func (s *Server) SignedRequest(target string, body []byte) *http.Request {
	r, err := s.core().courier.SignedRequest(target, body)
	if err != nil {
		s.core().errorf("SignedRequest: %v", err)
	}
	return r
}

// Tampering is a way to forge a webhook. An endpoint has to refuse all [Tamperings].
type Tampering string

// The ways.
const (
	TamperBody        = Tampering(delivery.TamperBody)        // it says something else than what was signed
	TamperWhitespace  = Tampering(delivery.TamperWhitespace)  // it says the same in other bytes
	TamperUnsigned    = Tampering(delivery.TamperUnsigned)    // there is no signature
	TamperGarbage     = Tampering(delivery.TamperGarbage)     // the signature is no token
	TamperSignature   = Tampering(delivery.TamperSignature)   // one character of the signature is another
	TamperStale       = Tampering(delivery.TamperStale)       // it was signed a day ago
	TamperFuture      = Tampering(delivery.TamperFuture)      // it was signed a day in the future
	TamperTimeless    = Tampering(delivery.TamperTimeless)    // it does not say when it was signed
	TamperHashless    = Tampering(delivery.TamperHashless)    // the signature does not speak of the body
	TamperSwapped     = Tampering(delivery.TamperSwapped)     // the signature is that of another webhook
	TamperOtherKey    = Tampering(delivery.TamperOtherKey)    // it is signed with another key than it names
	TamperUnknownKey  = Tampering(delivery.TamperUnknownKey)  // it is signed with a key that is not published
	TamperEmbeddedKey = Tampering(delivery.TamperEmbeddedKey) // the same, and the token brings the key along
	TamperNone        = Tampering(delivery.TamperNone)        // the token says that it needs no signature
	TamperHMAC        = Tampering(delivery.TamperHMAC)        // the public key is used as a shared secret
	TamperCritical    = Tampering(delivery.TamperCritical)    // the token demands what nobody knows
)

// Tamperings returns all ways to forge a webhook.
func Tamperings() []Tampering {
	var all []Tampering
	for _, how := range delivery.Tamperings() {
		all = append(all, Tampering(how))
	}
	return all
}

// Tamper returns a forged copy of a webhook, such as one of [Server.SignedRequest], which stays
// as it is. A way that does not exist and a body that cannot be read are reported to the test.
func (s *Server) Tamper(r *http.Request, how Tampering) *http.Request {
	forged, err := s.core().courier.Tamper(r, delivery.Tampering(how))
	if err != nil {
		s.core().errorf("Tamper: %v", err)
	}
	return forged
}
