package delivery_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/internal/sandbox/delivery"
)

// read returns the header and body of a request.
func read(t *testing.T, r *http.Request) post {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	assert.Equal(t, int64(len(body)), r.ContentLength)
	again, err := r.GetBody()
	require.NoError(t, err)
	same, err := io.ReadAll(again)
	require.NoError(t, err)
	assert.Equal(t, body, same)
	r.Body = io.NopCloser(bytes.NewReader(body))
	return post{r.Method, r.URL.String(), r.Header, body}
}

func TestTamper(t *testing.T) {
	t.Parallel()
	mk := newFake(t)
	bodies := []string{`{"link_id":"mk_1"}`, `{"link_id":"mk_of_somebody_else"}`, `[]`, `null`, ``}
	for _, body := range bodies {
		r := signed(t, mk, body)
		before := read(t, r)
		seen := map[string]bool{}
		for _, how := range delivery.Tamperings() {
			tampered, err := mk.Tamper(r, how)
			require.NoError(t, err)
			forged := read(t, tampered)
			changed := !bytes.Equal(forged.body, before.body)
			assert.Equal(t, how == delivery.TamperBody || how == delivery.TamperWhitespace, changed, how)
			if !changed {
				assert.NotEqual(t, before.header.Get("MoneyKit-Signature"), forged.header.Get("MoneyKit-Signature"), how)
			}
			assert.Equal(t, before.header.Get("MoneyKit-Delivery-Token"), forged.header.Get("MoneyKit-Delivery-Token"))
			text := forged.header.Get("MoneyKit-Signature") + string(forged.body)
			assert.False(t, seen[text], how)
			seen[text] = true
			if parts := strings.Split(forged.header.Get("MoneyKit-Signature"), "."); len(parts) == 3 {
				embedded := strings.Contains(string(segment(t, parts[0])), `"jwk":{"kty":"EC"`)
				assert.Equal(t, how == delivery.TamperEmbeddedKey, embedded, how)
			}
		}
		before = read(t, r)
		before.issuedAt(t, mk) // the original is not changed
	}
}

func TestTamperMistakes(t *testing.T) {
	t.Parallel()
	mk := newFake(t)
	copied, err := mk.Tamper(signed(t, mk, "{}"), "politely")
	require.EqualError(t, err, `there is no way "politely"`)
	p := read(t, copied)
	p.issuedAt(t, mk)

	r := signed(t, mk, "")
	r.Body = io.NopCloser(iotest.ErrReader(errors.New("gone")))
	_, err = mk.Tamper(r, delivery.TamperBody)
	require.EqualError(t, err, "gone")
	r.Body = io.NopCloser(strings.NewReader(strings.Repeat("x", 1<<20+1)))
	_, err = mk.Tamper(r, delivery.TamperBody)
	require.ErrorContains(t, err, "more than")
	r.Body = nil
	forged, err := mk.Tamper(r, delivery.TamperBody)
	require.NoError(t, err)
	assert.NotNil(t, forged)
}

// The test makes enough signatures to change both kinds of characters.
func TestTamperSignature(t *testing.T) {
	t.Parallel()
	mk := newFake(t)
	r := signed(t, mk, "{}")
	for range 500 {
		_, err := mk.Tamper(r, delivery.TamperSignature)
		require.NoError(t, err)
	}
}
