package conformance

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	josejwt "github.com/go-jose/go-jose/v4/jwt"
	"github.com/lestrrat-go/jwx/v3/jwk"
	jwxjwt "github.com/lestrrat-go/jwx/v3/jwt"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/internal/jws"
)

// This file compares the SDK to two other implementations on generated tokens, which are the same
// in every run.

// verifiers are the three implementations, with one key set.
type verifiers struct {
	own  *jws.KeySet
	jose *jose.JSONWebKeySet
	jwx  jwk.Set
}

func newVerifiers(t *testing.T, s signers) verifiers {
	t.Helper()
	x, y := coordinates(&s.p384.PublicKey)
	data := []byte(`{"keys":[` + jsonKey(&s.own.PublicKey, "own") + `,` + jsonKey(&s.second.PublicKey, "second") +
		`,{"kty":"EC","crv":"P-384","kid":"long","use":"sig","alg":"ES384","x":"` + x + `","y":"` + y + `"}]}`)
	var v verifiers
	var err error
	v.own, err = jws.ParseKeySet(data)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &v.jose))
	v.jwx, err = jwk.Parse(data)
	require.NoError(t, err)
	return v
}

func (v verifiers) byJose(compact string) bool {
	token, err := josejwt.ParseSigned(compact, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		return false
	}
	var claims josejwt.Claims
	if token.Claims(v.jose, &claims) != nil {
		return false
	}
	return claims.ValidateWithLeeway(josejwt.Expected{Time: time.Unix(judgedAt, 0)}, maxAhead*time.Second) == nil
}

func (v verifiers) byJWX(compact string) bool {
	clock := jwxjwt.ClockFunc(func() time.Time { return time.Unix(judgedAt, 0) })
	_, err := jwxjwt.Parse([]byte(compact), jwxjwt.WithKeySet(v.jwx), jwxjwt.WithClock(clock),
		jwxjwt.WithAcceptableSkew(maxAhead*time.Second))
	return err == nil
}

// signed reports whether the key that a token names has signed it, according to crypto/ecdsa.
func (s signers) signed(compact string) bool {
	parts := strings.Split(compact, ".")
	head, err := base64.RawURLEncoding.DecodeString(parts[0])
	if err != nil {
		return false
	}
	var header struct{ Kid string }
	if json.Unmarshal(head, &header) != nil {
		return false
	}
	sig, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		return false
	}
	key := map[string]*ecdsa.PrivateKey{"own": s.own, "second": s.second}[header.Kid]
	hash := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	return key != nil && ecdsa.VerifyASN1(&key.PublicKey, hash[:], derSignature(sig))
}

// generated is a token, the mutations that made it, and the results of the verifiers.
type generated struct {
	seed      uint64
	token     string
	mutations []string
	own       stage
	jose, jwx bool
}

func generate(seed uint64, s signers, mutations []mutation) generated {
	r := random(seed)
	d := s.genuine(r)
	g := generated{seed: seed}
	for range []int{0, 1, 1, 1, 1, 1, 1, 1, 2, 2}[r.IntN(10)] {
		m := pick(r, mutations...)
		m.do(r, d)
		g.mutations = append(g.mutations, m.name)
	}
	g.token = d.String()
	return g
}

func TestTokensAsOthersJudgeThem(t *testing.T) {
	t.Parallel()
	s := newSigners()
	v := newVerifiers(t, s)
	mutations := slices.Concat(segmentMutations(), tokenMutations(), headerMutations(s), claimMutations(), signatureMutations(s))
	names := map[string]bool{}
	for _, m := range mutations {
		require.False(t, names[m.name], m.name)
		names[m.name] = true
	}
	all := make([]generated, *rounds)
	var workers sync.WaitGroup
	for worker := range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := worker; i < len(all); i += runtime.GOMAXPROCS(0) {
				g := generate(uint64(i), s, mutations)
				g.own, g.jose, g.jwx = judge(v.own, g.token), v.byJose(g.token), v.byJWX(g.token)
				if g.own == accepted {
					assert.True(t, s.signed(g.token), "%d %s: nobody signed %s", g.seed, g.mutations, g.token)
				}
				all[i] = g
			}
		})
	}
	workers.Wait()
	counts := map[string]int{}
	for _, g := range all {
		g.check(t, counts)
	}
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		if !strings.HasPrefix(name, "made: ") {
			t.Log(counts[name], name)
		}
	}
	assert.Positive(t, counts["genuine"])
	for name := range names {
		assert.Positive(t, counts["made: "+name], name)
	}
	if *rounds < manyRounds {
		return // some of the cases below are rare
	}
	for name, class := range stricter {
		assert.Positive(t, counts["stricter: "+name], "%s (%s) never occurs", name, class.reason)
	}
}

// check counts a token. It fails if the SDK and the others differ and no table has a reason.
func (g generated) check(t *testing.T, counts map[string]int) {
	t.Helper()
	say := []any{
		"%d %s: refused by the SDK for %s, accepted by go-jose %v, by jwx %v\n%s",
		g.seed, g.mutations, g.own, g.jose, g.jwx, g.token,
	}
	// first returns the first mutation that a table has.
	first := func(has func(name string) bool) string {
		if i := slices.IndexFunc(g.mutations, has); i >= 0 {
			return g.mutations[i]
		}
		return ""
	}
	if len(g.mutations) == 1 {
		counts["made: "+g.mutations[0]]++
	}
	switch {
	case len(g.mutations) == 0:
		counts["genuine"]++
		assert.True(t, g.own == accepted && g.jose && g.jwx, say...)
	case g.own == accepted && g.jose && g.jwx:
		counts["accepted by all"]++
	case g.own == accepted:
		assert.Fail(t, "accepted, although another library refuses", say...)
	case g.jose && g.jwx:
		name := first(func(name string) bool {
			class, ok := stricter[name]
			return ok && (g.own == class.at || len(g.mutations) > 1)
		})
		assert.NotEmpty(t, name, say...)
		counts["stricter: "+name]++
	case g.jose || g.jwx:
		counts["refused, as by one"]++
	default:
		counts["refused by all"]++
	}
}

// strictness are the stages and reasons for tokens that the SDK refuses and both others accept.
type strictness struct {
	at     stage
	reason string
}

const (
	oneForm   = "a signed text has one form, so that what is seen twice is the same twice"
	noMeaning = "it would change what the token means"
	noKeys    = "keys come from MoneyKit's key set, and tokens bring none along"
	ambiguous = "another reader may take it for a name that counts"
	noWebhook = "MoneyKit's webhooks have it otherwise"
	sane      = "no time that was meant"
	bounded   = "nothing that MoneyKit sends needs it"
)

var stricter = map[string]strictness{
	"bits of base64 that stand for nothing":  {atForm, oneForm},
	"line end in a segment":                  {atForm, oneForm},
	"white space around the token":           {atForm, oneForm},
	"bytes that are not UTF-8 in the header": {atForm, oneForm},
	"bytes that are not UTF-8 in the claims": {atClaims, oneForm},

	"b64":                              {atForm, noMeaning},
	"b64, critical":                    {atForm, noMeaning},
	"critical member":                  {atForm, noMeaning},
	"critical members in another form": {atForm, noMeaning},
	"empty list of critical members":   {atForm, noMeaning},
	"compression":                      {atForm, noMeaning},
	"encryption":                       {atForm, noMeaning},
	"members of encryption":            {atForm, noMeaning},
	"content type":                     {atForm, noMeaning},
	"another type than JWT":            {atForm, noMeaning},
	"type that is no text":             {atForm, noMeaning},
	"nonce":                            {atForm, noMeaning},
	"URL of the request":               {atForm, noMeaning},

	"key of its own":           {atForm, noKeys},
	"URL of keys":              {atForm, noKeys},
	"URL of a certificate":     {atForm, noKeys},
	"URL that is none":         {atForm, noKeys},
	"certificates":             {atForm, noKeys},
	"hash of a certificate":    {atForm, noKeys},
	"SHA-256 of a certificate": {atForm, noKeys},

	"name in the header in another case, too": {atForm, ambiguous},
	"name in the header in another case":      {atForm, ambiguous},
	"claim in another case, too":              {atClaims, ambiguous},
	"claim in another case":                   {atClaims, ambiguous},

	"never made":           {atClaims, noWebhook},
	"no hash":              {atClaims, noWebhook},
	"hash in another form": {atClaims, noWebhook},
	"something else than an object as the claims": {atClaims, noWebhook},
	"issuer null":   {atClaims, noWebhook},
	"subject null":  {atClaims, noWebhook},
	"token id null": {atClaims, noWebhook},

	"made long ago":      {atAge, "it may be a replay"},
	"made in 1970":       {atAge, "it may be a replay"},
	"expires after 9999": {atClaims, sane},

	"too long":                   {atForm, bounded},
	"deep nesting in the header": {atForm, bounded},
	"deep nesting in the claims": {atClaims, bounded},

	"unknown claim that has a member twice": {atClaims, "a repeated member can be read in two ways, at any depth"},
}
