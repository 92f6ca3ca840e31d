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

// Receive delivers webhooks to h in memory from now on, regardless of their URL, like
// [WithReceiver]. It is for handlers that need a client of this server. After Receive(nil) webhooks
// are delivered as the options say.
func (s *Server) Receive(h http.Handler) { s.core().Courier.Receive(h) }

// SignedRequest returns a request with any body, signed like MoneyKit's webhooks. Pass it to a
// handler, or send it to target, an http or https URL. [Server.Deliveries] returns the bodies of
// real events. An invalid URL is reported to the test, and replaced in the request.
func (s *Server) SignedRequest(target string, body []byte) *http.Request {
	r, err := s.core().Courier.SignedRequest(target, body)
	if err != nil {
		s.core().errorf("SignedRequest: %v", err)
	}
	return r
}

// Tampering is a way to forge a webhook. An endpoint must refuse all [Tamperings].
type Tampering string

// The ways to forge a webhook.
const (
	TamperBody        Tampering = Tampering(delivery.TamperBody)        // the body is not the signed body
	TamperWhitespace  Tampering = Tampering(delivery.TamperWhitespace)  // the white space in the body is not that of the signed body
	TamperUnsigned    Tampering = Tampering(delivery.TamperUnsigned)    // there is no signature
	TamperGarbage     Tampering = Tampering(delivery.TamperGarbage)     // the signature is not a token
	TamperSignature   Tampering = Tampering(delivery.TamperSignature)   // one character of the signature is changed
	TamperStale       Tampering = Tampering(delivery.TamperStale)       // it was signed a day ago
	TamperFuture      Tampering = Tampering(delivery.TamperFuture)      // it was signed a day in the future
	TamperTimeless    Tampering = Tampering(delivery.TamperTimeless)    // the token has no time
	TamperHashless    Tampering = Tampering(delivery.TamperHashless)    // the token has no hash of the body
	TamperSwapped     Tampering = Tampering(delivery.TamperSwapped)     // the signature belongs to another webhook
	TamperOtherKey    Tampering = Tampering(delivery.TamperOtherKey)    // the signing key is not the key that the token names
	TamperUnknownKey  Tampering = Tampering(delivery.TamperUnknownKey)  // the signing key is not published
	TamperEmbeddedKey Tampering = Tampering(delivery.TamperEmbeddedKey) // the signing key is not published, but in the token
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

// Tamper returns a forged copy of a webhook, such as one from [Server.SignedRequest], and does not
// change the original. An unknown way or an unreadable body is reported to the test.
func (s *Server) Tamper(r *http.Request, how Tampering) *http.Request {
	forged, err := s.core().Courier.Tamper(r, delivery.Tampering(how))
	if err != nil {
		s.core().errorf("Tamper: %v", err)
	}
	return forged
}
