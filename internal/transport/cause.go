package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
)

// Cause returns an error that matches err, with a text that contains no part of the request or the
// response. The text of a transport's own error may quote either.
func Cause(err error) error {
	var ue *url.Error
	if errors.As(err, &ue) && ue.Err != nil { // net/http adds the URL to its errors.
		err = ue.Err
	}
	var own ownError
	if errors.As(err, &own) {
		return own
	}
	return newCause(describe(err), err)
}

// Hide returns an error that matches err, with only the type of err as text.
func Hide(err error) error { return Reword(fmt.Sprintf("an error of type %T", err), err) }

// Reword returns an error that matches err, with another text.
func Reword(text string, err error) error { return newCause(text, err) }

// ownError is an error of this package. Its text contains only numbers and this package's words.
type ownError interface {
	error
	own()
}

// cause matches an error but does not show its text. It has no Unwrap method and keeps the error in
// a function, so that printing it cannot show the text.
type cause struct {
	text string
	err  func() error
}

func newCause(text string, err error) *cause {
	return &cause{text: text, err: func() error { return err }}
}

func (c *cause) Error() string        { return c.text }
func (c *cause) Is(target error) bool { return errors.Is(c.err(), target) }
func (c *cause) As(target any) bool   { return errors.As(c.err(), target) }

// describe returns a text for err: this package's words for an error of the standard library, the
// result of LogText if err has that method, and otherwise the type of err.
func describe(err error) string {
	var (
		dns     *net.DNSError
		record  tls.RecordHeaderError
		alert   tls.AlertError
		cert    *tls.CertificateVerificationError
		name    x509.HostnameError
		issuer  x509.UnknownAuthorityError
		invalid x509.CertificateInvalidError
		op      *net.OpError
		timeout net.Error
	)
	var spoken interface{ LogText() string }
	if errors.As(err, &spoken) {
		return spoken.LogText()
	}
	for _, known := range []error{
		context.Canceled, context.DeadlineExceeded, net.ErrClosed, io.ErrClosedPipe, os.ErrDeadlineExceeded,
	} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	if text := systemText(err); text != "" {
		return text
	}
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection ended early"
	case errors.As(err, &dns) && dns.IsNotFound:
		return "the host of the base URL does not exist"
	case errors.As(err, &dns):
		return "looking up the host of the base URL failed"
	case errors.As(err, &name):
		return "the server's certificate is for another host"
	case errors.As(err, &issuer):
		return "the server's certificate is signed by an unknown authority"
	case errors.As(err, &invalid), errors.As(err, &cert):
		return "the server's certificate is not valid"
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return "the server does not speak TLS"
	case errors.As(err, &alert):
		return "the server refused the TLS connection"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "the network timed out"
	case errors.As(err, &op):
		return "the network failed"
	}
	if text := untyped(err.Error()); text != "" {
		return text
	}
	return fmt.Sprintf("the transport failed with an error of type %T", innermost(err))
}

// untyped returns a text for an error of net/http without a type of its own, which it recognizes by
// words in its text. It returns "" for other errors.
func untyped(text string) string {
	for _, known := range [][2]string{
		{"client connection lost", "the connection was lost"},
		{"server closed idle connection", "the server closed the connection"},
		{"GOAWAY", "the server closed the connection"},
		{"stream error", "the server reset the request"},
		{"connection error", "the server broke the protocol"},
		{"malformed HTTP", "the response is not HTTP"},
		{"malformed chunked", "the response is not HTTP"},
		{"malformed response", "the response is not HTTP"},
		{"fetch() failed", "the platform's fetch failed"},
	} {
		if strings.Contains(text, known[0]) {
			return known[1]
		}
	}
	return ""
}

// innermost returns the last error that err unwraps to.
func innermost(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}
