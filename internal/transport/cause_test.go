package transport_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go/internal/transport"
)

// talkative is an error of another transport. Its text quotes the request.
type talkative struct{ request string }

func (e *talkative) Error() string { return "failed: " + e.request }

func TestCause(t *testing.T) {
	t.Parallel()
	const mark = "canary-0001"
	dial := func(err error) error {
		return &net.OpError{Op: "dial " + mark, Net: "tcp", Err: os.NewSyscallError("connect "+mark, err)}
	}
	for _, tt := range []struct {
		err  error
		want string
	}{
		{context.Canceled, "context canceled"},
		{fmt.Errorf("%s: %w", mark, context.DeadlineExceeded), "context deadline exceeded"},
		{dial(syscall.ECONNREFUSED), "connection refused"},
		{dial(syscall.ECONNRESET), "connection reset by peer"},
		{dial(syscall.EPIPE), "broken pipe"},
		{&net.OpError{Op: mark, Err: errors.New(mark)}, "the network failed"},
		{&net.OpError{Op: mark, Err: os.ErrDeadlineExceeded}, "i/o timeout"},
		{&net.DNSError{Err: mark, Name: mark, IsNotFound: true}, "the host of the base URL does not exist"},
		{&net.DNSError{Err: mark, Name: mark}, "looking up the host of the base URL failed"},
		{fmt.Errorf("%s: %w", mark, io.ErrUnexpectedEOF), "the connection ended early"},
		{x509.HostnameError{Host: mark, Certificate: &x509.Certificate{}}, "the server's certificate is for another host"},
		{x509.UnknownAuthorityError{}, "the server's certificate is signed by an unknown authority"},
		{&tls.CertificateVerificationError{Err: errors.New(mark)}, "the server's certificate is not valid"},
		{tls.RecordHeaderError{Msg: mark}, "the server does not speak TLS"},
		{tls.AlertError(42), "the server refused the TLS connection"},
		{&talkative{mark}, "the transport failed with an error of type *transport_test.talkative"},
		{fmt.Errorf("outer: %w", &talkative{mark}), "the transport failed with an error of type *transport_test.talkative"},
		{&transport.TooLargeError{Limit: 9}, "the response body is larger than 9 bytes"},
	} {
		for _, err := range []error{tt.err, &url.Error{Op: "Get", URL: "https://api.example.com/users/" + mark, Err: tt.err}} {
			got := transport.Cause(err)
			assert.Equal(t, tt.want, got.Error())
			require.ErrorIs(t, got, tt.err)
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d"} {
				assert.NotContains(t, fmt.Sprintf(verb, got), mark)
			}
			for layer := got; layer != nil; layer = errors.Unwrap(layer) {
				assert.NotContains(t, layer.Error(), mark)
			}
		}
	}
	var own *talkative
	require.ErrorAs(t, transport.Cause(&url.Error{Err: &talkative{mark}}), &own)
	assert.Equal(t, mark, own.request)
}

func TestHide(t *testing.T) {
	t.Parallel()
	cause := &talkative{"canary-0001"}
	err := transport.Hide(cause)
	assert.Equal(t, "an error of type *transport_test.talkative", err.Error())
	require.ErrorIs(t, err, cause)
	assert.NotContains(t, fmt.Sprintf("%+v %#v", err, err), "canary")
}
