package moneykit_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
)

// order is the order of the group of P-256.
func order() []byte { return elliptic.P256().Params().N.Bytes() }

func setHeader(name string, values ...string) func(*http.Request) {
	return func(r *http.Request) { r.Header[http.CanonicalHeaderKey(name)] = values }
}

// hookCase is a delivery that the handler refuses.
type hookCase struct {
	name string
	make func(h *hook)
	want error // the class of Verify's error
	says string
}

func hostileHooks() []hookCase {
	var (
		unsigned = moneykit.ErrNotSigned
		invalid  = moneykit.ErrInvalidSignature
		stale    = moneykit.ErrStaleSignature
		mismatch = moneykit.ErrBodyMismatch
		noEvent  = moneykit.ErrMalformedEvent
		noKeys   = moneykit.ErrKeysUnavailable
	)
	const signature = "MoneyKit-Signature"
	seconds := func(d time.Duration) string { return fmt.Sprint(hookTime().Add(d).Unix()) }
	keySet := func(change func(jwk string) string) func(h *hook) {
		return func(h *hook) { h.keys = `{"keys":[` + change(jwkOf(h.t, h.key, "key-1")) + `]}` }
	}
	swap := func(old, now string) func(h *hook) {
		return keySet(func(jwk string) string { return strings.Replace(jwk, old, now, 1) })
	}
	event := func(old, now string) func(h *hook) {
		return func(h *hook) { h.sends(strings.Replace(eventJSON, old, now, 1)) }
	}
	return []hookCase{
		// The header field.
		{"no signature", func(h *hook) { h.change = func(r *http.Request) { r.Header.Del(signature) } }, unsigned, "no header"},
		{"empty signature", func(h *hook) { h.change = setHeader(signature, "") }, unsigned, "no header"},
		{"two signatures", func(h *hook) { t := h.compact(); h.change = setHeader(signature, t, t) }, invalid, "2 headers"},
		{"two signatures, one empty", func(h *hook) { h.change = setHeader(signature, "", h.compact()) }, invalid, "2 headers"},
		{"two spellings of the header", func(h *hook) {
			t := h.compact()
			h.change = func(r *http.Request) { r.Header["moneykit-signature"] = []string{t} }
		}, invalid, "2 headers"},
		{"signatures joined by a comma", func(h *hook) { h.token = h.compact() + ", " + h.compact() }, invalid, "three segments"},
		{"space before the token", func(h *hook) { h.token = " " + h.compact() }, invalid, "base64url"},
		{"space after the token", func(h *hook) { h.token = h.compact() + " " }, invalid, "base64url"},
		{"tab after the token", func(h *hook) { h.token = h.compact() + "\t" }, invalid, "base64url"},
		{"quotes around the token", func(h *hook) { h.token = `"` + h.compact() + `"` }, invalid, "base64url"},
		{"a scheme before the token", func(h *hook) { h.token = "Bearer " + h.compact() }, invalid, "base64url"},
		{"oversized token", func(h *hook) { h.member(`"pad":"` + strings.Repeat("x", 8<<10) + `"`) }, invalid, "more than 8192 bytes"},
		{"control character in the token", func(h *hook) { h.token = h.compact() + "\x00" }, invalid, "base64url"},
		{"line end in the signature", func(h *hook) {
			h.segments(func(s []string) []string { s[2] = s[2][:9] + "\n" + s[2][9:]; return s })
		}, invalid, "base64url"},
		{"line end in the header", func(h *hook) {
			h.segments(func(s []string) []string { s[0] = s[0][:9] + "\r\n" + s[0][9:]; return s })
		}, invalid, "base64url"},

		// The token's shape and encoding.
		{"one segment", func(h *hook) { h.token = "abc" }, invalid, "three segments"},
		{"two segments", func(h *hook) { h.segments(func(s []string) []string { return s[:2] }) }, invalid, "three segments"},
		{"four segments", func(h *hook) { h.segments(func(s []string) []string { return append(s, "") }) }, invalid, "three segments"},
		{"five segments", func(h *hook) { h.segments(func(s []string) []string { return append(s, "YQ", "YQ") }) }, invalid, "three segments"},
		{"many dots", func(h *hook) { h.token = strings.Repeat(".", 8000) }, invalid, "three segments"},
		{"empty header", func(h *hook) { h.segments(func(s []string) []string { s[0] = ""; return s }) }, invalid, "is empty"},
		{"empty payload", func(h *hook) { h.segments(func(s []string) []string { s[1] = ""; return s }) }, invalid, "is empty"},
		{"empty signature segment", func(h *hook) { h.segments(func(s []string) []string { s[2] = ""; return s }) }, invalid, "is empty"},
		{"JSON serialisation", func(h *hook) {
			s := strings.Split(h.compact(), ".")
			h.token = fmt.Sprintf(`{"protected":%q,"payload":%q,"signature":%q}`, s[0], s[1], s[2])
		}, invalid, "three segments"},
		{"standard base64 in the signature", func(h *hook) {
			h.segments(func(s []string) []string { s[2] = "+/" + s[2][2:]; return s })
		}, invalid, "base64url"},
		{"padding after the signature", func(h *hook) { h.token = h.compact() + "==" }, invalid, "base64url"},
		{"last character that is not canonical", func(h *hook) {
			h.segments(func(s []string) []string {
				const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
				last := strings.IndexByte(alphabet, s[2][85])
				s[2] = s[2][:85] + string(alphabet[last|1]) // 64 bytes leave four bits of it unused
				return s
			})
		}, invalid, "base64url"},
		{"detached payload", func(h *hook) { h.member(`"b64":false,"crit":["b64"]`) }, invalid, "b64"},
		{"the payload of another token", func(h *hook) {
			h.segments(func(s []string) []string { s[1] = b64(claimsAt(hookTime(), "{}")); return s })
		}, invalid, "not made with the key"},
		{"the header of another token", func(h *hook) {
			h.segments(func(s []string) []string { s[0] = b64(`{"typ":"JWT","alg":"ES256","kid":"key-1"}`); return s })
		}, invalid, "not made with the key"},

		// The token's header.
		{"header that is no JSON", func(h *hook) { h.head = "alg=ES256" }, invalid, "not valid JSON"},
		{"header that is a list", func(h *hook) { h.head = `[` + h.head + `]` }, invalid, "not a JSON object"},
		{"header with something after it", func(h *hook) { h.head += "{}" }, invalid, "not valid JSON"},
		{"header with white space around it", func(h *hook) { h.head += "\n" }, invalid, "white space around it"},
		{"a duplicate member inside a header member", func(h *hook) { h.member(`"mk":{"a":1,"a":2}`) }, invalid, "one name"},
		{"header with a number too large for a float", func(h *hook) { h.member(`"mk":1e999`) }, invalid, "not valid JSON"},
		{"header that is not UTF-8", func(h *hook) { h.member("\"x\":\"\xff\"") }, invalid, "not valid JSON in UTF-8"},
		{"no algorithm", func(h *hook) { h.head = `{"kid":"key-1"}` }, invalid, "no algorithm"},
		{"algorithm null", func(h *hook) { h.head = `{"alg":null,"kid":"key-1"}` }, invalid, "another algorithm"},
		{"algorithm none", func(h *hook) {
			h.head = `{"alg":"none","kid":"key-1"}`
			h.segments(func(s []string) []string { s[2] = ""; return s })
		}, invalid, "is empty"},
		{"algorithm none with a signature", func(h *hook) { h.head = `{"alg":"none","kid":"key-1"}` }, invalid, "another algorithm"},
		{"algorithm None", func(h *hook) { h.head = `{"alg":"nOnE","kid":"key-1"}` }, invalid, "another algorithm"},
		{"algorithm in lower case", func(h *hook) { h.head = `{"alg":"es256","kid":"key-1"}` }, invalid, "another algorithm"},
		{"algorithm with a space", func(h *hook) { h.head = `{"alg":"ES256 ","kid":"key-1"}` }, invalid, "another algorithm"},
		{"algorithm ES256K", func(h *hook) { h.head = `{"alg":"ES256K","kid":"key-1"}` }, invalid, "another algorithm"},
		{"algorithm ES512", func(h *hook) { h.head = `{"alg":"ES512","kid":"key-1"}` }, invalid, "another algorithm"},
		{"HMAC with the public key", func(h *hook) { h.withHMAC("HS256", crypto.SHA256) }, invalid, "32 bytes, not 64"},
		{"HMAC of 64 bytes with the public key", func(h *hook) { h.withHMAC("HS512", crypto.SHA512) }, invalid, "another algorithm"},
		{"algorithms in a list", func(h *hook) { h.head = `{"alg":["ES256"],"kid":"key-1"}` }, invalid, "another algorithm"},
		{"two algorithms", func(h *hook) { h.head = `{"alg":"none","alg":"ES256","kid":"key-1"}` }, invalid, "another algorithm"},
		{"two algorithms, the good one first", func(h *hook) { h.head = `{"alg":"ES256","alg":"none","kid":"key-1"}` }, invalid, "one name"},
		{"the algorithm twice", func(h *hook) { h.member(`"alg":"ES256"`) }, invalid, "one name"},
		{"the algorithm twice, once escaped", func(h *hook) { h.member(`"\u0061lg":"ES256"`) }, invalid, "one name"},
		{"the algorithm in another case", func(h *hook) { h.head = `{"ALG":"ES256","kid":"key-1"}` }, invalid, "in case"},
		{"a second key id in another case", func(h *hook) { h.member(`"Kid":"key-2"`) }, invalid, "in case"},
		{"the key id with a Kelvin sign", func(h *hook) { h.member(`"` + "\u212a" + `id":"key-2"`) }, invalid, "in case"},
		{"two key ids", func(h *hook) { h.member(`"kid":"key-1"`) }, invalid, "one name"},
		{"no key id", func(h *hook) { h.head = `{"alg":"ES256"}` }, invalid, "has no kid"},
		{"empty key id", func(h *hook) { h.head = `{"alg":"ES256","kid":""}` }, invalid, "kid"},
		{"key id that is a number", func(h *hook) { h.head = `{"alg":"ES256","kid":1}` }, invalid, "kid"},
		{"key id of 257 bytes", func(h *hook) { h.head = `{"alg":"ES256","kid":"` + strings.Repeat("k", 257) + `"}` }, invalid, "256 bytes"},
		{"unknown key id", func(h *hook) { h.head = `{"alg":"ES256","kid":"key-2"}` }, invalid, "does not have the key"},
		{"key id with a line end", func(h *hook) { h.head = `{"alg":"ES256","kid":"key-1\nlevel=ERROR"}` }, invalid, "key other: "},
		{"unknown critical extension", func(h *hook) { h.member(`"crit":["exp"]`) }, invalid, "crit"},
		{"empty critical extensions", func(h *hook) { h.member(`"crit":[]`) }, invalid, "crit"},
		{"embedded key", func(h *hook) {
			other := newKey(h.t)
			h.member(`"jwk":` + jwkOf(h.t, other, "key-1"))
			h.cipher = func(signing []byte) []byte { return sign(h.t, other, signing) }
		}, invalid, "jwk"},
		{"referenced key set", func(h *hook) { h.member(`"jku":"https://evil.example/jwks.json"`) }, invalid, "jku"},
		{"referenced certificate", func(h *hook) { h.member(`"x5u":"https://evil.example/cert"`) }, invalid, "x5u"},
		{"embedded certificates", func(h *hook) { h.member(`"x5c":["MIIB"]`) }, invalid, "x5c"},
		{"fingerprint of a certificate", func(h *hook) { h.member(`"x5t#S256":"YQ"`) }, invalid, "x5t#S256"},
		{"compressed", func(h *hook) { h.member(`"zip":"DEF"`) }, invalid, "zip"},
		{"encrypted", func(h *hook) { h.member(`"enc":"A256GCM"`) }, invalid, "enc"},
		{"nested token", func(h *hook) { h.member(`"cty":"JWT"`) }, invalid, "cty"},
		{"another type", func(h *hook) { h.head = `{"alg":"ES256","kid":"key-1","typ":"at+jwt"}` }, invalid, "another type"},
		{"type that is no text", func(h *hook) { h.head = `{"alg":"ES256","kid":"key-1","typ":1}` }, invalid, "another type"},

		// The signature value.
		{"signature of 63 bytes", func(h *hook) { h.cipher = func(s []byte) []byte { return sign(h.t, h.key, s)[1:] } }, invalid, "63 bytes"},
		{"signature of 65 bytes", func(h *hook) { h.cipher = func(s []byte) []byte { return append(sign(h.t, h.key, s), 0) } }, invalid, "65 bytes"},
		{"signature of zeros", func(h *hook) { h.cipher = func([]byte) []byte { return make([]byte, 64) } }, invalid, "not made with the key"},
		{"r is zero", func(h *hook) {
			h.cipher = func(s []byte) []byte { return append(make([]byte, 32), sign(h.t, h.key, s)[32:]...) }
		}, invalid, "not made with the key"},
		{"s is zero", func(h *hook) {
			h.cipher = func(s []byte) []byte { return append(sign(h.t, h.key, s)[:32], make([]byte, 32)...) }
		}, invalid, "not made with the key"},
		{"r is the order", func(h *hook) {
			h.cipher = func(s []byte) []byte { return append(order(), sign(h.t, h.key, s)[32:]...) }
		}, invalid, "not made with the key"},
		{"r and s are the order", func(h *hook) { h.cipher = func([]byte) []byte { return append(order(), order()...) } }, invalid, "not made with"},
		{"r and s are out of range", func(h *hook) {
			h.cipher = func([]byte) []byte { return bytes.Repeat([]byte{0xff}, 64) }
		}, invalid, "not made with the key"},
		{"r and s are one", func(h *hook) {
			h.cipher = func([]byte) []byte { one := make([]byte, 64); one[31], one[63] = 1, 1; return one }
		}, invalid, "not made with the key"},
		{"r and s are swapped", func(h *hook) {
			h.cipher = func(s []byte) []byte { out := sign(h.t, h.key, s); return append(out[32:], out[:32]...) }
		}, invalid, "not made with the key"},
		{"another key's signature", func(h *hook) {
			other := newKey(h.t)
			h.cipher = func(s []byte) []byte { return sign(h.t, other, s) }
		}, invalid, "not made with the key"},
		{"another token's signature", func(h *hook) {
			h.cipher = func([]byte) []byte { return sign(h.t, h.key, []byte("e30.e30")) }
		}, invalid, "not made with the key"},
		{"one bit of the signature", func(h *hook) {
			h.cipher = func(s []byte) []byte { out := sign(h.t, h.key, s); out[40] ^= 1; return out }
		}, invalid, "not made with the key"},
		{"DER signature", func(h *hook) {
			h.cipher = func(s []byte) []byte {
				hash := sha256.Sum256(s)
				der, err := ecdsa.SignASN1(rand.Reader, h.key, hash[:])
				require.NoError(h.t, err)
				return der
			}
		}, invalid, "bytes, not 64"},

		// The key set.
		{"key for encryption", swap(`"use":"sig"`, `"use":"enc"`), noKeys, "no usable key"},
		{"key for other operations", swap(`"use":"sig"`, `"key_ops":["encrypt"]`), noKeys, "no usable key"},
		{"key for another algorithm", swap(`"alg":"ES256"`, `"alg":"ES384"`), noKeys, "no usable key"},
		{"key of another type", swap(`"kty":"EC"`, `"kty":"RSA"`), noKeys, "no usable key"},
		{"key on another curve", swap(`P-256`, `secp256k1`), noKeys, "no usable key"},
		{"key without id", swap(`"kid":"key-1",`, ``), noKeys, "no usable key"},
		{"private key", swap(`"kty":"EC"`, `"kty":"EC","d":"AQ"`), noKeys, "no usable key"},
		{"point that is not on the curve", func(h *hook) {
			h.keys = `{"keys":[{"kty":"EC","kid":"key-1","crv":"P-256","x":"` + b64(make([]byte, 32)) + `","y":"` + b64(make([]byte, 32)) + `"}]}`
		}, noKeys, "no usable key"},
		{"long coordinate", swap(`"x":"`, `"x":"AAAA`), noKeys, "no usable key"},
		{"short coordinate", func(h *hook) {
			x, y := coordinates(h.t, h.key)
			h.keys = `{"keys":[{"kty":"EC","kid":"key-1","crv":"P-256","x":"` + x[:40] + `","y":"` + y + `"}]}`
		}, noKeys, "no usable key"},
		{"padded coordinate", swap(`"}`, `="}`), noKeys, "no usable key"},
		{"key with two types", swap(`"kty":"EC"`, `"kty":"EC","kty":"EC"`), noKeys, "no usable key"},
		{"key with a type in another case", swap(`"kty":"EC"`, `"kty":"EC","KTY":"EC"`), noKeys, "no usable key"},
		{"two keys with one id", func(h *hook) {
			h.keys = `{"keys":[` + jwkOf(h.t, h.key, "key-1") + `,` + jwkOf(h.t, newKey(h.t), "key-1") + `]}`
		}, noKeys, "two different keys"},
		{"a thousand keys", func(h *hook) {
			h.keys = `{"keys":[` + strings.Repeat(`{},`, 1000) + jwkOf(h.t, h.key, "key-1") + `]}`
		}, noKeys, "more than 100 keys"},
		{"giant key set", func(h *hook) {
			h.keys = `{"keys":[` + jwkOf(h.t, h.key, "key-1") + `],"pad":"` + strings.Repeat("x", 64<<10) + `"}`
		}, noKeys, "larger than 65536 bytes"},
		{"key set without keys", func(h *hook) { h.keys = `{}` }, noKeys, "no usable key"},
		{"empty key set", func(h *hook) { h.keys = `{"keys":[]}` }, noKeys, "no usable key"},
		{"keys null", func(h *hook) { h.keys = `{"keys":null}` }, noKeys, "not a JSON array"},
		{"keys in another case", func(h *hook) { h.keys = `{"Keys":[` + jwkOf(h.t, h.key, "key-1") + `]}` }, noKeys, "in case"},
		{"two lists of keys", func(h *hook) {
			h.keys = `{"keys":[` + jwkOf(h.t, h.key, "key-1") + `],"keys":[]}`
		}, noKeys, "one name"},
		{"a bare list of keys", func(h *hook) { h.keys = `[` + jwkOf(h.t, h.key, "key-1") + `]` }, noKeys, "not a JSON object"},
		{"key set that is a page", func(h *hook) {
			h.answers = httpmock.NewStringResponder(http.StatusOK, "<html>").HeaderSet(http.Header{"Content-Type": {"text/html"}})
		}, noKeys, "not JSON"},
		{"redirected key set", func(h *hook) {
			h.answers = httpmock.NewStringResponder(http.StatusFound, "").HeaderSet(http.Header{"Location": {"https://evil.example/jwks.json"}})
		}, noKeys, "redirect was not followed"},
		{"failing key set", func(h *hook) { h.answers = answers(http.StatusInternalServerError, `{}`) }, noKeys, "500"},
		{"key set that does not exist", func(h *hook) { h.answers = answers(http.StatusNotFound, `{}`) }, noKeys, "404"},
		{"empty answer for the key set", func(h *hook) { h.answers = answers(http.StatusOK, ``) }, noKeys, "valid JSON"},
		{"no network", func(h *hook) { h.answers = httpmock.NewErrorResponder(io.ErrUnexpectedEOF) }, noKeys, "the connection ended early"},

		// The claims.
		{"claims that are no JSON", func(h *hook) { h.claims = "iat=1" }, invalid, "not valid JSON"},
		{"claims that are a list", func(h *hook) { h.claims = "[]" }, invalid, "not a JSON object"},
		{"claims with something after them", func(h *hook) { h.claims = claimsAt(hookTime(), h.signed) + "x" }, invalid, "not valid JSON"},
		{"no time", func(h *hook) { h.claim("iat", "") }, invalid, "no claim iat"},
		{"time null", func(h *hook) { h.claim("iat", "null") }, invalid, "iat, which is not a number"},
		{"time in a text", func(h *hook) { h.claim("iat", `"`+seconds(0)+`"`) }, invalid, "iat, which is not a number"},
		{"time as a date", func(h *hook) { h.claim("iat", `"2026-03-01T12:00:00Z"`) }, invalid, "iat, which is not a number"},
		{"time in milliseconds", func(h *hook) { h.claim("iat", seconds(0)+"000") }, invalid, "not a time in seconds"},
		{"negative time", func(h *hook) { h.claim("iat", "-1") }, invalid, "not a time in seconds"},
		{"enormous time", func(h *hook) { h.claim("iat", "1e300") }, invalid, "not a time in seconds"},
		{"infinite time", func(h *hook) { h.claim("iat", "1e999") }, invalid, "not valid JSON"},
		{"time zero", func(h *hook) { h.claim("iat", "0") }, stale, "ago"},
		{"two hours and a quarter old", func(h *hook) {
			h.claim("iat", seconds(-2*time.Hour-15*time.Minute-time.Second))
		}, stale, "clock is fast by at least 1s"},
		{"a day old", func(h *hook) { h.claim("iat", seconds(-24*time.Hour)) }, stale, "24h0m0s ago"},
		{"five minutes ahead", func(h *hook) { h.claim("iat", seconds(5*time.Minute+time.Second)) }, stale, "5m1s in the future"},
		{"a day ahead", func(h *hook) { h.claim("iat", seconds(24*time.Hour)) }, stale, "clock is slow"},
		{"expired", func(h *hook) { h.claim("exp", seconds(-10*time.Minute)) }, stale, "expired 10m0s ago"},
		{"not valid yet", func(h *hook) { h.claim("nbf", seconds(10*time.Minute)) }, stale, "not valid for another 10m0s"},
		{"expiry in a text", func(h *hook) { h.claim("exp", `"`+seconds(time.Hour)+`"`) }, invalid, "exp, which is not a number"},
		{"two times", func(h *hook) { h.claims = strings.Replace(claimsAt(hookTime(), h.signed), `"iat"`, `"iat":1,"iat"`, 1) }, invalid, "one name"},
		{"a second time in another case", func(h *hook) { h.claim("IAT", "1") }, invalid, "in case"},
		{"issuer that is no text", func(h *hook) { h.claim("iss", "1") }, invalid, "iss, which is not a text"},
		{"audience that is a number", func(h *hook) { h.claim("aud", "1") }, invalid, "aud, which"},
		{"audience with a number", func(h *hook) { h.claim("aud", `["a",1]`) }, invalid, "aud, which"},
		{"no hash", func(h *hook) { h.claim("request_body_sha256", "") }, invalid, "no claim request_body_sha256"},
		{"hash null", func(h *hook) { h.claim("request_body_sha256", "null") }, invalid, "request_body_sha256"},
		{"empty hash", func(h *hook) { h.claim("request_body_sha256", `""`) }, invalid, "request_body_sha256"},
		{"short hash", func(h *hook) { h.claim("request_body_sha256", `"`+hashOf(h.signed)[:62]+`"`) }, invalid, "request_body_sha256"},
		{"hash that is not hexadecimal", func(h *hook) {
			h.claim("request_body_sha256", `"`+strings.Repeat("zz", 32)+`"`)
		}, invalid, "request_body_sha256"},
		{"hash in upper case", func(h *hook) {
			h.claim("request_body_sha256", `"`+strings.ToUpper(hashOf(h.signed))+`"`)
		}, invalid, "lower-case"},
		{"hash in base64", func(h *hook) {
			hash := sha256.Sum256([]byte(h.signed))
			h.claim("request_body_sha256", `"`+b64(hash[:])+`"`)
		}, invalid, "request_body_sha256"},
		{"two hashes", func(h *hook) {
			h.body = "{}"
			h.claims = strings.Replace(claimsAt(hookTime(), h.signed), `}`, `,"request_body_sha256":"`+hashOf("{}")+`"}`, 1)
		}, invalid, "one name"},
		{"a second hash in another case", func(h *hook) {
			h.body = "{}"
			h.claim("Request_Body_SHA256", `"`+hashOf("{}")+`"`)
		}, invalid, "in case"},
		{"a second hash with a long s", func(h *hook) {
			h.body = "{}"
			h.claim("reque"+"\u017f"+"t_body_sha256", `"`+hashOf("{}")+`"`)
		}, invalid, "in case"},

		// The body.
		{"altered body", func(h *hook) { h.body = strings.Replace(h.body, "mk_1", "mk_2", 1) }, mismatch, "altered"},
		{"truncated body", func(h *hook) { h.body = h.body[:40] }, mismatch, "cut off"},
		{"empty body", func(h *hook) { h.body = "" }, mismatch, "has read it before"},
		{"body with an additional line end", func(h *hook) { h.body += "\n" }, mismatch, "white space was put around it"},
		{"body indented", func(h *hook) {
			var out bytes.Buffer
			require.NoError(h.t, json.Indent(&out, []byte(h.body), "", "  "))
			h.body = out.String()
		}, mismatch, "white space or the escapes"},
		{"body with members in order", func(h *hook) {
			var members map[string]any
			require.NoError(h.t, json.Unmarshal([]byte(h.body), &members))
			out, err := json.Marshal(members)
			require.NoError(h.t, err)
			h.body = string(out)
		}, mismatch, "alphabetical order"},
		{"body with a byte order mark", func(h *hook) { h.body = "\xef\xbb\xbf" + h.body }, mismatch, "byte order mark was put before"},
		{"body in UTF-16", func(h *hook) {
			h.body = "\xff\xfe" + strings.Join(strings.Split(h.body, ""), "\x00") + "\x00"
		}, mismatch, "not JSON"},
		{"body encoded twice", func(h *hook) { h.body = fmt.Sprintf("%q", h.body) }, mismatch, "encoded twice"},
		{"body in base64", func(h *hook) { h.body = base64.StdEncoding.EncodeToString([]byte(h.body)) }, mismatch, "base64"},
		{"compressed body", func(h *hook) {
			h.body = gzipped(h.t, h.body)
			h.change = setHeader("Content-Encoding", "gzip")
		}, mismatch, "compressed"},
		{"signed compressed body", func(h *hook) {
			h.sends(gzipped(h.t, h.body))
			h.change = setHeader("Content-Encoding", "gzip")
		}, noEvent, "not valid JSON"},
		{"the body of another delivery", func(h *hook) { h.body = strings.Replace(eventJSON, "evt_1", "evt_2", 1) }, mismatch, "another delivery"},
		{"signed body that is no JSON", func(h *hook) { h.sends("link_id=mk_1") }, noEvent, "not valid JSON"},
		{"signed empty body", func(h *hook) { h.sends("") }, noEvent, "not valid JSON"},
		{"signed list of events", func(h *hook) { h.sends("[" + eventJSON + "]") }, noEvent, "not a JSON object"},
		{"two link ids", event(`"link_id"`, `"link_id":"mk_2","link_id"`), noEvent, "one name"},
		{"a second link id in another case", event(`"link_id"`, `"Link_Id":"mk_2","link_id"`), noEvent, "in case"},
		{"a duplicate member inside a member", event(`"link_id"`, `"new":[{"a":1,"a":1}],"link_id"`), noEvent, "one name"},
		{"link id in another case", event(`"link_id"`, `"LINK_ID"`), noEvent, "in case"},
		{"link id that is a list", event(`"mk_1"`, `[1]`), noEvent, "link_id, which is not a text"},
		{"no link id", event(`"link_id":"mk_1",`, ``), noEvent, "link_id"},
		{"no idempotency key", event(`"webhook_idempotency_key":"evt_1",`, ``), noEvent, "webhook_idempotency_key"},
		{"no state", event(`"state":"error",`, ``), noEvent, "state"},
		{"time of the event that is no time", event(`2026-03-01T12:00:00Z`, `yesterday`), noEvent, "webhook_timestamp"},
		{"version that is a word", event(`"webhook_major_version":1`, `"webhook_major_version":"one"`), noEvent, "webhook_major_version"},
		{"negative version", event(`"webhook_major_version":1`, `"webhook_major_version":-1`), noEvent, "webhook_major_version"},
		{"tags that are no list", event(`["a & b"]`, `"a"`), noEvent, "link_tags"},
		{"tags that are no texts", event(`["a & b"]`, `[[]]`), noEvent, "link_tags"},
	}
}

func TestHostileWebhooks(t *testing.T) {
	t.Parallel()
	cases := hostileHooks()
	require.GreaterOrEqual(t, len(cases), 70)
	names := map[string]bool{}
	for _, tt := range cases {
		require.False(t, names[tt.name], tt.name)
		names[tt.name] = true
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHook(t)
			tt.make(h)
			client, request := h.client(), h.request()
			body, err := io.ReadAll(request.Body)
			require.NoError(t, err)

			event, err := client.Webhooks.Verify(t.Context(), request.Header, body)
			require.ErrorIs(t, err, tt.want)
			require.ErrorContains(t, err, tt.says)
			assert.Nil(t, event)
			assert.NotContains(t, err.Error(), "\n")
			assert.NotContains(t, err.Error(), h.compact(), "the token is in the error")

			request.Body = io.NopCloser(bytes.NewReader(body))
			answer := httptest.NewRecorder()
			client = h.client() // Like the first client, it has no keys yet.
			client.Webhooks.Handler(func(context.Context, moneykit.Event) error {
				t.Error("the function was called")
				return nil
			}).ServeHTTP(answer, request)
			want := http.StatusBadRequest
			if tt.want == moneykit.ErrKeysUnavailable { //nolint:errorlint // The case contains this value.
				want = http.StatusServiceUnavailable
			}
			assert.Equal(t, want, answer.Code)
			assert.Empty(t, answer.Body.String())
			assert.Equal(t, http.Header{"Cache-Control": {"no-store"}}, answer.Header())
		})
	}
}

type unusualHook struct {
	name string
	make func(h *hook)
}

// unusualHooks are unusual deliveries that are genuine.
func unusualHooks() []unusualHook {
	swap := func(old, now string) func(h *hook) {
		return func(h *hook) { h.sends(strings.Replace(eventJSON, old, now, 1)) }
	}
	seconds := func(d time.Duration) string { return fmt.Sprint(hookTime().Add(d).Unix()) }
	return []unusualHook{
		{"unchanged", func(*hook) {}},
		{"header keys in lower case, as in a queue", func(h *hook) {
			token := h.compact()
			h.change = func(r *http.Request) {
				r.Header = http.Header{"moneykit-signature": {token}, "moneykit-delivery-token": {"delivery-1"}, "moneykit-delivery-attempt": {"2"}}
			}
		}},
		{"no type", func(h *hook) { h.head = `{"alg":"ES256","kid":"key-1"}` }},
		{"type in lower case", func(h *hook) { h.head = `{"alg":"ES256","kid":"key-1","typ":"jwt"}` }},
		{"header with white space and another order", func(h *hook) { h.head = "{\n \"typ\" : \"JWT\",\t\"kid\":\"key-1\", \"alg\":\"ES256\" }" }},
		{"header with escapes", func(h *hook) { h.head = `{"\u0061lg":"\u0045S256","kid":"key\u002d1"}` }},
		{"header with an unknown member", func(h *hook) { h.member(`"mk":{"v":2}`) }},
		{"key id of 256 bytes", func(h *hook) {
			id := strings.Repeat("k", 256)
			h.head = `{"alg":"ES256","kid":"` + id + `"}`
			h.keys = `{"keys":[` + jwkOf(h.t, h.key, id) + `]}`
		}},
		{"another issuer", func(h *hook) { h.claim("iss", `"https://sandbox.moneykit.com"`) }},
		{"no issuer", func(h *hook) { h.claim("iss", "") }},
		{"an audience", func(h *hook) { h.claim("aud", `"app_1"`) }},
		{"several audiences", func(h *hook) { h.claim("aud", `["app_1","app_2"]`) }},
		{"an expiry", func(h *hook) { h.claim("exp", seconds(time.Minute)) }},
		{"a fraction of a second", func(h *hook) { h.claim("iat", seconds(0)+".25") }},
		{"time with an exponent", func(h *hook) { h.claim("iat", "1.7723664e9") }},
		{"two hours and a quarter old", func(h *hook) { h.claim("iat", seconds(-2*time.Hour-15*time.Minute)) }},
		{"five minutes ahead", func(h *hook) { h.claim("iat", seconds(5*time.Minute)) }},
		{"an unknown claim", func(h *hook) { h.claim("delivery", `{"a":[1,2]}`) }},
		{"s in the upper half", func(h *hook) {
			h.cipher = func(signing []byte) []byte { // n-s is as good as s
				out := sign(h.t, h.key, signing)
				n := new(big.Int).SetBytes(order())
				s := n.Sub(n, new(big.Int).SetBytes(out[32:]))
				s.FillBytes(out[32:])
				return out
			}
		}},
		{"a key set with unusable keys", func(h *hook) {
			h.keys = `{"keys":[null,1,{},{"kty":"OKP","crv":"Ed25519","kid":"key-1","x":"YQ"},{"kty":"RSA","kid":"r"},` +
				`{"kty":"EC","crv":"P-256","kid":"bad","x":"AA","y":"AA"},` + jwkOf(h.t, h.key, "key-1") + `],"next":1}`
		}},
		{"the key twice in the set", func(h *hook) {
			jwk := jwkOf(h.t, h.key, "key-1")
			h.keys = `{"keys":[` + jwk + `,` + jwk + `]}`
		}},
		{"a key without use and algorithm, with operations", func(h *hook) {
			x, y := coordinates(h.t, h.key)
			h.keys = `{"keys":[{"kty":"EC","kid":"key-1","key_ops":["verify"],"crv":"P-256","x":"` + x + `","y":"` + y + `","ext":true}]}`
		}},
		{"a key set with its own media type", func(h *hook) {
			keys := `{"keys":[` + jwkOf(h.t, h.key, "key-1") + `]}`
			h.answers = httpmock.NewStringResponder(http.StatusOK, keys).HeaderSet(http.Header{"Content-Type": {"application/jwk-set+json"}})
		}},
		{"a body with white space around", func(h *hook) { h.sends("\r\n " + eventJSON + "\n") }},
		{"a newer minor version with new members", swap(`"webhook_minor_version":0`, `"webhook_minor_version":7,"a":{"state":"x","n":-1.5e7}`)},
		{"escapes in the body", swap(`"link_id":"mk_1"`, `"l\u0069nk_id":"\u006dk_1"`)},
		{"an unknown state", swap(`"state":"error"`, `"state":"paused"`)},
		{"no tags", swap(`["a & b"]`, `[]`)},
		{"tags null", swap(`["a & b"]`, `null`)},
		{"time without a zone", swap(`12:00:00Z`, `12:00:00.123456`)},
		{"unknown length", func(h *hook) { h.change = func(r *http.Request) { r.ContentLength = -1 } }},
		{"another media type", func(h *hook) { h.change = setHeader("Content-Type", "text/plain") }},
		{"no media type", func(h *hook) { h.change = setHeader("Content-Type") }},
		{"encoding identity", func(h *hook) { h.change = setHeader("Content-Encoding", "identity") }},
		{"1 MiB", func(h *hook) { h.sends(eventJSON + strings.Repeat(" ", 1<<20-len(eventJSON))) }},
	}
}

func TestUnusualWebhooks(t *testing.T) {
	t.Parallel()
	tests := unusualHooks()
	require.GreaterOrEqual(t, len(tests), 15)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHook(t)
			tt.make(h)
			client, request := h.client(), h.request()
			var got moneykit.Event
			answer := httptest.NewRecorder()
			client.Webhooks.Handler(func(_ context.Context, e moneykit.Event) error {
				got = e
				return nil
			}).ServeHTTP(answer, request)
			require.Equal(t, http.StatusNoContent, answer.Code)

			again, err := client.Webhooks.Verify(t.Context(), request.Header, []byte(h.body))
			require.NoError(t, err)
			assert.Equal(t, got, again)
			require.IsType(t, &moneykit.LinkStateChanged{}, got)
			meta := got.Meta()
			assert.Equal(t, "mk_1", meta.LinkID)
			assert.Equal(t, "evt_1", meta.IdempotencyKey)
			assert.Equal(t, "delivery-1", meta.DeliveryToken)
			assert.Equal(t, 2, meta.DeliveryAttempt)
			assert.Equal(t, h.body, string(meta.Raw))
		})
	}
}

func gzipped(t *testing.T, s string) string {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := w.Write([]byte(s))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return out.String()
}

// The error says how the body was changed, without quoting it.
func TestWebhookBodyMismatch(t *testing.T) {
	t.Parallel()
	const spaced = `{"webhook_event": "link.state_changed", "link_id": "mk_1", "n": "caf` + "é" + ` <&> \u2028"}`
	again := "decoded and encoded again: its white space or the escapes"
	tests := []struct{ name, signed, sent, says string }{
		{"pretty to compact", "{\n  \"a\": 1,\n  \"b\": [\n    2\n  ]\n}", `{"a":1,"b":[2]}`, again},
		{"pretty by four to compact", "{\n    \"a\": 1\n}", `{"a":1}`, again},
		{"pretty by tabs to compact", "{\n\t\"a\": 1\n}", `{"a":1}`, again},
		{"Python to compact", `{"a": 1, "b": "x, y: z\\\""}`, `{"a":1,"b":"x, y: z\\\""}`, again},
		{"Python's escapes to plain text", `{"a": "caf\u00e9 \ud83d\ude00"}`, `{"a":"café 😀"}`, again},
		{"plain text to escapes", `{"a":"café"}`, `{"a":"caf\u00e9"}`, again},
		{"Go's escapes to plain text", `{"a":"\u003cb\u003e \u0026"}`, `{"a":"<b> &"}`, again},
		{"plain text to Go's escapes", `{"a":"<b> &"}`, `{"a":"\u003cb\u003e \u0026"}`, again},
		{"lost line end", `{"a":1}` + "\n", `{"a":1}`, "the line end after it was lost"},
		{"CRLF", "{\n}", "{\r\n}", "changed to CRLF"},
		{"no CRLF", "{\r\n}", "{\n}", "changed from CRLF"},
		{"a byte order mark lost", "\xef\xbb\xbf{}", "{}", "mark before it was lost"},
		{"decoded twice", `"{\"a\":1}"`, `{"a":1}`, "decoded twice"},
		{"a form", `{"a":"1+1"}`, `{"a":"1 1"}`, "as a form"},
		{"escaped as in a URL", `{"a":"b c"}`, `%7B%22a%22%3A%22b+c%22%7D`, "as in a URL"},
		{"in alphabetical order", spaced, `{"link_id":"mk_1","n":"x","webhook_event":"link.state_changed"}`, "alphabetical order"},
		{"too large to explain", "{}", strings.Repeat("x", 65<<10), "too large to be explained"},
		{"something else", "{}", spaced, "another delivery's"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHook(t)
			h.signed, h.body = tt.signed, tt.sent
			_, err := h.client().Webhooks.Verify(t.Context(), h.request().Header, []byte(h.body))
			require.ErrorIs(t, err, moneykit.ErrBodyMismatch)
			require.ErrorContains(t, err, tt.says)
			assert.NotContains(t, err.Error(), "mk_1", "the body is in the error")
		})
	}
}

// Anyone who has seen a signature can send it with any body, so no explanation may be expensive.
func TestWebhookExpensiveBody(t *testing.T) { //nolint:paralleltest // it measures memory
	for name, body := range map[string]string{
		"nested": strings.Repeat("[", 9990) + "0" + strings.Repeat(",0", 21000) + strings.Repeat("]", 9990),
		"texts":  "[" + strings.Repeat(`"\u2028<",`, 5000) + `""]`,
		"spaces": strings.Repeat(" ", 64<<10),
	} {
		h := newHook(t)
		h.body = body
		client, request := h.client(), h.request()
		_, err := client.Webhooks.Verify(t.Context(), request.Header, []byte("x")) // gets the keys
		require.Error(t, err)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err = client.Webhooks.Verify(t.Context(), request.Header, []byte(body))
		runtime.ReadMemStats(&after)
		require.ErrorIs(t, err, moneykit.ErrBodyMismatch, name)
		assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(16<<20), name)
	}
}

func TestWebhookUnknownKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHook(t)
		client := h.client()
		h.head = strings.Replace(h.head, "key-1", "key-2", 1)
		verify := func() error {
			_, err := client.Webhooks.Verify(t.Context(), h.request().Header, []byte(h.body))
			return err
		}
		err := verify()
		require.ErrorIs(t, err, moneykit.ErrInvalidSignature)
		require.ErrorContains(t, err, `key key-2: the key set, fetched just now, does not have the key: `+
			`the webhook comes from another environment or application, or is forged`)
		require.ErrorContains(t, err, `the client id is for the environment sandbox`)
		err = verify()
		require.ErrorIs(t, err, moneykit.ErrKeysUnavailable, "the key may be newer than the key set")
		require.ErrorContains(t, err, "not refetched for 5m0s: the key is newer than the key set, or the webhook is forged")
		assert.Equal(t, moneykit.WebhookKeyStats{Requests: 1, Unknown: 2, Keys: 1, Fetched: hookTime()}, client.Webhooks.KeyStats())

		canceled, cancel := context.WithCancel(t.Context())
		cancel()
		slow := newHook(t)
		slow.answers = httpmock.Responder(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		_, err = slow.client().Webhooks.Verify(canceled, slow.request().Header, []byte(slow.body))
		require.ErrorIs(t, err, context.Canceled)
		require.NotErrorIs(t, err, moneykit.ErrKeysUnavailable)
		<-time.After(time.Minute) // the request for the keys runs out
	})
}

func TestWebhookAge(t *testing.T) {
	t.Parallel()
	at := func(d time.Duration) moneykit.Option {
		return moneykit.WithClock(func() time.Time { return hookTime().Add(d) })
	}
	h := newHook(t)
	tight := moneykit.WithWebhookAge(time.Minute, time.Second)
	for d, want := range map[time.Duration]error{
		0: nil, time.Minute: nil, 61 * time.Second: moneykit.ErrStaleSignature,
		-time.Second: nil, -2 * time.Second: moneykit.ErrStaleSignature,
	} {
		_, err := h.client(tight, at(d)).Webhooks.Verify(t.Context(), h.request().Header, []byte(h.body))
		require.ErrorIs(t, err, want, d)
	}
}
