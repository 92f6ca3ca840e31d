package delivery

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// Receiver returns a transport that passes requests to h in memory, as a server would. It works
// inside a testing/synctest bubble.
func Receiver(h http.Handler) http.RoundTripper { return receiver{h} }

type receiver struct{ handler http.Handler }

// panicError is the error for a handler that panics.
type panicError struct{ value any }

// Error returns a message with the value of the panic.
func (e panicError) Error() string { return fmt.Sprintf("the receiver panicked: %v", e.value) }

// RoundTrip returns the response of the handler. If the context of the request ends first, it
// returns the error of the context.
func (rec receiver) RoundTrip(out *http.Request) (*http.Response, error) {
	in := out.Clone(out.Context())
	in.URL = &url.URL{Path: out.URL.Path, RawPath: out.URL.RawPath, RawQuery: out.URL.RawQuery}
	in.RequestURI = out.URL.RequestURI()
	in.Proto, in.ProtoMajor, in.ProtoMinor = "HTTP/1.1", 1, 1
	in.RemoteAddr = "192.0.2.1:1234" // RFC 5737
	in.GetBody = nil
	if out.URL.Scheme == "https" {
		in.TLS = &tls.ConnectionState{Version: tls.VersionTLS13, HandshakeComplete: true, ServerName: out.URL.Hostname()}
	}
	w := &answerWriter{header: http.Header{}}
	ended := make(chan error, 1)
	go func() {
		err := errors.New("the receiver ended without a response") // by runtime.Goexit, as FailNow does
		defer func() {
			switch value := recover(); value {
			case nil:
			case http.ErrAbortHandler:
				err = errors.New("the receiver aborted the connection")
			default:
				err = panicError{value}
			}
			ended <- err
		}()
		rec.handler.ServeHTTP(w, in)
		err = nil
	}()
	select {
	case err := <-ended:
		if err != nil {
			return nil, err
		}
	case <-out.Context().Done():
		return nil, out.Context().Err() // the handler may still run, but w is no longer read
	}
	return w.response(out), nil
}

// answerWriter stores the response of a handler.
type answerWriter struct {
	header http.Header
	status int
	sent   http.Header // copy of header from when the status was written
	body   bytes.Buffer
}

// Header returns the header to be sent.
func (w *answerWriter) Header() http.Header { return w.header }

// WriteHeader sets the status. Later calls have no effect.
func (w *answerWriter) WriteHeader(status int) {
	if status < 100 || status > 999 {
		panic(fmt.Sprintf("invalid WriteHeader code %v", status)) // as net/http does
	}
	if w.status == 0 && status >= 200 {
		w.status, w.sent = status, w.header.Clone()
	}
}

// Write stores the beginning of the body.
func (w *answerWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if w.body.Len() < 1<<16 {
		w.body.Write(p)
	}
	return len(p), nil
}

func (w *answerWriter) response(r *http.Request) *http.Response {
	w.WriteHeader(http.StatusOK)
	return &http.Response{
		Status: fmt.Sprintf("%d %s", w.status, http.StatusText(w.status)), StatusCode: w.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: w.sent,
		Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()), Request: r,
	}
}
