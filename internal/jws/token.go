// Package jws verifies the signatures of MoneyKit's webhooks: compact JSON Web Tokens signed with
// ES256, and the JSON Web Key Set with the public keys. It accepts one form of each, because every
// other form that a verifier supports is a way to attack it.
package jws

import (
	"crypto/ecdsa"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/golang-jwt/jwt/v5"

	"github.com/moneykit/moneykit-go/internal/strictjson"
)

// Limits of a token. Real tokens have about 400 bytes.
const (
	maxToken     = 8 << 10
	maxKeyID     = 256
	algorithm    = "ES256"
	signatureLen = 64 // 32 bytes each for r and s
)

// Token is a token of the right form. Its signature is not verified yet.
type Token struct {
	KeyID string

	signed    string // the encoded header and payload, which the signature covers
	payload   []byte
	signature []byte
}

// Parse checks the form of a token: three segments of canonical base64url without padding, a header
// with alg ES256 and a kid, and a signature of 64 bytes. It returns an error if the header has a
// member that changes the meaning of the token or contains a key. As RFC 7515 requires, it ignores
// unknown members of the header.
func Parse(compact string) (*Token, error) {
	if len(compact) > maxToken {
		return nil, fmt.Errorf("the token has more than %d bytes", maxToken)
	}
	header, rest, _ := strings.Cut(compact, ".")
	payload, signature, ok := strings.Cut(rest, ".")
	if !ok || strings.Contains(signature, ".") {
		return nil, errors.New("the token does not have three segments")
	}
	var t Token
	head, err := decodeSegment(header)
	if err != nil {
		return nil, fmt.Errorf("the token's header %w", err)
	}
	if t.payload, err = decodeSegment(payload); err != nil {
		return nil, fmt.Errorf("the token's payload %w", err)
	}
	if t.signature, err = decodeSegment(signature); err != nil {
		return nil, fmt.Errorf("the token's signature %w", err)
	}
	if len(t.signature) != signatureLen {
		return nil, fmt.Errorf("the token's signature has %d bytes, not %d", len(t.signature), signatureLen)
	}
	if t.KeyID, err = readHeader(head); err != nil {
		return nil, fmt.Errorf("the token's header %w", err)
	}
	t.signed = compact[:len(header)+1+len(payload)]
	return &t, nil
}

// decodeSegment decodes canonical base64url without padding. It checks for line ends itself,
// because encoding/base64 skips them even in strict mode.
func decodeSegment(s string) ([]byte, error) {
	if s == "" {
		return nil, errors.New("is empty")
	}
	if strings.ContainsAny(s, "\r\n") {
		return nil, errors.New("is not base64url")
	}
	out, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil {
		return nil, errors.New("is not base64url") // err would quote the segment.
	}
	return out, nil
}

// headerNames returns the members of a header that are read or refused. All but the first three are
// refused: they change the meaning of the token, or contain or reference a key.
func headerNames() []string {
	return []string{
		"alg", "kid", "typ",
		"crit", "b64", "jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256", "zip", "enc", "cty",
		"epk", "apu", "apv", "iv", "tag", "p2s", "p2c", "nonce", "url",
	}
}

func readHeader(data []byte) (keyID string, err error) {
	if data[0] <= ' ' || data[len(data)-1] <= ' ' {
		return "", errors.New("has white space around it")
	}
	var alg string
	err = strictjson.Object(data, headerNames(), func(name string, value *strictjson.Reader) error {
		text, isText := strictjson.String(value.Raw())
		switch name {
		case "alg":
			if alg = text; alg != algorithm {
				return errors.New("has another algorithm than " + algorithm)
			}
		case "kid":
			switch keyID = text; {
			case !isText || keyID == "":
				return errors.New("has a kid that is not a text")
			case len(keyID) > maxKeyID:
				return fmt.Errorf("has a kid of more than %d bytes", maxKeyID)
			}
		case "typ":
			if !strings.EqualFold(text, "JWT") {
				return errors.New("has another type than JWT")
			}
		case "crit", "b64", "jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256", "zip", "enc", "cty",
			"epk", "apu", "apv", "iv", "tag", "p2s", "p2c", "nonce", "url":
			return fmt.Errorf("has the member %s, which is not accepted", name)
		}
		return nil
	})
	switch {
	case err != nil:
		return "", err
	case alg == "":
		return "", errors.New("has no algorithm")
	case keyID == "":
		return "", errors.New("has no kid")
	}
	return keyID, nil
}

// Verify checks the signature and returns the signed claims.
func (t *Token) Verify(key *ecdsa.PublicKey) (*Claims, error) {
	if err := jwt.SigningMethodES256.Verify(t.signed, t.signature, key); err != nil {
		return nil, errors.New("the signature was not made with the key that the token names")
	}
	claims, err := readClaims(t.payload)
	if err != nil {
		return nil, fmt.Errorf("the token's payload %w", err)
	}
	return claims, nil
}
