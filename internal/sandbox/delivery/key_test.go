package delivery_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestKeys(t *testing.T) {
	t.Parallel()
	mk := newFake(t)
	keys := mk.keys(t)
	require.Len(t, keys, 1)
	assert.Equal(t, keys, mk.keys(t))
	assert.NotEqual(t, keys, newFake(t).keys(t))
	key := keys[0]
	coordinate := func(name string) *big.Int {
		data := segment(t, key[name])
		require.Len(t, data, 32)
		delete(key, name)
		return new(big.Int).SetBytes(data)
	}
	public := ecdsa.PublicKey{Curve: elliptic.P256(), X: coordinate("x"), Y: coordinate("y")}
	_, err := public.ECDH()
	require.NoError(t, err)
	assert.NotEmpty(t, key["kid"])
	delete(key, "kid")
	assert.Equal(t, map[string]string{"kty": "EC", "use": "sig", "alg": "ES256", "crv": "P-256"}, key)
}

func TestRotateKeys(t *testing.T) {
	t.Parallel()
	in := &inbox{statuses: []int{500}}
	mk := newFake(t, stopped(), receiving(in), withKeyOverlap(time.Hour))
	kid := func(p post) string {
		header := segment(t, strings.Split(p.header.Get("MoneyKit-Signature"), ".")[0])
		return string(header)
	}
	breakAll(mk, 1)
	mk.deliver()
	old := in.take()[0]
	require.NoError(t, mk.RotateKeys())
	old.issuedAt(t, mk)

	// A retry has the signature of the first attempt, with the old key. A new webhook is signed
	// with the new key.
	breakAll(mk, 1)
	mk.World.Advance(10 * time.Second)
	mk.deliver()
	posts := in.take()
	require.Len(t, posts, 2)
	assert.NotEqual(t, kid(old), kid(posts[0]))
	assert.Equal(t, old.header.Get("MoneyKit-Signature"), posts[1].header.Get("MoneyKit-Signature"))

	assert.Len(t, mk.keys(t), 2)
	mk.World.Advance(time.Hour - 11*time.Second)
	assert.Len(t, mk.keys(t), 2)
	mk.World.Advance(time.Second)
	assert.Len(t, mk.keys(t), 1)
	posts[0].issuedAt(t, mk)
}
