package delivery

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// signingKey is a random key for the signatures of webhooks.
type signingKey struct {
	private *ecdsa.PrivateKey
	public  jwk
	until   time.Time // when its publication ends; zero for the current key
}

// jwk is a public key in the JSON form of RFC 7517.
type jwk struct {
	Type      string `json:"kty"`
	Use       string `json:"use"`
	Algorithm string `json:"alg"`
	ID        string `json:"kid"`
	Curve     string `json:"crv"`
	X         string `json:"x"`
	Y         string `json:"y"`
}

// RotateKeys makes the courier sign with a new key. The old key is published for
// Settings.KeyOverlap more.
func (c *Courier) RotateKeys() error {
	var err error
	c.World.Do(func(_ *world.World, now time.Time) { err = c.rotateKeys(now) })
	return err
}

func (c *Courier) rotateKeys(now time.Time) error {
	old, err := c.signingKey()
	if err != nil {
		return err
	}
	key, err := newSigningKey()
	if err != nil {
		return err
	}
	old.until = now.Add(c.KeyOverlap)
	c.keys = append(c.keys, key)
	return nil
}

// Keys returns the key set for the verification of signatures, as JSON. The world must be locked.
func (c *Courier) Keys(now time.Time) ([]byte, error) {
	if _, err := c.signingKey(); err != nil {
		return nil, err
	}
	keys := []jwk{}
	for _, key := range c.keys {
		if key.until.IsZero() || now.Before(key.until) {
			keys = append(keys, key.public)
		}
	}
	return json.Marshal(map[string][]jwk{"keys": keys})
}

// sign returns the signature of a body. The world must be locked.
func (c *Courier) sign(body []byte, now time.Time) (string, error) {
	key, err := c.signingKey()
	if err != nil {
		return "", err
	}
	return key.sign(body, now)
}

// signingKey returns the current key. The first call makes it.
func (c *Courier) signingKey() (*signingKey, error) {
	if len(c.keys) == 0 {
		key, err := newSigningKey()
		if err != nil {
			return nil, err
		}
		c.keys = append(c.keys, key)
	}
	return c.keys[len(c.keys)-1], nil
}

// newSigningKey returns a key whose id is the thumbprint of RFC 7638.
func newSigningKey() (*signingKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	return keyOf(key)
}

func keyOf(key *ecdsa.PrivateKey) (*signingKey, error) {
	point, err := key.PublicKey.Bytes() // the byte 4, then x and y in full length
	if err != nil {
		return nil, err
	}
	half := (len(point) - 1) / 2
	out := jwk{
		Type: "EC", Use: "sig", Algorithm: "ES256", Curve: "P-256",
		X: base64.RawURLEncoding.EncodeToString(point[1 : 1+half]),
		Y: base64.RawURLEncoding.EncodeToString(point[1+half:]),
	}
	thumb := sha256.Sum256([]byte(`{"crv":"` + out.Curve + `","kty":"` + out.Type + `","x":"` + out.X + `","y":"` + out.Y + `"}`))
	out.ID = base64.RawURLEncoding.EncodeToString(thumb[:])
	return &signingKey{private: key, public: out}, nil
}

// jwtHeader is the header of a JSON Web Token. MoneyKit's has the first three members.
type jwtHeader struct {
	Algorithm string   `json:"alg"`
	KeyID     string   `json:"kid,omitempty"`
	Type      string   `json:"typ"`
	Critical  []string `json:"crit,omitempty"`
	Key       *jwk     `json:"jwk,omitempty"`
}

// jwtClaims contains the claims of MoneyKit's signatures.
type jwtClaims struct {
	Issuer   string `json:"iss"`
	IssuedAt int64  `json:"iat,omitempty"`
	BodyHash string `json:"request_body_sha256,omitempty"`
}

func (k *signingKey) header() jwtHeader {
	return jwtHeader{Algorithm: "ES256", KeyID: k.public.ID, Type: "JWT"}
}

func claims(body []byte, at time.Time) jwtClaims {
	hash := sha256.Sum256(body)
	return jwtClaims{Issuer: "https://api.moneykit.com", IssuedAt: at.Unix(), BodyHash: hex.EncodeToString(hash[:])}
}

// sign returns the JSON Web Token of a body.
func (k *signingKey) sign(body []byte, at time.Time) (string, error) {
	return k.token(unsigned(k.header(), claims(body, at)))
}

// token appends the signature to the encoded header and claims: r and s, each in full length.
func (k *signingKey) token(signed string) (string, error) {
	hash := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, k.private, hash[:])
	if err != nil {
		return "", err
	}
	var signature [64]byte
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature[:]), nil
}

// unsigned returns the encoded header and claims, which are the input of the signature.
func unsigned(header jwtHeader, claims jwtClaims) string {
	head, _ := json.Marshal(header)    //nolint:errchkjson // only strings and numbers
	payload, _ := json.Marshal(claims) //nolint:errchkjson // only strings and numbers
	return base64.RawURLEncoding.EncodeToString(head) + "." + base64.RawURLEncoding.EncodeToString(payload)
}
