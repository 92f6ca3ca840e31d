package delivery

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// maxBody is the size of the largest body that can be forged, in bytes.
const maxBody = 1 << 20

// Tampering is a way to forge a webhook. An endpoint must refuse all [Tamperings].
type Tampering string

// The ways to forge a webhook.
const (
	TamperBody        Tampering = "body"         // the body differs from the signed one
	TamperWhitespace  Tampering = "whitespace"   // the body differs from the signed one only in white space
	TamperUnsigned    Tampering = "unsigned"     // there is no signature
	TamperGarbage     Tampering = "garbage"      // the signature is not a token
	TamperSignature   Tampering = "signature"    // one character of the signature is changed
	TamperStale       Tampering = "stale"        // it was signed a day ago
	TamperFuture      Tampering = "future"       // it was signed a day in the future
	TamperTimeless    Tampering = "timeless"     // the token has no time
	TamperHashless    Tampering = "hashless"     // the token has no hash of the body
	TamperSwapped     Tampering = "swapped"      // the signature is of another webhook
	TamperOtherKey    Tampering = "other_key"    // it is signed with another key than the token names
	TamperUnknownKey  Tampering = "unknown_key"  // it is signed with a key that is not published
	TamperEmbeddedKey Tampering = "embedded_key" // it is signed with an unpublished key that the token contains
	TamperNone        Tampering = "none"         // the token says that it needs no signature
	TamperHMAC        Tampering = "hmac"         // the public key is used as a shared secret
	TamperCritical    Tampering = "critical"     // the token requires an extension that does not exist
)

// Tamperings returns all ways to forge a webhook.
func Tamperings() []Tampering {
	return []Tampering{
		TamperBody, TamperWhitespace, TamperUnsigned, TamperGarbage, TamperSignature, TamperStale,
		TamperFuture, TamperTimeless, TamperHashless, TamperSwapped, TamperOtherKey, TamperUnknownKey,
		TamperEmbeddedKey, TamperNone, TamperHMAC, TamperCritical,
	}
}

// Tamper returns a forged copy of a webhook and does not change the original. If the tampering does
// not exist or the body cannot be read, it returns an error and a copy that is not forged.
func (c *Courier) Tamper(r *http.Request, how Tampering) (*http.Request, error) {
	body, err := bodyOf(r)
	if err == nil {
		var forged *http.Request
		if forged, err = c.tamper(r, body, how); err == nil {
			return forged, nil
		}
	}
	return withBody(r, body), err
}

// bodyOf reads the body of a request, and replaces it so that it can be read again.
func bodyOf(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err == nil && len(body) > maxBody {
		err = fmt.Errorf("the body has more than %d bytes", maxBody)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return body, err
}

// withBody returns a copy of a request with another body.
func withBody(r *http.Request, body []byte) *http.Request {
	out := r.Clone(r.Context())
	out.Body, out.ContentLength = io.NopCloser(bodyReader(body)), int64(len(body))
	out.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bodyReader(body)), nil }
	return out
}

func (c *Courier) tamper(r *http.Request, body []byte, how Tampering) (*http.Request, error) {
	out := withBody(r, body)
	switch how {
	case TamperBody:
		return withBody(r, otherBody(body)), nil
	case TamperWhitespace:
		return withBody(r, append(bytes.Clone(body), '\n')), nil
	case TamperUnsigned:
		out.Header.Del(signatureHeader)
		return out, nil
	default: // the other ways change the token
	}
	var now time.Time
	var key *signingKey
	var err error
	c.World.Do(func(_ *world.World, t time.Time) {
		now = t
		key, err = c.signingKey()
	})
	if err != nil {
		return nil, err
	}
	token, err := forge(key, body, now, how)
	if err == nil {
		out.Header.Set(signatureHeader, token)
	}
	return out, err
}

// forge returns a token that is invalid in one way.
func forge(key *signingKey, body []byte, now time.Time, how Tampering) (string, error) {
	stranger, err := newSigningKey()
	if err != nil {
		return "", err
	}
	header, says, signer := key.header(), claims(body, now), key.token
	switch how {
	case TamperGarbage:
		return "not a token", nil
	case TamperSignature:
		signer = func(signed string) (string, error) {
			token, err := key.token(signed)
			i := len(signed) + 10
			flipped := byte('A')
			if token[i] == flipped {
				flipped = 'B'
			}
			return token[:i] + string(flipped) + token[i+1:], err
		}
	case TamperStale:
		says.IssuedAt = now.Add(-24 * time.Hour).Unix()
	case TamperFuture:
		says.IssuedAt = now.Add(24 * time.Hour).Unix()
	case TamperTimeless:
		says.IssuedAt = 0
	case TamperHashless:
		says.BodyHash = ""
	case TamperSwapped:
		says = claims(otherBody(body), now)
	case TamperOtherKey:
		signer = stranger.token
	case TamperUnknownKey:
		header, signer = stranger.header(), stranger.token
	case TamperEmbeddedKey:
		header, signer = stranger.header(), stranger.token
		header.Key = &stranger.public
	case TamperNone:
		header.Algorithm = "none"
		signer = func(signed string) (string, error) { return signed + ".", nil }
	case TamperHMAC:
		header.Algorithm = "HS256"
		signer = key.hmac
	case TamperCritical:
		header.Critical = []string{"moneykittest"}
	default:
		return "", fmt.Errorf("there is no way %q", how)
	}
	return signer(unsigned(header, says))
}

// hmac signs with the public key, which is not secret, as a shared secret.
func (k *signingKey) hmac(signed string) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(&k.private.PublicKey)
	if err != nil {
		return "", err
	}
	mac := hmac.New(sha256.New, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	_, _ = mac.Write([]byte(signed)) // it never fails
	return signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)), nil
}

// otherBody returns a body that an attacker might send: the same event for another link.
func otherBody(body []byte) []byte {
	var event map[string]json.RawMessage
	if json.Unmarshal(body, &event) != nil || event == nil {
		return []byte(strings.Repeat("x", len(body)+1))
	}
	id := `"mk_of_somebody_else"`
	if string(event["link_id"]) == id { // the body was forged before
		id = `"mk_of_a_third"`
	}
	event["link_id"] = json.RawMessage(id)
	other, _ := json.Marshal(event) //nolint:errchkjson // decoded from JSON
	return other
}
