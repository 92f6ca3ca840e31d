package delivery_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSignedRequest(t *testing.T) {
	t.Parallel()
	mk := newFake(t, stopped())
	for _, body := range []string{`{"webhook_event":"x"}`, "", "\x00"} {
		p := read(t, signed(t, mk, body))
		assert.Equal(t, "POST", p.method)
		assert.Equal(t, hook, p.url)
		assert.Equal(t, body, string(p.body))
		assert.Equal(t, "1", p.header.Get("MoneyKit-Delivery-Attempt"))
		assert.NotEmpty(t, p.header.Get("MoneyKit-Delivery-Token"))
		assert.Equal(t, mk.World.Now().Unix(), p.issuedAt(t, mk))
	}
	r, err := mk.SignedRequest("nowhere", []byte("x"))
	require.EqualError(t, err, "the webhook is no http or https URL")
	p := read(t, r)
	p.issuedAt(t, mk)
}

func signed(t *testing.T, mk *fake, body string) *http.Request {
	t.Helper()
	r, err := mk.SignedRequest(hook, []byte(body))
	require.NoError(t, err)
	return r
}
