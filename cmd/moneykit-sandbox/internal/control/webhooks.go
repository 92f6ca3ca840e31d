package control

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/moneykit/moneykit-go/internal/sandbox/delivery"
	"github.com/moneykit/moneykit-go/moneykittest"
)

// This file contains the verbs about webhooks.

type deliverParams struct {
	Duplicated   int  `json:"duplicated" help:"how often each webhook is sent; 0 means once"`
	Reversed     bool `json:"reversed" help:"send in reverse order"`
	Concurrently int  `json:"concurrently" help:"number of concurrent requests; 0 means one"`
}

func (s *Server) deliver(p deliverParams) ([]moneykittest.Delivery, error) {
	const most = 100
	if p.Duplicated < 0 || p.Duplicated > most || p.Concurrently < 0 || p.Concurrently > most {
		return nil, fmt.Errorf("duplicated and concurrently must be at most %d", most)
	}
	how := delivery.Course{Times: p.Duplicated, Parallel: p.Concurrently}
	if p.Reversed {
		how.Reorder = delivery.Reverse
	}
	return viewsOfDeliveries(s.Sandbox.Courier.Deliver(how)), nil
}

type resendParams struct {
	Token string `json:"token" required:"true" help:"token of the delivery"`
}

func (s *Server) resend(p resendParams) (none, error) {
	return none{}, s.Sandbox.Courier.Resend(p.Token)
}

type signParams struct {
	URL  string          `json:"url" required:"true" help:"URL of the endpoint for webhooks"`
	Body json.RawMessage `json:"body" required:"true" help:"body of the webhook"`
}

// webhook is the JSON of a request for a client to send.
type webhook struct {
	Method string      `json:"method"`
	URL    string      `json:"url"`
	Header http.Header `json:"header"`
	Body   string      `json:"body"` // byte for byte
}

func (s *Server) sign(p signParams) (webhook, error) {
	r, err := s.Sandbox.Courier.SignedRequest(p.URL, compact(p.Body))
	if err != nil {
		return webhook{}, err
	}
	return viewOfWebhook(r)
}

type tamperParams struct {
	signParams

	How moneykittest.Tampering `json:"how" required:"true" help:"one of the ways in /control/tamperings"`
}

func (s *Server) tamper(p tamperParams) (webhook, error) {
	r, err := s.Sandbox.Courier.SignedRequest(p.URL, compact(p.Body))
	if err != nil {
		return webhook{}, err
	}
	forged, err := s.Sandbox.Courier.Tamper(r, delivery.Tampering(p.How))
	if err != nil {
		return webhook{}, err
	}
	return viewOfWebhook(forged)
}

func compact(body json.RawMessage) []byte {
	var out bytes.Buffer
	if err := json.Compact(&out, body); err != nil {
		return body // cannot happen: it was decoded from JSON
	}
	return out.Bytes()
}

func (s *Server) rotateKeys(none) (none, error) { return none{}, s.Sandbox.Courier.RotateKeys() }
