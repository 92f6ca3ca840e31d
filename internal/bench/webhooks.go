package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/moneykit/moneykit-go"
)

// signer signs webhooks as MoneyKit does.
type signer struct{ key *ecdsa.PrivateKey }

func newSigner() (*signer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	return &signer{key}, err
}

// client returns a client that trusts the signer's key.
func (s *signer) client() (*moneykit.Client, error) {
	point, err := s.key.PublicKey.Bytes() // 4, x, y
	if err != nil {
		return nil, err
	}
	set, err := json.Marshal(map[string]any{"keys": []map[string]string{{
		"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "key-1", "x": encode(point[1:33]), "y": encode(point[33:]),
	}}})
	if err != nil {
		return nil, err
	}
	return newClient(testBase, pages{"/.well-known/jwks.json": set}, moneykit.WithLogger(slog.New(slog.DiscardHandler)))
}

func encode(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

// signature is the header of a webhook, and the data that the standard library needs to verify it.
type signature struct {
	header http.Header
	signed []byte
	der    []byte
}

// sign signs a body.
func (s *signer) sign(body []byte) (signature, error) {
	claims := fmt.Sprintf(`{"iss":"https://api.moneykit.com","iat":%d,"request_body_sha256":"%x"}`, time.Now().Unix(), sha256.Sum256(body))
	signed := encode([]byte(`{"alg":"ES256","kid":"key-1","typ":"JWT"}`)) + "." + encode([]byte(claims))
	hash := sha256.Sum256([]byte(signed))
	r, v, err := ecdsa.Sign(rand.Reader, s.key, hash[:])
	if err != nil {
		return signature{}, err
	}
	der, err := ecdsa.SignASN1(rand.Reader, s.key, hash[:])
	if err != nil {
		return signature{}, err
	}
	both := make([]byte, 64)
	r.FillBytes(both[:32])
	v.FillBytes(both[32:])
	return signature{http.Header{
		"Moneykit-Signature": {signed + "." + encode(both)}, "Content-Type": {"application/json"},
		"User-Agent": {"MoneyKit"}, "Moneykit-Delivery-Token": {"a-delivery"}, "Moneykit-Delivery-Attempt": {"1"},
	}, []byte(signed), der}, nil
}

// event returns the body of a webhook with about size bytes, most of them in tags.
func event(size int) []byte {
	const start, end = `{"webhook_event":"link.state_changed","webhook_major_version":1,"webhook_minor_version":0,` +
		`"webhook_idempotency_key":"c2b1f0f4-6e2a-4a3c-9d0b-5c8e7f1a2b3c","webhook_timestamp":"2024-01-09T10:32:38.401223+00:00",` +
		`"link_id":"mk_UQ2Hk5vZ8cXrW3nT7yBq4L","state":"connected","link_tags":["first"`, `]}`
	const tag = `,"a tag of a customer of the application, who has many of them"`
	return []byte(start + strings.Repeat(tag, max(0, size-len(start)-len(end))/len(tag)) + end)
}

// webhooks compares verification with its cryptography alone: hashing the body and checking the
// signature.
func webhooks(ctx context.Context, c config) ([]row, error) {
	s, err := newSigner()
	if err != nil {
		return nil, err
	}
	client, err := s.client()
	if err != nil {
		return nil, err
	}
	handler := client.Webhooks.Handler(func(context.Context, moneykit.Event) error { return nil })
	var rows []row
	for _, size := range []struct {
		kib                  int
		verify, verifyMost   float64
		handler, handlerMost float64
	}{
		{kib: 2, verify: 1.15, verifyMost: 1.50, handler: 1.25, handlerMost: 1.75},
		{kib: 16, verify: 1.40, verifyMost: 2.20, handler: 1.50, handlerMost: 2.50},
	} {
		body := event(size.kib << 10)
		sig, err := s.sign(body)
		if err != nil {
			return nil, err
		}
		raw := func() error {
			hash, signed := sha256.Sum256(body), sha256.Sum256(sig.signed)
			if hash == signed || !ecdsa.VerifyASN1(&s.key.PublicKey, signed[:], sig.der) {
				return errors.New("not verified")
			}
			return nil
		}
		got, err := compare(c.time, func() error {
			_, err := client.Webhooks.Verify(ctx, sig.header, body)
			return err
		}, raw)
		if err != nil {
			return nil, err
		}
		rows = append(rows, got.row(fmt.Sprintf("Webhooks.Verify, %d KB / cryptography", size.kib), size.verify, size.verifyMost))
		got, err = compare(c.time, func() error { return deliver(ctx, handler, sig.header, body) }, raw)
		if err != nil {
			return nil, err
		}
		rows = append(rows, got.row(fmt.Sprintf("Webhooks.Handler, %d KB / cryptography", size.kib), size.handler, size.handlerMost))
	}
	return rows, nil
}

// deliver delivers a webhook to a handler. It returns an error if the handler does not accept it.
func deliver(ctx context.Context, h http.Handler, header http.Header, body []byte) error {
	var w response
	r := &http.Request{Method: http.MethodPost, Header: header, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body))}
	h.ServeHTTP(&w, r.WithContext(ctx))
	if w.status != http.StatusNoContent {
		return fmt.Errorf("status %d", w.status)
	}
	return nil
}

// response is an http.ResponseWriter that keeps the status.
type response struct {
	header http.Header
	status int
}

func (r *response) Header() http.Header {
	if r.header == nil {
		r.header = http.Header{}
	}
	return r.header
}

func (r *response) Write(p []byte) (int, error) { return len(p), nil }

func (r *response) WriteHeader(status int) { r.status = status }
