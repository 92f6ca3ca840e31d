package delivery_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// inbox is a webhook endpoint that records its requests.
type inbox struct {
	mu       sync.Mutex
	posts    []post
	statuses []int // statuses of the next responses; 204 afterwards
}

// post is one request to a webhook.
type post struct {
	method, url string
	header      http.Header
	body        []byte
}

func (in *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	in.mu.Lock()
	status := http.StatusNoContent
	if len(in.statuses) > 0 {
		status, in.statuses = in.statuses[0], in.statuses[1:]
	}
	in.posts = append(in.posts, post{r.Method, r.Host + r.RequestURI, r.Header.Clone(), body})
	in.mu.Unlock()
	w.WriteHeader(status)
}

// take returns the requests since the last call.
func (in *inbox) take() []post {
	in.mu.Lock()
	defer in.mu.Unlock()
	posts := in.posts
	in.posts = nil
	return posts
}

// event checks the form of the body and returns its members.
func (p post) event(t *testing.T) map[string]any {
	t.Helper()
	var event map[string]any
	require.NoError(t, json.Unmarshal(p.body, &event))
	assert.InDelta(t, 1, event["webhook_major_version"], 0)
	assert.Contains(t, event, "webhook_minor_version")
	assert.InDelta(t, 0, event["webhook_minor_version"], 0)
	assert.NotEmpty(t, event["webhook_idempotency_key"])
	assert.NotEmpty(t, event["webhook_timestamp"])
	assert.IsType(t, []any{}, event["link_tags"])
	return event
}

// key returns the published key with an id, or nil.
func key(t *testing.T, mk *fake, kid string) *ecdsa.PublicKey {
	t.Helper()
	for _, k := range mk.keys(t) {
		if k["kid"] == kid {
			return &ecdsa.PublicKey{
				Curve: elliptic.P256(), X: new(big.Int).SetBytes(segment(t, k["x"])), Y: new(big.Int).SetBytes(segment(t, k["y"])),
			}
		}
	}
	return nil
}

func segment(t *testing.T, s string) []byte {
	t.Helper()
	data, err := base64.RawURLEncoding.Strict().DecodeString(s)
	require.NoError(t, err)
	return data
}

// issuedAt verifies the signature and returns its time.
func (p post) issuedAt(t *testing.T, mk *fake) int64 {
	t.Helper()
	parts := strings.Split(p.header.Get("MoneyKit-Signature"), ".")
	require.Len(t, parts, 3)
	var header map[string]any
	require.NoError(t, json.Unmarshal(segment(t, parts[0]), &header))
	kid, _ := header["kid"].(string)
	assert.Equal(t, map[string]any{"alg": "ES256", "typ": "JWT", "kid": kid}, header)
	public := key(t, mk, kid)
	require.NotNil(t, public)
	signature := segment(t, parts[2])
	require.Len(t, signature, 64)
	hash := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
	assert.True(t, ecdsa.Verify(public, hash[:], r, s))

	var claims map[string]any
	require.NoError(t, json.Unmarshal(segment(t, parts[1]), &claims))
	at, _ := claims["iat"].(float64)
	sum := sha256.Sum256(p.body)
	assert.Equal(t, map[string]any{
		"iss": "https://api.moneykit.com", "iat": at, "request_body_sha256": hex.EncodeToString(sum[:]),
	}, claims)
	return int64(at)
}
