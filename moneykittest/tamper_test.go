package moneykittest_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/moneykittest"
)

// read returns what a request would post.
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

func TestSignedRequest(t *testing.T) {
	t.Parallel()
	mk, tb := newFake(t, stopped())
	for _, body := range []string{`{"webhook_event":"x"}`, "", "\x00"} {
		p := read(t, mk.SignedRequest(hook, []byte(body)))
		assert.Equal(t, "POST", p.method)
		assert.Equal(t, hook, p.url)
		assert.Equal(t, body, string(p.body))
		assert.Equal(t, "1", p.header.Get("MoneyKit-Delivery-Attempt"))
		assert.NotEmpty(t, p.header.Get("MoneyKit-Delivery-Token"))
		assert.Equal(t, mk.Now().Unix(), p.issuedAt(t, mk))
	}
	assert.Empty(t, tb.errors)
	p := read(t, mk.SignedRequest("nowhere", []byte("x")))
	assert.Equal(t, []string{"moneykittest: SignedRequest: the webhook is no http or https URL"}, tb.errors)
	p.issuedAt(t, mk)
}

func TestTamper(t *testing.T) {
	t.Parallel()
	mk, tb := newFake(t)
	bodies := []string{`{"link_id":"mk_1"}`, `{"link_id":"mk_of_somebody_else"}`, `[]`, `null`, ``}
	for _, body := range bodies {
		r := mk.SignedRequest(hook, []byte(body))
		before := read(t, r)
		seen := map[string]bool{}
		for _, how := range moneykittest.Tamperings() {
			forged := read(t, mk.Tamper(r, how))
			changed := !bytes.Equal(forged.body, before.body)
			assert.Equal(t, how == moneykittest.TamperBody || how == moneykittest.TamperWhitespace, changed, how)
			if !changed {
				assert.NotEqual(t, before.header.Get("MoneyKit-Signature"), forged.header.Get("MoneyKit-Signature"), how)
			}
			assert.Equal(t, before.header.Get("MoneyKit-Delivery-Token"), forged.header.Get("MoneyKit-Delivery-Token"))
			text := forged.header.Get("MoneyKit-Signature") + string(forged.body)
			assert.False(t, seen[text], how)
			seen[text] = true
			if parts := strings.Split(forged.header.Get("MoneyKit-Signature"), "."); len(parts) == 3 {
				embedded := strings.Contains(string(segment(t, parts[0])), `"jwk":{"kty":"EC"`)
				assert.Equal(t, how == moneykittest.TamperEmbeddedKey, embedded, how)
			}
		}
		before = read(t, r)
		before.issuedAt(t, mk) // the original is as it was
	}
	assert.Empty(t, tb.errors)

	forged := read(t, mk.Tamper(mk.SignedRequest(hook, []byte(bodies[0])), "politely"))
	forged.issuedAt(t, mk)
	require.Len(t, tb.errors, 1)
	assert.Contains(t, tb.errors[0], `there is no way "politely"`)
	r := mk.SignedRequest(hook, nil)
	r.Body = io.NopCloser(iotest.ErrReader(errors.New("gone")))
	mk.Tamper(r, moneykittest.TamperBody)
	r.Body = io.NopCloser(strings.NewReader(strings.Repeat("x", 1<<20+1)))
	mk.Tamper(r, moneykittest.TamperBody)
	require.Len(t, tb.errors, 3)
	assert.Contains(t, tb.errors[1], "gone")
	assert.Contains(t, tb.errors[2], "more than")
	r.Body = nil
	assert.NotNil(t, mk.Tamper(r, moneykittest.TamperBody))
}

// Both halves of the two that a signature can be flipped to come up.
func TestTamperSignature(t *testing.T) {
	t.Parallel()
	mk := moneykittest.NewServer(t)
	r := mk.SignedRequest(hook, []byte("{}"))
	for range 500 {
		mk.Tamper(r, moneykittest.TamperSignature)
	}
}

func TestRotateKeys(t *testing.T) {
	t.Parallel()
	in := &inbox{statuses: []int{500}}
	mk := moneykittest.NewServer(t, stopped(), moneykittest.WithReceiver(in), moneykittest.WithKeyOverlap(time.Hour))
	kid := func(p post) string {
		header := segment(t, strings.Split(p.header.Get("MoneyKit-Signature"), ".")[0])
		return string(header)
	}
	breakAll(mk, 1)
	mk.Deliver()
	old := in.take()[0]
	mk.RotateKeys()
	old.issuedAt(t, mk)

	// A retry has the signature of the first attempt, by the old key; what is new has the new one.
	breakAll(mk, 1)
	mk.Advance(10 * time.Second)
	mk.Deliver()
	posts := in.take()
	require.Len(t, posts, 2)
	assert.NotEqual(t, kid(old), kid(posts[0]))
	assert.Equal(t, old.header.Get("MoneyKit-Signature"), posts[1].header.Get("MoneyKit-Signature"))

	keys := func() int {
		keys, err := mk.Client().Webhooks.Keys(t.Context())
		require.NoError(t, err)
		return len(keys)
	}
	assert.Equal(t, 2, keys())
	mk.Advance(time.Hour - 11*time.Second)
	assert.Equal(t, 2, keys())
	mk.Advance(time.Second)
	assert.Equal(t, 1, keys())
	posts[0].issuedAt(t, mk)

	byDefault := moneykittest.NewServer(t, stopped())
	byDefault.RotateKeys()
	byDefault.Advance(24*time.Hour - 1)
	list, err := byDefault.Client().Webhooks.Keys(t.Context())
	require.NoError(t, err)
	assert.Len(t, list, 2)
	byDefault.Advance(1)
	list, err = byDefault.Client().Webhooks.Keys(t.Context())
	require.NoError(t, err)
	assert.Len(t, list, 1)
}
