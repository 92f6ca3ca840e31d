package transport_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/internal/transport"
)

func TestRedactorString(t *testing.T) {
	var r transport.Redactor
	r.Add("s3cr3t/+x", "abc", "", "a&b<c>")
	tests := []struct{ in, want string }{
		{"token s3cr3t/+x refused", "token [redacted] refused"},
		{"?t=s3cr3t%2F%2Bx", "?t=[redacted]"},
		{"/p/s3cr3t%2F+x", "/p/[redacted]"},
		{"<b>s3cr3t/&#43;x</b>", "<b>[redacted]</b>"},
		{"<b>a&amp;b&lt;c&gt;</b>", "<b>[redacted]</b>"},
		{`"a\u0026b\u003cc\u003e"`, `"[redacted]"`},
		{"abc stays: it is too short to be a secret", "abc stays: it is too short to be a secret"},
		{"", ""},
	}
	for _, tt := range tests {
		assert.Equal(t, tt.want, r.String(tt.in))
	}
	assert.Equal(t, "nothing", new(transport.Redactor).String("nothing"))
}

func TestRedactorError(t *testing.T) {
	var r transport.Redactor
	r.Add("s3cr3t")

	t.Run("drops the URL", func(t *testing.T) {
		err := r.Error(&url.Error{Op: "Get", URL: "https://example.com/users/jane", Err: context.Canceled})
		assert.Equal(t, context.Canceled, err)
	})
	t.Run("keeps a clean error", func(t *testing.T) {
		clean := errors.New("connection refused")
		assert.Same(t, clean, r.Error(clean))
	})
	t.Run("hides a secret in every verb and keeps the identity", func(t *testing.T) {
		err := r.Error(fmt.Errorf("bad header %q: %w", "s3cr3t", context.Canceled))
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			assert.NotContains(t, fmt.Sprintf(verb, err), "s3cr3t", verb)
		}
		require.ErrorIs(t, err, context.Canceled)
		assert.NoError(t, errors.Unwrap(err))
	})
	t.Run("nil", func(t *testing.T) { assert.NoError(t, r.Error(nil)) })
}
