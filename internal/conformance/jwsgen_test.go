package conformance

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
)

// This file makes tokens: genuine ones, and ones with one or two mutations.

// draft is a token that is not yet signed. Hooks run in the order in which they were added.
type draft struct {
	header, claims         []string // members, in JSON
	headerText, claimsText []hook
	signedHead, signedBody []hook // the segments, before they are signed
	key                    *ecdsa.PrivateKey
	hash                   crypto.Hash
	signature              []hook // bytes
	head, body, tail       []hook // the segments, after they were signed
	token                  []hook
}

type hook func(string) string

func run(hooks []hook, s string) string {
	for _, h := range hooks {
		s = h(s)
	}
	return s
}

// String makes the token.
func (d *draft) String() string {
	head := run(d.signedHead, encode(run(d.headerText, "{"+strings.Join(d.header, ",")+"}")))
	body := run(d.signedBody, encode(run(d.claimsText, "{"+strings.Join(d.claims, ",")+"}")))
	sig := run(d.signature, string(signature(d.key, d.hash, head+"."+body)))
	return run(d.token, run(d.head, head)+"."+run(d.body, body)+"."+run(d.tail, encode(sig)))
}

// set changes or adds the member with this name. Without a value it removes the member.
func set(members *[]string, name, value string) {
	prefix := `"` + name + `":`
	at := slices.IndexFunc(*members, func(m string) bool { return strings.HasPrefix(m, prefix) })
	switch {
	case at < 0 && value != "":
		*members = append(*members, prefix+value)
	case at >= 0 && value == "":
		*members = slices.Delete(*members, at, at+1)
	case at >= 0:
		(*members)[at] = prefix + value
	}
}

// insert adds members at random positions.
func insert(r *rand.Rand, members *[]string, add ...string) {
	for _, m := range add {
		*members = slices.Insert(*members, r.IntN(len(*members)+1), m)
	}
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

// signers are the keys of the generated tokens. All but the last are in the key set.
type signers struct{ own, second, p384, stranger *ecdsa.PrivateKey }

func newSigners() signers {
	return signers{
		privateKey(elliptic.P256(), "own"), privateKey(elliptic.P256(), "second"),
		privateKey(elliptic.P384(), "long"), privateKey(elliptic.P256(), "stranger"),
	}
}

// genuine returns a token in the form of MoneyKit.
func (s signers) genuine(r *rand.Rand) *draft {
	d := &draft{key: s.own, hash: crypto.SHA256}
	d.header = []string{`"alg":"ES256"`, `"kid":"own"`}
	if r.IntN(2) == 0 {
		insert(r, &d.header, `"typ":"JWT"`)
	}
	hash := sha256.Sum256([]byte{byte(r.Uint32()), byte(r.Uint32())})
	d.claims = []string{fmt.Sprintf(`"iat":%d`, judgedAt-r.IntN(maxPast))}
	insert(r, &d.claims, fmt.Sprintf(`"request_body_sha256":"%x"`, hash))
	if r.IntN(3) == 0 {
		insert(r, &d.claims, fmt.Sprintf(`"exp":%d`, judgedAt+r.IntN(3600)))
	}
	if r.IntN(4) == 0 {
		insert(r, &d.claims, `"iss":"moneykit"`)
	}
	return d
}

// mutation is one change of a token.
type mutation struct {
	name string
	do   func(r *rand.Rand, d *draft)
}

// segmentOf adds a hook to one of the segments, before or after it is signed.
func segmentOf(r *rand.Rand, d *draft, h hook) {
	switch r.IntN(5) {
	case 0:
		d.signedHead = append(d.signedHead, h)
	case 1:
		d.signedBody = append(d.signedBody, h)
	case 2:
		d.head = append(d.head, h)
	case 3:
		d.body = append(d.body, h)
	case 4:
		d.tail = append(d.tail, h)
	}
}

func put(r *rand.Rand, s, what string) string {
	at := r.IntN(len(s) + 1)
	return s[:at] + what + s[at:]
}

// trailing sets the unused bits of the last character.
func trailing(s string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	if len(s)%4 < 2 {
		return s
	}
	at := strings.IndexByte(alphabet, s[len(s)-1])
	return s[:len(s)-1] + string(alphabet[at|1])
}

func segmentMutations() []mutation {
	text := func(name string, h func(r *rand.Rand, s string) string) mutation {
		return mutation{name, func(r *rand.Rand, d *draft) {
			segmentOf(r, d, func(s string) string { return h(r, s) })
		}}
	}
	return []mutation{
		text("bits of base64 that stand for nothing", func(_ *rand.Rand, s string) string { return trailing(s) }),
		text("padding", func(_ *rand.Rand, s string) string { return s + strings.Repeat("=", (4-len(s)%4)%4) }),
		text("too much padding", func(r *rand.Rand, s string) string { return s + pick(r, "=", "==", "===", "====") }),
		text("line end in a segment", func(r *rand.Rand, s string) string { return put(r, s, pick(r, "\n", "\r", "\r\n")) }),
		text("alphabet of plain base64", func(_ *rand.Rand, s string) string {
			return strings.NewReplacer("-", "+", "_", "/").Replace(s)
		}),
		text("character outside of base64", func(r *rand.Rand, s string) string {
			return put(r, s, pick(r, " ", "\t", "\x00", "?", "%3D", "ä", "\xff", "*", "!", ",", "\u2028", "&"))
		}),
		text("empty segment", func(*rand.Rand, string) string { return "" }),
		text("character too few", func(_ *rand.Rand, s string) string { return s[:max(len(s)-1, 0)] }),
		text("character too many", func(r *rand.Rand, s string) string { return s + pick(r, "A", "AA", "AAA", "AAAA", "x", "_") }),
		text("segment twice", func(_ *rand.Rand, s string) string { return s + s }),
	}
}

func tokenMutations() []mutation {
	text := func(name string, h func(r *rand.Rand, s string) string) mutation {
		return mutation{name, func(r *rand.Rand, d *draft) {
			d.token = append(d.token, func(s string) string { return h(r, s) })
		}}
	}
	parts := func(s string) []string { return append(strings.Split(s, "."), "", "")[:3] }
	return []mutation{
		text("white space around the token", func(r *rand.Rand, s string) string {
			space := pick(r, " ", "\t", "\n", "\r\n", "  ")
			return pick(r, space+s, s+space, space+s+space)
		}),
		text("something around the token", func(r *rand.Rand, s string) string {
			return pick(r, "Bearer "+s, `"`+s+`"`, "\ufeff"+s, s+"\x00", s+",", s+";", s+","+s, s+" "+s, "<"+s+">")
		}),
		text("segments too many or too few", func(r *rand.Rand, s string) string {
			p := parts(s)
			return pick(r, s+".", "."+s, s+"."+p[2], p[0]+"."+p[1], p[0]+"."+p[1]+".", p[0], "", ".", "..", "...",
				s+strings.Repeat(".", 5000), p[0]+".."+p[1]+"."+p[2], s+"."+s, p[0]+".."+p[2])
		}),
		text("JSON serialization", func(r *rand.Rand, s string) string {
			p := parts(s)
			return pick(
				r,
				`{"protected":"`+p[0]+`","payload":"`+p[1]+`","signature":"`+p[2]+`"}`,
				`{"payload":"`+p[1]+`","signatures":[{"protected":"`+p[0]+`","signature":"`+p[2]+`"}]}`,
			)
		}),
		text("segments in another order", func(r *rand.Rand, s string) string {
			p := parts(s)
			return pick(r, p[1]+"."+p[0]+"."+p[2], p[0]+"."+p[2]+"."+p[1], p[2]+"."+p[1]+"."+p[0])
		}),
		{"too long", func(r *rand.Rand, d *draft) {
			add := `"more":"` + strings.Repeat("x", 6200+r.IntN(3000)) + `"`
			insert(r, pick(r, &d.header, &d.claims), add)
		}},
	}
}

func headerMutations(s signers) []mutation {
	// value sets a member to one of some values.
	value := func(name, member string, values ...string) mutation {
		return mutation{name, func(r *rand.Rand, d *draft) { set(&d.header, member, pick(r, values...)) }}
	}
	x, y := coordinates(&s.stranger.PublicKey)
	stranger := `{"kty":"EC","crv":"P-256","x":"` + x + `","y":"` + y + `"}`
	ownX, ownY := coordinates(&s.own.PublicKey)
	own := `{"kty":"EC","crv":"P-256","kid":"own","x":"` + ownX + `","y":"` + ownY + `"}`
	mutations := []mutation{
		value("another algorithm", "alg", `"none"`, `"None"`, `"NONE"`, `""`, `"es256"`, `"Es256"`, `"ES384"`, `"ES512"`,
			`"ES256K"`, `"RS256"`, `"PS256"`, `"EdDSA"`, `"HS256"`, `"ES256 "`, `" ES256"`, `"ES256\u0000"`, `"ECDSA"`),
		value("algorithm of another type", "alg", `null`, `256`, `["ES256"]`, `{"ES256":1}`, `true`),
		value("no algorithm", "alg", ``),
		value("algorithm with escapes", "alg", `"ES\u003256"`, `"\u0045S256"`),
		value("no key id", "kid", ``),
		value("key id of another type", "kid", `null`, `7`, `["own"]`, `{"own":1}`, `true`, `{}`),
		value("empty key id", "kid", `""`),
		value("unknown key id", "kid", `"else"`, `"Own"`, `"own "`, `"own\u0000"`, `"../own"`, `"ow\u0000n"`, `"own,second"`),
		value("long key id", "kid", `"`+strings.Repeat("k", 257)+`"`),
		value("key id with escapes", "kid", `"\u006fwn"`, `"o\u0077n"`),
		value("another key's id", "kid", `"second"`),
		value("type JWT in another way", "typ", `"jwt"`, `"Jwt"`, `"\u004aWT"`),
		value("another type than JWT", "typ", `"JOSE"`, `"at+jwt"`, `"application/jwt"`, `""`, `"JWE"`, `"JWT "`),
		value("type that is no text", "typ", `null`, `1`, `["JWT"]`, `{}`, `true`),
		value("content type", "cty", `"JWT"`, `"json"`, `""`, `null`),
		value("critical member", "crit", `["exp"]`, `["more"]`, `["alg"]`, `["b64"]`, `["kid","kid"]`, `["http://x.example/y"]`),
		value("critical members in another form", "crit", `"exp"`, `null`, `{}`, `1`, `[1]`, `[""]`, `true`, `[null]`),
		value("empty list of critical members", "crit", `[]`),
		value("b64", "b64", `false`, `true`, `null`, `"false"`, `0`),
		{"b64, critical", func(r *rand.Rand, d *draft) {
			insert(r, &d.header, `"crit":["b64"]`, `"b64":`+pick(r, "true", "false"))
		}},
		{"more that is critical and there", func(r *rand.Rand, d *draft) {
			insert(r, &d.header, `"crit":["more"]`, `"more":1`)
		}},
		{"key of its own, signed by it", func(r *rand.Rand, d *draft) {
			d.key = s.stranger
			insert(r, &d.header, `"jwk":`+stranger)
			if r.IntN(2) == 0 {
				set(&d.header, "kid", pick(r, "", `"stranger"`))
			}
		}},
		value("key of its own", "jwk", stranger, own),
		value("key of its own that is none", "jwk", `null`, `{}`, `"key"`, `{"kty":"oct","k":"AAAA"}`, `[]`),
		value("URL of keys", "jku", `"https://keys.example/jwks.json"`, `""`, `"own"`),
		value("URL of a certificate", "x5u", `"https://keys.example/a.pem"`, `""`),
		value("URL that is none", "jku", `null`, `1`, `[]`),
		value("certificates", "x5c", `["MIIB"]`, `[]`, `null`, `"MIIB"`, `[1]`),
		value("hash of a certificate", "x5t", `"AAAAAAAAAAAAAAAAAAAAAAAAAAA"`, `""`),
		value("SHA-256 of a certificate", "x5t#S256", `"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"`, `""`),
		value("compression", "zip", `"DEF"`, `""`, `null`),
		value("encryption", "enc", `"A128GCM"`, `""`, `null`),
		{"members of encryption", func(r *rand.Rand, d *draft) {
			name := pick(r, "epk", "apu", "apv", "iv", "tag", "p2s", "p2c")
			set(&d.header, name, pick(r, `"AAAA"`, `1`, own))
		}},
		value("nonce", "nonce", `"n-1"`, `""`),
		value("URL of the request", "url", `"https://hook.example/"`, `""`),
		value("unknown member", "more", `1`, `null`, `"text"`, `[1,{"a":[]}]`, `{"alg":"none","kid":"second"}`,
			`12345678901234567890`, `-0`, `"\ud83d\ude00"`, `{"crit":["x"]}`),
		value("unknown member beyond any float", "more", `1e400`, `[-1e999]`),
		value("unknown member that has a member twice", "more", `{"a":1,"a":2}`, `[{"alg":"none","alg":"ES256"}]`),
		value("half of a surrogate pair", "more", `"\ud800"`, `"\udc00\ud800"`),
		{"unknown name in the header", func(r *rand.Rand, d *draft) {
			insert(r, &d.header, pick(r, `"":1`, `"a.b":1`, `"__proto__":{"alg":"none"}`, `"\u0000":1`, `"b65":false`, `"algorithm":"none"`))
		}},
		{"algorithm twice", func(r *rand.Rand, d *draft) {
			insert(r, &d.header, `"alg":`+pick(r, `"none"`, `"ES256"`, `"HS256"`, `null`, `1`))
		}},
		{"key id twice", func(r *rand.Rand, d *draft) {
			insert(r, &d.header, `"kid":`+pick(r, `"second"`, `"own"`, `"else"`, `null`))
		}},
		{"unknown member of the header twice", func(r *rand.Rand, d *draft) {
			insert(r, &d.header, `"more":1`, pick(r, `"more":1`, `"more":2`, `"\u006dore":3`))
		}},
		{"name in the header with escapes, twice", func(r *rand.Rand, d *draft) {
			insert(r, &d.header, pick(r, `"\u0061lg":"none"`, `"a\u006cg":"ES256"`, `"\u006bid":"own"`, `"kid\u0000":"x","ki\u0064":"own"`))
		}},
		{"name in the header with escapes", func(r *rand.Rand, d *draft) {
			name, spelt := "alg", `"\u0061lg":"ES256"`
			if r.IntN(2) == 0 {
				name, spelt = "kid", `"\u006bid":"own"`
			}
			set(&d.header, name, "")
			insert(r, &d.header, spelt)
		}},
		{"name in the header in another case, too", func(r *rand.Rand, d *draft) {
			insert(r, &d.header, pick(r, `"Alg":"ES256"`, `"ALG":"none"`, `"KID":"second"`, `"Kid":"own"`, `"Typ":"JOSE"`,
				`"\u212aid":"second"`, `"Crit":["x"]`, `"JWK":`+stranger, `"B64":false`, `"ſ":1,"Zip":"DEF"`))
		}},
		{"name in the header in another case", func(r *rand.Rand, d *draft) {
			name, spelt := "alg", `"Alg":"ES256"`
			if r.IntN(2) == 0 {
				name, spelt = "kid", pick(r, `"KID":"own"`, `"\u212aid":"own"`)
			}
			set(&d.header, name, "")
			insert(r, &d.header, spelt)
		}},
	}
	return append(mutations, textMutations("header", func(d *draft) *[]hook { return &d.headerText })...)
}

// textMutations change the JSON of the header or of the claims.
func textMutations(part string, hooks func(*draft) *[]hook) []mutation {
	text := func(name string, h func(r *rand.Rand, s string) string) mutation {
		return mutation{name + " " + part, func(r *rand.Rand, d *draft) {
			list := hooks(d)
			*list = append(*list, func(s string) string { return h(r, s) })
		}}
	}
	return []mutation{
		text("white space in the", func(r *rand.Rand, s string) string {
			space := pick(r, " ", "\n", "\t", "\r\n ", "  ")
			return strings.NewReplacer("{", "{"+space, ",", space+","+space, ":", ":"+space, "}", space+"}").Replace(s)
		}),
		text("white space around the", func(r *rand.Rand, s string) string {
			space := pick(r, " ", "\n", "\t", "\r\n ")
			return pick(r, space+s, s+space, space+s+space)
		}),
		text("white space that JSON has not in the", func(r *rand.Rand, s string) string {
			space := pick(r, "\v", "\f", "\u00a0", "\u2028", "\x00", "\ufeff")
			return pick(r, space+s, s+space, strings.Replace(s, ":", ":"+space, 1))
		}),
		text("something after the", func(r *rand.Rand, s string) string { return s + pick(r, "{}", "x", "}", s, ",", "1", "\x00", "]") }),
		text("JSON cut off in the", func(r *rand.Rand, s string) string { return s[:r.IntN(len(s))] }),
		text("JSON that is none in the", func(r *rand.Rand, s string) string {
			inner := s[1:max(1, len(s)-1)]
			return pick(r, strings.ReplaceAll(s, `"`, `'`), "{"+inner+",}", "{,"+inner+"}", "{"+inner+"/**/}", "// x\n"+s,
				"{"+inner+`,"a":01}`, "{"+inner+`,"a":+1}`, "{"+inner+`,"a":NaN}`, "{"+inner+`,"a":.5}`, "{"+inner+`,"a":0x1}`,
				"{"+inner+`,"a":"`+"\n"+`"}`, "{"+inner+`,"a":"\x"}`, "{"+inner+`,"a"}`, "{"+inner+`,a:1}`, "{"+inner+`,"a":1 "b":2}`,
				"{"+inner+`,"a":True}`, "{"+inner+`,"a":[1,]}`, "{"+inner+`,"a":"\ud8"}`)
		}),
		text("something else than an object as the", func(r *rand.Rand, s string) string {
			return pick(r, "["+s+"]", "null", "1", `"`+encode(s)+`"`, "true", "{}", "[]", `""`)
		}),
		text("bytes that are not UTF-8 in the", func(r *rand.Rand, s string) string {
			bad := pick(r, "\xff", "\xc0\x80", "\xed\xa0\x80", "\xe2\x82", "\xf4\x90\x80\x80")
			return pick(r, `{"a":"`+bad+`",`, `{"`+bad+`":1,`) + s[min(1, len(s)):]
		}),
		text("nesting in the", func(r *rand.Rand, s string) string {
			n := 1 + r.IntN(98)
			return `{"a":` + strings.Repeat("[", n) + strings.Repeat("]", n) + "," + s[min(1, len(s)):]
		}),
		text("deep nesting in the", func(r *rand.Rand, s string) string {
			n := 100 + r.IntN(200)
			return `{"a":` + strings.Repeat("[", n) + strings.Repeat("]", n) + "," + s[min(1, len(s)):]
		}),
	}
}

func claimMutations() []mutation {
	value := func(name, member string, values ...string) mutation {
		return mutation{name, func(r *rand.Rand, d *draft) { set(&d.claims, member, pick(r, values...)) }}
	}
	// at gives a member a time some seconds before or after now.
	at := func(name, member string, from, to int) mutation {
		return mutation{name, func(r *rand.Rand, d *draft) {
			seconds := judgedAt + pick(r, from, to, from+r.IntN(to-from+1))
			set(&d.claims, member, fmt.Sprint(seconds, pick(r, "", "", "", ".0", ".25", ".999")))
		}}
	}
	digits := strings.Repeat("0a", 32)
	mutations := []mutation{
		at("made in the past", "iat", -maxPast+1, 0),
		at("made long ago", "iat", -10*maxPast, -maxPast-1),
		at("made in the future, a little", "iat", 1, maxAhead-1),
		at("made in the future", "iat", maxAhead+1, 10*maxAhead),
		at("made at the end of the future", "iat", maxAhead, maxAhead),
		at("expired a little", "exp", -maxAhead+1, 0),
		at("expired", "exp", -10*maxAhead, -maxAhead-1),
		at("expired at the end", "exp", -maxAhead, -maxAhead),
		at("expires later", "exp", 1, 10*maxAhead),
		at("valid soon", "nbf", 1, maxAhead-1),
		at("valid later", "nbf", maxAhead+1, 10*maxAhead),
		at("valid at the end", "nbf", maxAhead, maxAhead),
		at("valid already", "nbf", -maxAhead, 0),
		value("never made", "iat", ``),
		value("made at a text", "iat", fmt.Sprintf(`"%d"`, judgedAt), `""`, `"2023-11-14T22:13:20Z"`),
		value("made at another type", "iat", `[1700000000]`, `{}`, `true`, `false`),
		value("made at null", "iat", `null`),
		value("made with an exponent", "iat", `1.7e9`, `17E8`, `1.7e+9`, `17000000000e-1`),
		value("made before 1970", "iat", `-1`, `-1700000000`, `-1e300`, `-9223372036854775808`),
		value("made after 9999", "iat", `253402300800`, `1700000000000`, `9223372036854775807`, `9223372036854775808`,
			`18446744073709551616`, `1e300`, `18446744075409551616`),
		value("made at infinity", "iat", `1e400`, `-1e400`),
		value("made in 1970", "iat", `0`, `-0`, `1`, `0.5`, `1e-400`),
		value("time of another type", "exp", `"1800000000"`, `[]`, `{}`, `true`, `""`),
		value("expires at null", "exp", `null`),
		value("expires after 9999", "exp", `253402300800`, `1700000000000`),
		value("expires beyond 64 bits", "exp", `9223372036854775808`, `1e300`, `18446744073709551616`, `18446744075409551616`),
		value("expires before 1970", "exp", `-1`, `-1e300`),
		value("expired in 1970", "exp", `0`, `1`),
		value("valid from another type", "nbf", `"1600000000"`, `[]`, `{}`, `true`),
		value("valid from null", "nbf", `null`),
		value("valid from before 1970", "nbf", `-1`),
		value("valid from after 9999", "nbf", `253402300800`, `1e300`),
		value("issuer that is no text", "iss", `1`, `[]`, `{}`, `["moneykit"]`, `true`),
		value("issuer null", "iss", `null`),
		value("subject that is no text", "sub", `1`, `[]`, `{}`, `true`),
		value("subject null", "sub", `null`),
		value("token id that is no text", "jti", `1`, `[]`, `{}`, `true`),
		value("token id null", "jti", `null`),
		value("texts", "jti", `"x"`, `""`, `"\u0000"`, `"\ud83d\ude00"`),
		value("audience", "aud", `"x"`, `["x"]`, `["x","y"]`, `[]`, `""`, `["x","x"]`),
		value("audience of another type", "aud", `1`, `{}`, `true`, `[1]`, `["x",{}]`, `[["x"]]`),
		value("audience null", "aud", `null`),
		value("audience with null", "aud", `[null]`, `["x",null]`),
		value("no hash", "request_body_sha256", ``),
		value("hash in another form", "request_body_sha256", `"`+strings.ToUpper(digits)+`"`, `"`+digits[1:]+`"`, `"`+digits+`00"`,
			`"`+digits[1:]+`g"`, `"0x`+digits[2:]+`"`, `""`, `null`, `1`, `["`+digits+`"]`, `"`+digits[1:]+` "`, `"`+encode(digits[:32])+`"`),
		value("hash with escapes", "request_body_sha256", `"\u0030`+digits[1:]+`"`),
		value("unknown claim", "more", `1`, `null`, `"text"`, `[1,{"a":[]}]`, `{"iat":1,"request_body_sha256":2}`,
			`123456789012345678901234567890`, `{"IAT":1,"iat":2}`, `-0`),
		value("unknown claim that has a member twice", "more", `{"a":1,"a":2}`, `[{"iat":1,"\u0069at":2}]`),
		value("unknown claim beyond any float", "more", `1e400`, `[-1e999]`),
		value("half of a surrogate pair in a claim", "more", `"\ud800"`, `"\udc00\ud800"`),
		{"hash twice", func(r *rand.Rand, d *draft) {
			insert(r, &d.claims, `"request_body_sha256":`+pick(r, `"`+digits+`"`, `null`, `1`))
		}},
		{"time twice", func(r *rand.Rand, d *draft) {
			insert(r, &d.claims, fmt.Sprintf(`"iat":%d`, judgedAt-r.IntN(10)))
		}},
		{"unknown claim twice", func(r *rand.Rand, d *draft) {
			insert(r, &d.claims, `"more":1`, pick(r, `"more":1`, `"more":2`, `"\u006dore":3`))
		}},
		{"name of a claim with escapes, twice", func(r *rand.Rand, d *draft) {
			insert(r, &d.claims, pick(r, fmt.Sprintf(`"\u0069at":%d`, judgedAt), `"request\u005fbody_sha256":"`+digits+`"`))
		}},
		{"name of a claim with escapes", func(r *rand.Rand, d *draft) {
			set(&d.claims, "iat", "")
			insert(r, &d.claims, fmt.Sprintf(`"\u0069at":%d`, judgedAt-r.IntN(10)))
		}},
		{"claim in another case, too", func(r *rand.Rand, d *draft) {
			insert(r, &d.claims, pick(r, `"Iat":1`, `"IAT":1700000000`, `"Request_Body_Sha256":"`+digits+`"`,
				`"requeſt_body_ſha256":"`+digits+`"`, `"Exp":1`, `"NBF":9999999999`))
		}},
		{"claim in another case", func(r *rand.Rand, d *draft) {
			if r.IntN(2) == 0 {
				set(&d.claims, "iat", "")
				insert(r, &d.claims, pick(r, `"Iat":1700000000`, `"IAT":1700000000`))
				return
			}
			set(&d.claims, "request_body_sha256", "")
			insert(r, &d.claims, `"`+pick(r, "Request_Body_Sha256", "requeſt_body_ſha256", "requestBodySha256")+`":"`+digits+`"`)
		}},
	}
	return append(mutations, textMutations("claims", func(d *draft) *[]hook { return &d.claimsText })...)
}

func signatureMutations(s signers) []mutation {
	by := func(name string, key *ecdsa.PrivateKey, hash crypto.Hash, kid string) mutation {
		return mutation{name, func(_ *rand.Rand, d *draft) {
			d.key, d.hash = key, hash
			if kid != "" {
				set(&d.header, "kid", kid)
			}
		}}
	}
	changes := signatureChanges()
	names := slices.Sorted(maps.Keys(changes))
	return []mutation{
		{"numbers that are no signature", func(r *rand.Rand, d *draft) {
			change := changes[pick(r, names...)]
			d.signature = append(d.signature, func(b string) string {
				if len(b) != 64 {
					return ""
				}
				return string(change([]byte(b)))
			})
		}},
		{"s negated", func(_ *rand.Rand, d *draft) {
			d.signature = append(d.signature, func(b string) string {
				if len(b) != 64 {
					return b
				}
				return negated(b)
			})
		}},
		{"a bit of the signature", func(r *rand.Rand, d *draft) {
			d.signature = append(d.signature, func(b string) string {
				if b == "" {
					return b
				}
				out := []byte(b)
				out[r.IntN(len(out))] ^= 1 << r.IntN(8)
				return string(out)
			})
		}},
		by("key of the set, but another", s.second, crypto.SHA256, ""),
		by("key that is not in the set", s.stranger, crypto.SHA256, ""),
		by("key on another curve", s.p384, crypto.SHA384, ""),
		by("key on another curve, by its id", s.p384, crypto.SHA384, `"long"`),
		by("another hash", s.own, crypto.SHA384, ""),
		by("yet another hash", s.own, crypto.SHA512, ""),
		{"second key", func(_ *rand.Rand, d *draft) {
			d.key = s.second
			set(&d.header, "kid", `"second"`)
		}},
		{"ES384 for all", func(_ *rand.Rand, d *draft) {
			d.key, d.hash = s.p384, crypto.SHA384
			set(&d.header, "kid", `"long"`)
			set(&d.header, "alg", `"ES384"`)
		}},
		{"public key as a secret", func(r *rand.Rand, d *draft) {
			set(&d.header, "alg", `"HS256"`)
			point, _ := s.own.PublicKey.Bytes()
			secret := pick(r, string(point), string(point[1:33]), jsonKey(&s.own.PublicKey, "own"))
			d.token = append(d.token, func(token string) string {
				at := strings.LastIndexByte(token, '.')
				if at < 0 {
					return token
				}
				mac := hmac.New(sha256.New, []byte(secret))
				mac.Write([]byte(token[:at]))
				return token[:at+1] + encode(mac.Sum(nil))
			})
		}},
		{"claims changed after signing", func(_ *rand.Rand, d *draft) {
			d.body = append(d.body, func(string) string { return encode(webhookClaims()) })
		}},
		{"header changed after signing", func(r *rand.Rand, d *draft) {
			d.head = append(d.head, func(string) string {
				return encode(pick(r, `{"alg":"ES256","kid":"own","a":1}`, `{"kid":"own", "alg":"ES256"}`, `{"alg":"none","kid":"own"}`))
			})
		}},
	}
}
