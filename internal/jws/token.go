// Package jws reads what MoneyKit signs its webhooks with: one compact JSON Web Token by ES256,
// and the set of public keys that goes with it. It accepts one form of each and nothing else,
// because a library that understands more can be talked into more.
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

// Bounds of a token. Real ones have about 400 bytes.
const (
	maxToken     = 8 << 10
	maxKeyID     = 256
	algorithm    = "ES256"
	signatureLen = 64 // r and s
)

// Token is a token whose form was checked, and nothing else.
type Token struct {
	KeyID string

	signed    string // header and payload, as they are signed
	payload   []byte
	signature []byte
}

// Parse checks the form of a token: three segments of canonical base64url without padding, a
// header with alg ES256 and a kid, nothing in it that would change what the token means or bring
// a key along, and a signature of 64 bytes. Other members of the header are ignored, as RFC 7515
// has it.
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

// decodeSegment decodes base64url in its only canonical form. encoding/base64 would skip line
// ends even when it is strict.
func decodeSegment(s string) ([]byte, error) {
	if s == "" {
		return nil, errors.New("is empty")
	}
	if strings.ContainsAny(s, "\r\n") {
		return nil, errors.New("is not base64url")
	}
	out, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil {
		return nil, errors.New("is not base64url") // err would quote it
	}
	return out, nil
}

// headerNames are the members of a header that are read or refused. All but the first three
// change what the token means, or name a key that comes with it.
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
				return errors.New("asks for another algorithm than " + algorithm)
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
		return "", errors.New("names no algorithm")
	case keyID == "":
		return "", errors.New("names no key")
	}
	return keyID, nil
}

// Verify checks the signature and returns what was signed.
func (t *Token) Verify(key *ecdsa.PublicKey) (*Claims, error) {
	if err := jwt.SigningMethodES256.Verify(t.signed, t.signature, key); err != nil {
		return nil, errors.New("the signature is not by the key that the token names")
	}
	claims, err := readClaims(t.payload)
	if err != nil {
		return nil, fmt.Errorf("the token's payload %w", err)
	}
	return claims, nil
}
