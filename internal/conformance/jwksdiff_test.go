package conformance

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/internal/jws"
)

// This file compares the SDK to two other implementations on the keys of generated key sets. One
// key of each set is valid, and must not be lost.

// oddKey is a key that may be invalid.
type oddKey struct {
	name string
	json string
}

// odd makes a key with an ID.
func odd(r *rand.Rand, id string) oddKey {
	key := privateKey(elliptic.P256(), fmt.Sprint(r.IntN(50)))
	x, y := coordinates(&key.PublicKey)
	members := []string{
		`"kty":"EC"`, `"crv":"P-256"`, `"kid":"` + id + `"`, `"use":"sig"`, `"alg":"ES256"`,
		`"x":"` + x + `"`, `"y":"` + y + `"`,
	}
	change := func(name, member string, values ...string) oddKey {
		set(&members, member, pick(r, values...))
		r.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
		return oddKey{name, "{" + strings.Join(members, ",") + "}"}
	}
	flip := func(s string) string {
		at := r.IntN(len(s) - 1)
		return s[:at] + string("AB"[map[bool]int{true: 1}[s[at] == 'A']]) + s[at+1:]
	}
	text := func(s string) string { return `"` + s + `"` }
	long, _ := coordinates(&privateKey(elliptic.P384(), id).PublicKey)
	plus := strings.NewReplacer("-", "+", "_", "/")
	switch r.IntN(25) {
	case 0:
		return change("nothing", "kid", text(id))
	case 1:
		return change("purpose left open", pick(r, "use", "alg", "more"), ``)
	case 2:
		return change("another kind", "kty", `"RSA"`, `"oct"`, `"OKP"`, `"AKP"`, `"ec"`, `"EC2"`, `""`)
	case 3:
		return change("kind of another type", "kty", `null`, `1`, `["EC"]`, ``)
	case 4:
		return change("another curve", "crv", `"P-384"`, `"P-521"`, `"secp256k1"`, `"p-256"`, `"Ed25519"`, `""`)
	case 5:
		return change("curve of another type", "crv", `null`, `1`, ``)
	case 6:
		return change("not on the curve", pick(r, "x", "y"), text(flip(x)), text(flip(y)), text(strings.Repeat("A", 43)))
	case 7:
		return change("coordinate too short", pick(r, "x", "y"), text(x[:42]), text(x[:4]), `""`, text(y[:40]))
	case 8:
		return change("coordinate too long", pick(r, "x", "y"), text(long), text("AAAA"+x), text(x+"AAAA"), text("A"+x))
	case 9:
		return change("coordinate padded", "x", text(x+"="), text(x+"=="))
	case 10:
		return change("coordinate in plain base64", "x", text(plus.Replace(x)+"="))
	case 11:
		return change("coordinate with a line end", "x", text(x[:20]+`\n`+x[20:]), text(x+`\r\n`))
	case 12:
		return change("bits of a coordinate that stand for nothing", "x", text(trailing(x)))
	case 13:
		return change("coordinate of another type", pick(r, "x", "y"), `null`, `1`, `[]`, `{}`, ``)
	case 14:
		return change("for encryption", "use", `"enc"`, `"ENC"`)
	case 15:
		return change("for something else", "use", `"else"`, `""`, `"SIG"`)
	case 16:
		return change("use of another type", "use", `null`, `1`, `["sig"]`)
	case 17:
		return change("other operations", "key_ops", `["encrypt"]`, `["deriveKey","deriveBits"]`, `["sign"]`, `[]`, `["VERIFY"]`)
	case 18:
		return change("operations", "key_ops", `["verify"]`, `["sign","verify"]`)
	case 19:
		return change("operations of another type", "key_ops", `"verify"`, `null`, `1`, `[1]`, `{}`)
	case 20:
		return change("for another algorithm", "alg", `"ES384"`, `"RS256"`, `"ECDH-ES"`, `"es256"`, `"none"`, `""`, `null`, `1`)
	case 21:
		d, err := key.Bytes()
		if err != nil {
			panic(err)
		}
		return change("private", "d", text(encode(d)))
	case 22:
		return change("with a certificate", pick(r, "x5t", "x5u", "more"), `"AAAA"`)
	case 23:
		return change("with a certificate that is none", pick(r, "x5t", "x5u", "x5c"), `1`, `{}`, `true`)
	default:
		return oddKey{"no key", pick(r, `null`, `1`, `"key"`, `[]`, `{}`, `{"kid":"`+id+`"}`, `{"kty":"EC"}`)}
	}
}

// twice are changes after which a key has a member twice, or in another case.
func twice(r *rand.Rand, k oddKey) oddKey {
	if !strings.HasPrefix(k.json, `{"`) || k.name != "nothing" || r.IntN(2) == 0 {
		return k
	}
	add := pick(r, `"use":"enc"`, `"kty":"oct"`, `"x":"AAAA"`, `"more":1,"more":2`, `"Use":"enc"`, `"KTY":"oct"`, `"CRV":"P-384"`)
	return oddKey{"member twice", k.json[:1] + add + "," + k.json[1:]}
}

// pointByJose returns the public key that go-jose reads from data, nil if it cannot.
func pointByJose(data string) *ecdsa.PublicKey {
	var key jose.JSONWebKey
	if json.Unmarshal([]byte(data), &key) != nil || !key.Valid() {
		return nil
	}
	public, _ := key.Key.(*ecdsa.PublicKey)
	return public
}

// pointByJWX is the same for jwx.
func pointByJWX(data string) *ecdsa.PublicKey {
	key, err := jwk.ParseKey([]byte(data))
	if err != nil {
		return nil
	}
	public, ok := key.(jwk.ECDSAPublicKey)
	if !ok || key.Validate() != nil {
		return nil
	}
	var out ecdsa.PublicKey
	if jwk.Export(public, &out) != nil {
		return nil
	}
	return &out
}

// understood are the reasons for keys that the SDK reads and neither of the others does.
var understood = map[string]string{
	"with a certificate that is none": "nobody reads certificates of keys, and the key is whole",
}

// skipped are the reasons for keys that the SDK skips and both others read. The others do not
// verify with all keys that they read.
var skipped = map[string]string{
	"coordinate with a line end":                  "one form",
	"bits of a coordinate that stand for nothing": "one form",
	"for encryption":                              "another purpose",
	"for something else":                          "another purpose",
	"use of another type":                         "another purpose",
	"other operations":                            "another purpose",
	"operations of another type":                  "another purpose",
	"for another algorithm":                       "another purpose",
	"member twice":                                "two readers may read it in two ways",
}

func TestKeySetsAsOthersReadThem(t *testing.T) {
	t.Parallel()
	good := privateKey(elliptic.P256(), "good")
	counts := map[string]int{}
	for seed := range *rounds / 25 {
		r := random(uint64(seed) + 1<<32)
		keys := []oddKey{{"good", jsonKey(&good.PublicKey, "good")}}
		for i := range r.IntN(6) {
			keys = append(keys, twice(r, odd(r, fmt.Sprint("key", i))))
		}
		r.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
		var list []string
		for _, k := range keys {
			list = append(list, k.json)
		}
		data := `{"keys":[` + strings.Join(list, ",") + `]}`
		set, err := jws.ParseKeySet([]byte(data))
		require.NoError(t, err, data)
		require.NotNil(t, set.Key("good"), data)
		require.True(t, set.Key("good").Equal(&good.PublicKey), data)
		found := 0
		for _, k := range keys {
			var named struct {
				Kid string `json:"kid"`
			}
			_ = json.Unmarshal([]byte(k.json), &named) // a key without a name is not found
			own, byJose, byJWX := set.Key(named.Kid), pointByJose(k.json), pointByJWX(k.json)
			if own != nil {
				found++
				counts["read: "+k.name]++
				require.True(t, byJose != nil || byJWX != nil || understood[k.name] != "", "%s: both others refuse %s", k.name, k.json)
				require.True(t, byJose == nil || byJose.Equal(own), k.json)
				require.True(t, byJWX == nil || byJWX.Equal(own), k.json)
				continue
			}
			counts["skipped: "+k.name]++
			if byJose != nil && byJWX != nil {
				counts["skipped, though both others read it: "+k.name]++
				require.NotEmpty(t, skipped[k.name], "%s: %s", k.name, k.json)
			}
		}
		usable, rest := set.Len()
		require.Equal(t, found, usable, data)
		require.Equal(t, len(keys)-found, rest, data)
	}
	t.Log(counts)
	if *rounds < manyRounds {
		return // some of the cases below are rare
	}
	for name := range understood {
		assert.Positive(t, counts["read: "+name], name)
	}
	for name := range skipped {
		assert.Positive(t, counts["skipped, though both others read it: "+name], name)
	}
}
