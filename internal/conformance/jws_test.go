package conformance

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/internal/jws"
)

// This file contains the shared functions of the tests of signatures: they make tokens, and verify
// them with the SDK.

// The time at which tokens are verified, and the bounds of their age.
const (
	judgedAt = 1_700_000_000
	maxPast  = 8100
	maxAhead = 300
)

// stage is the step of the verification at which a token fails.
type stage int

const (
	atForm stage = iota
	atKey
	atSignature
	atClaims
	atAge
	accepted
)

func (s stage) String() string {
	return [...]string{"its form", "its key", "its signature", "its claims", "its age", "nothing"}[s]
}

// judge returns the stage at which the SDK refuses a token.
func judge(set *jws.KeySet, compact string) stage {
	token, err := jws.Parse(compact)
	if err != nil {
		return atForm
	}
	key := set.Key(token.KeyID)
	if key == nil {
		return atKey
	}
	claims, err := token.Verify(key)
	switch {
	case err != nil && strings.HasPrefix(err.Error(), "the token's payload "):
		return atClaims // which are read after the signature is verified
	case err != nil:
		return atSignature
	}
	ages := jws.Ages{Past: maxPast * time.Second, Future: maxAhead * time.Second}
	if claims.CheckAge(time.Unix(judgedAt, 0), ages) != nil {
		return atAge
	}
	return accepted
}

func encode[T string | []byte](b T) string { return base64.RawURLEncoding.EncodeToString([]byte(b)) }

// privateKey returns the same key in every run.
func privateKey(curve elliptic.Curve, seed string) *ecdsa.PrivateKey {
	raw := make([]byte, (curve.Params().BitSize+7)/8)
	hash := sha256.Sum256([]byte(seed))
	copy(raw[1:], hash[:])
	key, err := ecdsa.ParseRawPrivateKey(curve, raw)
	if err != nil {
		panic(err)
	}
	return key
}

// signature returns r and s of the same signature in every run, each with the length of the curve.
func signature(key *ecdsa.PrivateKey, hash crypto.Hash, signed string) []byte {
	h := hash.New()
	h.Write([]byte(signed))
	der, err := key.Sign(nil, h.Sum(nil), hash)
	if err != nil {
		panic(err)
	}
	var rs struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(der, &rs); err != nil {
		panic(err)
	}
	size := (key.Curve.Params().BitSize + 7) / 8
	return append(rs.R.FillBytes(make([]byte, size)), rs.S.FillBytes(make([]byte, size))...)
}

// coordinates returns the two halves of a public key in base64url.
func coordinates(key *ecdsa.PublicKey) (x, y string) {
	point, err := key.Bytes()
	if err != nil {
		panic(err)
	}
	half := len(point) / 2
	return encode(point[1 : 1+half]), encode(point[1+half:])
}

// jsonKey writes a public key as a JSON Web Key.
func jsonKey(key *ecdsa.PublicKey, id string) string {
	x, y := coordinates(key)
	return `{"kty":"EC","crv":"P-256","kid":"` + id + `","use":"sig","alg":"ES256","x":"` + x + `","y":"` + y + `"}`
}

// keySet returns a key set with one key.
func keySet(t *testing.T, key *ecdsa.PublicKey, id string) *jws.KeySet {
	t.Helper()
	set, err := jws.ParseKeySet([]byte(`{"keys":[` + jsonKey(key, id) + `]}`))
	require.NoError(t, err)
	return set
}

// recoverKey returns the key for which these numbers are a valid signature of the hash, nil if
// there is none.
func recoverKey(r, s *big.Int, hash [32]byte) *ecdsa.PublicKey {
	curve := elliptic.P256()
	c := curve.Params()
	for _, x := range []*big.Int{r, new(big.Int).Add(r, c.N)} {
		// y² = x³ - 3x + b
		y := new(big.Int).Exp(x, big.NewInt(3), nil)
		y.Sub(y, new(big.Int).Mul(x, big.NewInt(3))).Add(y, c.B).Mod(y, c.P)
		if x.Cmp(c.P) >= 0 || y.ModSqrt(y, c.P) == nil {
			continue
		}
		// Q = (sR - zG) / r
		inverse := new(big.Int).ModInverse(r, c.N)
		u := new(big.Int).Mul(s, inverse)
		v := new(big.Int).Mul(new(big.Int).SetBytes(hash[:]), inverse)
		u.Mod(u, c.N)
		v.Mod(v.Neg(v), c.N)
		ux, uy := curve.ScalarMult(x, y, u.Bytes()) //nolint:staticcheck // no other function works on points
		vx, vy := curve.ScalarBaseMult(v.Bytes())   //nolint:staticcheck // no other function works on points
		qx, qy := curve.Add(ux, uy, vx, vy)         //nolint:staticcheck // no other function works on points
		point := append([]byte{4}, qx.FillBytes(make([]byte, 32))...)
		point = append(point, qy.FillBytes(make([]byte, 32))...)
		key, err := ecdsa.ParseUncompressedPublicKey(curve, point)
		if err != nil {
			return nil // the point at infinity
		}
		return key
	}
	return nil
}

// webhookClaims returns claims in the form of MoneyKit.
func webhookClaims() string {
	return fmt.Sprintf(`{"iat":%d,"request_body_sha256":"%x"}`, judgedAt-5, sha256.Sum256([]byte("body")))
}

// derSignature encodes r and s in ASN.1.
func derSignature(b []byte) []byte {
	half := len(b) / 2
	der, err := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(b[:half]), new(big.Int).SetBytes(b[half:])})
	if err != nil {
		panic(err)
	}
	return der
}

func reversed(b []byte) []byte {
	out := slices.Clone(b)
	slices.Reverse(out)
	return out
}

// negated returns r and n-s, which are also a valid signature.
func negated(b string) string {
	s := new(big.Int).SetBytes([]byte(b[32:]))
	return b[:32] + string(s.Sub(elliptic.P256().Params().N, s).FillBytes(make([]byte, 32)))
}
