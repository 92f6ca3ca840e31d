package moneykittest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"

	"github.com/moneykit/moneykit-go"
)

// jwk is a public key as RFC 7517 writes it.
type jwk struct {
	Type      string `json:"kty"`
	Use       string `json:"use"`
	Algorithm string `json:"alg"`
	ID        string `json:"kid"`
	Curve     string `json:"crv"`
	X         string `json:"x"`
	Y         string `json:"y"`
}

// signingKey returns the key that this server signs webhooks with. It is random.
func (c *core) signingKey() (*ecdsa.PrivateKey, error) {
	if c.key != nil {
		return c.key, nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	c.key = key
	return key, nil
}

// public returns the public half of a key. Its id is the thumbprint of RFC 7638.
func public(key *ecdsa.PrivateKey) (jwk, error) {
	whole, err := key.PublicKey.ECDH()
	if err != nil {
		return jwk{}, err
	}
	point := whole.Bytes() // 4, and then x and y in full length
	half := (len(point) - 1) / 2
	out := jwk{
		Type: "EC", Use: "sig", Algorithm: "ES256", Curve: "P-256",
		X: base64.RawURLEncoding.EncodeToString(point[1 : 1+half]),
		Y: base64.RawURLEncoding.EncodeToString(point[1+half:]),
	}
	thumb := sha256.Sum256([]byte(`{"crv":"` + out.Curve + `","kty":"` + out.Type + `","x":"` + out.X + `","y":"` + out.Y + `"}`))
	out.ID = base64.RawURLEncoding.EncodeToString(thumb[:])
	return out, nil
}

// getWellKnownJWKS handles get_well_known_jwks. Anybody may ask.
func (c *core) getWellKnownJWKS(*call) reply {
	key, err := c.signingKey()
	if err != nil {
		return refuse("", "moneykittest cannot make a key")
	}
	half, err := public(key)
	if err != nil {
		return refuse("", "moneykittest cannot write its key")
	}
	return answer(http.StatusOK, map[string][]jwk{"keys": {half}})
}

// triggerTestWebhook handles trigger_test_link_webhook_event. The event itself is not delivered
// yet.
func (c *core) triggerTestWebhook(q *call) reply {
	var params moneykit.TestWebhookParams
	check := object(required("webhook_event", known[moneykit.TestEvent]()), required("webhook_idempotency_key", text(0, maxBody)))
	if rep, ok := q.read(check, &params); !ok {
		return rep
	}
	l, rep, ok := c.existing(q)
	if !ok {
		return rep
	}
	if l.webhook == "" {
		return refuse(moneykit.ErrorCodeLinkBadConfig, "the link has no webhook")
	}
	return answer(http.StatusOK, moneykit.TestDelivery{Token: secretID()})
}
