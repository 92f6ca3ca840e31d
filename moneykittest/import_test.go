package moneykittest_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/moneykittest"
)

func TestKeys(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t)
	keys, err := mk.Client().Webhooks.Keys(t.Context())
	require.NoError(t, err)
	require.Len(t, keys, 1)
	var key map[string]string
	require.NoError(t, json.Unmarshal(keys[0], &key))
	coordinate := func(name string) *big.Int {
		data, err := base64.RawURLEncoding.DecodeString(key[name])
		require.NoError(t, err)
		require.Len(t, data, 32)
		delete(key, name)
		return new(big.Int).SetBytes(data)
	}
	public := ecdsa.PublicKey{Curve: elliptic.P256(), X: coordinate("x"), Y: coordinate("y")}
	_, err = public.ECDH()
	require.NoError(t, err)
	assert.NotEmpty(t, key["kid"])
	delete(key, "kid")
	assert.Equal(t, map[string]string{"kty": "EC", "use": "sig", "alg": "ES256", "crv": "P-256"}, key)
	again, err := mk.Client().Webhooks.Keys(t.Context())
	require.NoError(t, err)
	assert.Equal(t, keys, again)
	other, err := moneykittest.NewServer(t).Client().Webhooks.Keys(t.Context())
	require.NoError(t, err)
	assert.NotEqual(t, keys, other)
	assert.Equal(t, 200, ask(t, mk, http.MethodGet, "/.well-known/jwks.json", "", "X-Client-Id:", "X-Client-Secret:").status)
}
