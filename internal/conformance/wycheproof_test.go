package conformance

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"math/big"
	"strings"
	"testing"

	"github.com/c2sp/wycheproof"
	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/internal/jws"
)

// This file tests the SDK with the vectors of Project Wycheproof.

// vectors is a file of vectors.
type vectors struct {
	NumberOfTests int
	TestGroups    []struct {
		Comment   string
		Private   json.RawMessage // JSON Web Key, or a set of them
		Public    json.RawMessage // absent from secret keys
		PublicKey struct{ Uncompressed string }
		Tests     []vector
	}
}

type vector struct {
	TcID    int
	Comment string
	Flags   []string
	Jws     string // token
	Msg     string // in hexadecimal digits, as is Sig
	Sig     string
	Result  string
}

func readVectors(t *testing.T, name string) vectors {
	t.Helper()
	data, err := fs.ReadFile(wycheproof.TestVectors, name)
	require.NoError(t, err)
	var v vectors
	require.NoError(t, json.Unmarshal(data, &v))
	n := 0
	for _, group := range v.TestGroups {
		n += len(group.Tests)
	}
	require.Positive(t, n)
	require.Equal(t, v.NumberOfTests, n)
	return v
}

// algorithmOf returns the algorithm in a token's header.
func algorithmOf(compact string) string {
	head, _, _ := strings.Cut(compact, ".")
	var header struct{ Alg string }
	data, err := base64.RawURLEncoding.DecodeString(head)
	if err != nil || json.Unmarshal(data, &header) != nil {
		return ""
	}
	return header.Alg
}

// Genuine ES256 tokens fail only at their claims, which are texts; with MoneyKit's claims they
// pass. All other tokens are refused earlier. The SDK is stricter in one class: tokens with other
// algorithms.
func TestWycheproofTokens(t *testing.T) {
	t.Parallel()
	counts := map[string]int{}
	for _, file := range []string{"json_web_signature_test.json", "json_web_key_test.json"} {
		for _, group := range readVectors(t, file).TestGroups {
			keys := string(group.Private)
			if group.Public != nil {
				keys = string(group.Public)
			}
			if !strings.Contains(keys, `"keys"`) {
				keys = `{"keys":[` + keys + `]}`
			}
			set, err := jws.ParseKeySet([]byte(keys))
			if err != nil {
				set = nil
			}
			for _, v := range group.Tests {
				id := []any{"%s %d %s", file, v.TcID, v.Comment}
				got := judge(set, v.Jws)
				algorithm := algorithmOf(v.Jws)
				switch {
				case v.Result == "invalid":
					counts["invalid, refused"]++
					if algorithm == "ES256" {
						counts["invalid by ES256, refused"]++
					}
					assert.Less(t, got, atClaims, id...)
				case algorithm != "ES256":
					counts["valid by another algorithm, refused"]++
					assert.Equal(t, atForm, got, id...)
				default:
					counts["valid by ES256, accepted"]++
					assert.Equal(t, atClaims, got, id...)
					var key struct{ D string }
					require.NoError(t, json.Unmarshal(group.Private, &key))
					raw, err := base64.RawURLEncoding.DecodeString(key.D)
					require.NoError(t, err)
					private, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), raw)
					require.NoError(t, err)
					head, _, _ := strings.Cut(v.Jws, ".")
					signed := head + "." + encode(webhookClaims())
					assert.Equal(t, accepted, judge(set, signed+"."+encode(signature(private, crypto.SHA256, signed))), id...)
				}
				// A purpose other than verifying is detected only when keys are read.
				if strings.HasPrefix(v.Comment, "rejectWrong") {
					counts["key for another purpose, refused"]++
					assert.Nil(t, set, id...)
				}
			}
		}
	}
	t.Log(counts)
	assert.Equal(t, map[string]int{
		"invalid, refused": 376, "invalid by ES256, refused": 39,
		"valid by another algorithm, refused": 49, "valid by ES256, accepted": 2,
		"key for another purpose, refused": 4,
	}, counts)
}

// The messages of the vectors are not tokens. So each message is verified like in the SDK, with the
// key that the SDK has read. Then its signature is used in a token, with the key for which it is
// valid there.
func TestWycheproofSignatures(t *testing.T) {
	t.Parallel()
	n := elliptic.P256().Params().N
	signed := encode(`{"alg":"ES256","kid":"own"}`) + "." + encode(webhookClaims())
	hash := sha256.Sum256([]byte(signed))
	counts := map[string]int{}
	for _, group := range readVectors(t, "ecdsa_secp256r1_sha256_p1363_test.json").TestGroups {
		point, err := hex.DecodeString(group.PublicKey.Uncompressed)
		require.NoError(t, err)
		published, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
		require.NoError(t, err)
		key := keySet(t, published, "own").Key("own")
		for _, v := range group.Tests {
			id := []any{"%d %s", v.TcID, v.Comment}
			msg, err := hex.DecodeString(v.Msg)
			require.NoError(t, err)
			sig, err := hex.DecodeString(v.Sig)
			require.NoError(t, err)
			valid := v.Result == "valid"
			counts[v.Result]++
			assert.Equal(t, valid, jwt.SigningMethodES256.Verify(string(msg), sig, key) == nil, id...)

			token := signed + "." + encode(sig)
			assert.NotEqual(t, accepted, judge(keySet(t, published, "own"), token), id...)
			r := new(big.Int).SetBytes(sig[:len(sig)/2])
			s := new(big.Int).SetBytes(sig[len(sig)/2:])
			inRange := r.Sign() > 0 && s.Sign() > 0 && r.Cmp(n) < 0 && s.Cmp(n) < 0
			r.Mod(r, n)
			s.Mod(s, n)
			if r.Sign() == 0 || s.Sign() == 0 {
				counts["zero"]++
				continue
			}
			suited := recoverKey(r, s, hash)
			if suited == nil {
				counts["by no key"]++
				assert.False(t, valid, id...)
				continue
			}
			set := keySet(t, suited, "own")
			good := append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
			assert.Equal(t, accepted, judge(set, signed+"."+encode(good)), id...)
			if inRange && len(sig) == 64 {
				counts["accepted on a token"]++
				continue
			}
			counts["refused on a token for its form alone"]++
			assert.Less(t, judge(set, token), atClaims, id...)
		}
	}
	t.Log(counts)
	assert.Equal(t, 262, counts["valid"]+counts["invalid"])
	assert.Equal(t, 173, counts["valid"])
	for _, name := range []string{"accepted on a token", "refused on a token for its form alone", "zero"} {
		assert.Positive(t, counts[name], name)
	}
}

// TestSignatureNumbers tests numbers that no key can sign, and other encodings of valid numbers.
func TestSignatureNumbers(t *testing.T) {
	t.Parallel()
	key := privateKey(elliptic.P256(), "own")
	set := keySet(t, &key.PublicKey, "own")
	signed := encode(`{"alg":"ES256","kid":"own"}`) + "." + encode(webhookClaims())
	good := signature(key, crypto.SHA256, signed)
	require.Equal(t, accepted, judge(set, signed+"."+encode(good)))
	for name, change := range signatureChanges() {
		want := atSignature
		changed := change(good)
		if len(changed) != 64 {
			want = atForm
		}
		assert.Equal(t, want, judge(set, signed+"."+encode(changed)), name)
	}
}

// signatureChanges are changes after which r and s are not a valid signature.
func signatureChanges() map[string]func([]byte) []byte {
	n := elliptic.P256().Params().N
	p := elliptic.P256().Params().P
	bytes := func(x *big.Int) []byte { return x.FillBytes(make([]byte, 32)) }
	last := new(big.Int).Sub(n, big.NewInt(1))
	next := new(big.Int).Add(n, big.NewInt(1))
	all := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 256), big.NewInt(1))
	changes := map[string]func([]byte) []byte{
		"swapped":       func(b []byte) []byte { return append(append([]byte{}, b[32:]...), b[:32]...) },
		"r twice":       func(b []byte) []byte { return append(append([]byte{}, b[:32]...), b[:32]...) },
		"one bit":       func(b []byte) []byte { return append(append([]byte{}, b[:63]...), b[63]^1) },
		"empty":         func([]byte) []byte { return nil },
		"r alone":       func(b []byte) []byte { return b[:32] },
		"a byte less":   func(b []byte) []byte { return b[:63] },
		"a byte more":   func(b []byte) []byte { return append(append([]byte{}, b...), 0) },
		"a zero first":  func(b []byte) []byte { return append([]byte{0}, b...) },
		"twice":         func(b []byte) []byte { return append(append([]byte{}, b...), b...) },
		"longer halves": func(b []byte) []byte { return append(append([]byte{0}, b[:32]...), append([]byte{0}, b[32:]...)...) },
		"as for P-384": func(b []byte) []byte {
			return append(append(make([]byte, 16), b[:32]...), append(make([]byte, 16), b[32:]...)...)
		},
		"as for P-521": func(b []byte) []byte {
			return append(append(make([]byte, 34), b[:32]...), append(make([]byte, 34), b[32:]...)...)
		},
		"DER":           derSignature,
		"DER cut off":   func(b []byte) []byte { return derSignature(b)[:64] },
		"little endian": func(b []byte) []byte { return append(reversed(b[:32]), reversed(b[32:])...) },
		"r negated": func(b []byte) []byte {
			return append(bytes(new(big.Int).Sub(n, new(big.Int).SetBytes(b[:32]))), b[32:]...)
		},
		"s inverted": func(b []byte) []byte {
			return append(append([]byte{}, b[:32]...), bytes(new(big.Int).ModInverse(new(big.Int).SetBytes(b[32:]), n))...)
		},
	}
	numbers := map[string]*big.Int{
		"0": new(big.Int), "1": big.NewInt(1), "n-1": last, "n": n, "n+1": next, "p": p, "2^256-1": all, "genuine": nil,
	}
	for rName, r := range numbers {
		for sName, s := range numbers {
			if r == nil && s == nil {
				continue
			}
			changes["r="+rName+" s="+sName] = func(b []byte) []byte {
				out := append([]byte{}, b...)
				if r != nil {
					copy(out, bytes(r))
				}
				if s != nil {
					copy(out[32:], bytes(s))
				}
				return out
			}
		}
	}
	return changes
}
