package jws_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/internal/jws"
)

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// compact returns a token signed with key.
func compact(tb testing.TB, key *ecdsa.PrivateKey, head, claims string) string {
	tb.Helper()
	signing := b64(head) + "." + b64(claims)
	hash := sha256.Sum256([]byte(signing))
	r, s, err := ecdsa.Sign(rand.Reader, key, hash[:])
	require.NoError(tb, err)
	return signing + "." + b64(string(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)))
}

func newKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(tb, err)
	return key
}

// MoneyKit's published sample has this header and claims of this form.
const (
	sampleHead   = `{"alg":"ES256","kid":"bXktc2FtcGxlLWtleQ","typ":"JWT"}`
	sampleClaims = `{"iss":"https://api.moneykit.com","iat":1680000000,` +
		`"request_body_sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}`
)

func TestSampleToken(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	token, err := jws.Parse(compact(t, key, sampleHead, sampleClaims))
	require.NoError(t, err)
	assert.Equal(t, "bXktc2FtcGxlLWtleQ", token.KeyID)
	claims, err := token.Verify(&key.PublicKey)
	require.NoError(t, err)
	assert.Equal(t, time.Unix(1680000000, 0), claims.IssuedAt.Time)
	assert.Equal(t, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", hex.EncodeToString(claims.BodyHash[:]))

	ages := jws.Ages{Past: time.Hour, Future: time.Minute}
	signed := claims.IssuedAt.Time
	require.NoError(t, claims.CheckAge(signed.Add(time.Hour), ages))
	require.NoError(t, claims.CheckAge(signed.Add(-time.Minute), ages))
	require.ErrorContains(t, claims.CheckAge(signed.Add(time.Hour+time.Second), ages), "made 1h0m1s ago, and at most 1h0m0s is accepted")
	require.ErrorContains(t, claims.CheckAge(signed.Add(-61*time.Second), ages), "made 1m1s in the future")

	_, err = token.Verify(&newKey(t).PublicKey)
	require.ErrorContains(t, err, "not made with the key")
}

func TestKeySet(t *testing.T) {
	t.Parallel()
	good := jwk(t, "a")
	s, err := jws.ParseKeySet([]byte(set(good, jwk(t, "b"), good, `{"kty":"OKP"}`, `7`)))
	require.NoError(t, err)
	usable, skipped := s.Len()
	assert.Equal(t, 2, usable)
	assert.Equal(t, 2, skipped)
	assert.NotNil(t, s.Key("a"))
	assert.Nil(t, s.Key("c"))
	assert.Nil(t, s.Key(""))
	for data, says := range map[string]string{
		set(good, jwk(t, "a")):              "two different keys",
		set():                               "no usable key",
		`{}`:                                "no usable key",
		`{"keys":{}}`:                       "not a JSON array",
		`{"keys":[` + good + `],"KEYS":[]}`: "in case",
		set(good, strings.Repeat(" ", 64<<10)+"1"): "more than 65536 bytes",
		set(good, strings.Repeat("1,", 200)+"1"):   "more than 100 keys",
		`{"keys":[` + good:                         "not valid JSON",
	} {
		_, err := jws.ParseKeySet([]byte(data))
		require.ErrorContains(t, err, says)
	}
}

// FuzzToken checks that an accepted token has exactly one encoding, and that no unsigned token
// verifies.
func FuzzToken(f *testing.F) {
	key := newKey(f)
	genuine := compact(f, key, sampleHead, sampleClaims)
	signature := genuine[strings.LastIndexByte(genuine, '.'):]
	f.Add(genuine)
	for _, head := range []string{
		`{"alg":"none","kid":"a"}`, `{"alg":"HS256","kid":"a"}`, `{"alg":"ES256","kid":"a","crit":["b64"],"b64":false}`,
		`{"alg":"ES256","kid":"a","jwk":{}}`, `{"alg":"ES256","alg":"ES256","kid":"a"}`, `{"ALG":"ES256","kid":"a"}`, `{"alg":"ES256","kid":1}`,
	} {
		f.Add(b64(head) + "." + b64(sampleClaims) + signature)
	}
	f.Add("..")
	f.Add(genuine + "=")
	other := newKey(f)
	f.Fuzz(func(t *testing.T, text string) {
		token, err := jws.Parse(text)
		if err != nil {
			require.Nil(t, token)
			require.NotContains(t, err.Error(), "\n")
			return
		}
		require.NotEmpty(t, token.KeyID)
		parts := strings.Split(text, ".")
		require.Len(t, parts, 3)
		for _, part := range parts {
			data, err := base64.RawURLEncoding.DecodeString(part)
			require.NoError(t, err)
			require.Equal(t, part, base64.RawURLEncoding.EncodeToString(data))
		}
		_, err = token.Verify(&other.PublicKey)
		require.Error(t, err)
		if _, err := token.Verify(&key.PublicKey); err == nil {
			require.Equal(t, genuine[:strings.LastIndexByte(genuine, '.')], parts[0]+"."+parts[1])
		}
	})
}

// FuzzClaims signs arbitrary payloads, and checks that accepted claims have a time and a hash.
func FuzzClaims(f *testing.F) {
	key := newKey(f)
	f.Add(sampleClaims)
	f.Add(`{"iat":1e9,"iat":2,"request_body_sha256":""}`)
	f.Add(`{"iat":-1,"exp":"x","nbf":1e400,"aud":["a",1]}`)
	now := time.Unix(1680000000, 0)
	f.Fuzz(func(t *testing.T, payload string) {
		token, err := jws.Parse(compact(t, key, sampleHead, payload))
		if err != nil {
			require.True(t, payload == "" || len(payload) > 4000, err)
			return
		}
		claims, err := token.Verify(&key.PublicKey)
		if err != nil {
			require.Nil(t, claims)
			return
		}
		require.NotNil(t, claims.IssuedAt)
		require.Contains(t, payload, fmt.Sprintf("%x", claims.BodyHash[:4]))
		if claims.CheckAge(now, jws.Ages{Past: time.Hour, Future: time.Minute}) == nil {
			require.WithinDuration(t, now, claims.IssuedAt.Time, time.Hour)
		}
	})
}

// FuzzKeySet checks that accepted keys are on the curve, and that bad keys do not remove good ones.
func FuzzKeySet(f *testing.F) {
	good := `{"kty":"EC","crv":"P-256","kid":"good","x":"axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY",` +
		`"y":"T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU"}`
	f.Add([]byte(good))
	for _, seed := range []string{
		`{"kty":"EC","crv":"P-256","kid":"good","x":"AA","y":"AA"}`, `{"kty":"RSA","n":"AQ"}`, `null`, `[]`, `{"kid":1}`,
		`{"kty":"EC","use":"enc"}`, `{"key_ops":[]}`, `"` + strings.Repeat("x", 100) + `"`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, item []byte) {
		s, err := jws.ParseKeySet([]byte(`{"keys":[` + string(item) + `,` + good + `]}`))
		if err != nil {
			return
		}
		require.NotNil(t, s.Key("good"))
		usable, _ := s.Len()
		require.GreaterOrEqual(t, usable, 1)
		_, err = s.Key("good").ECDH()
		require.NoError(t, err)
	})
}
