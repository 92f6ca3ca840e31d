package moneykittest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/moneykit/moneykit-go"
)

// decode reads one JSON value into v. It returns an error for unknown members and for data after
// the value.
func decode(data []byte, v any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(v); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is data after the JSON")
	}
	return nil
}

// bodyJSON returns a body as a JSON value: unchanged if it is JSON, and otherwise as a string.
func bodyJSON(body []byte) json.RawMessage {
	if len(body) == 0 {
		return nil
	}
	if json.Valid(body) {
		return body
	}
	text, err := json.Marshal(string(body))
	if err != nil {
		return nil // cannot happen: a string can always be marshaled
	}
	return text
}

// bodyOf is the reverse of bodyJSON.
func bodyOf(value json.RawMessage) []byte {
	var text string
	if len(value) == 0 || json.Unmarshal(value, &text) != nil {
		return value
	}
	return []byte(text)
}

type plainPlay Play

// playForm is the JSON of a Play.
type playForm struct {
	plainPlay

	Exit *exitForm `json:"exit,omitempty"`
}

// exitForm is the JSON of an error with which Connect ends, in the form of Connect for the web.
type exitForm struct {
	ID               string `json:"error_id,omitempty"`
	DisplayedMessage string `json:"displayed_message,omitempty"`
	RequestID        string `json:"request_id,omitempty"`
}

// MarshalJSON writes the JSON that [Play] describes.
func (p Play) MarshalJSON() ([]byte, error) {
	form := playForm{plainPlay: plainPlay(p)}
	if p.Exit != nil {
		form.Exit = &exitForm{p.Exit.ID, p.Exit.DisplayedMessage, p.Exit.RequestID}
	}
	return json.Marshal(form)
}

// UnmarshalJSON reads the JSON that [Play] describes.
func (p *Play) UnmarshalJSON(data []byte) error {
	form := playForm{plainPlay: plainPlay(*p)}
	if err := decode(data, &form); err != nil {
		return err
	}
	*p = Play(form.plainPlay)
	if form.Exit != nil {
		p.Exit = &moneykit.ConnectError{
			ID: form.Exit.ID, DisplayedMessage: form.Exit.DisplayedMessage, RequestID: form.Exit.RequestID,
		}
	}
	return nil
}

type plainFault Fault

// faultForm is the JSON of a Fault.
type faultForm struct {
	plainFault

	Latency string `json:"latency,omitempty"`
}

// MarshalJSON writes the JSON that [Fault] describes.
func (f Fault) MarshalJSON() ([]byte, error) {
	form := faultForm{plainFault: plainFault(f)}
	if f.Latency != 0 {
		form.Latency = f.Latency.String()
	}
	return json.Marshal(form)
}

// UnmarshalJSON reads the JSON that [Fault] describes.
func (f *Fault) UnmarshalJSON(data []byte) error {
	form := faultForm{plainFault: plainFault(*f)}
	if err := decode(data, &form); err != nil {
		return err
	}
	if form.Latency != "" {
		latency, err := time.ParseDuration(form.Latency)
		if err != nil {
			return fmt.Errorf("moneykittest: the latency must be text such as 250ms or 1.5s: %w", err)
		}
		form.plainFault.Latency = latency
	}
	*f = Fault(form.plainFault)
	return nil
}

// MarshalText returns the name of the moment.
func (r Reset) MarshalText() ([]byte, error) {
	switch r {
	case NoReset:
		return nil, nil
	case ResetBefore:
		return []byte("before"), nil
	case ResetAfter:
		return []byte("after"), nil
	}
	return nil, fmt.Errorf("moneykittest: there is no Reset %d", int(r))
}

// UnmarshalText reads the name of a moment.
func (r *Reset) UnmarshalText(text []byte) error {
	switch string(text) {
	case "":
		*r = NoReset
	case "before":
		*r = ResetBefore
	case "after":
		*r = ResetAfter
	default:
		return fmt.Errorf("moneykittest: a reset is before or after, not %q", text)
	}
	return nil
}

type plainDelivery Delivery

// deliveryForm is the JSON of a Delivery.
type deliveryForm struct {
	plainDelivery

	Body json.RawMessage `json:"body"`
}

// MarshalJSON writes the JSON that [Delivery] describes.
func (d Delivery) MarshalJSON() ([]byte, error) {
	return json.Marshal(deliveryForm{plainDelivery(d), bodyJSON(d.Body)})
}

// UnmarshalJSON reads the JSON that [Delivery] describes.
func (d *Delivery) UnmarshalJSON(data []byte) error {
	var form deliveryForm
	if err := decode(data, &form); err != nil {
		return err
	}
	*d = Delivery(form.plainDelivery)
	d.Body = bodyOf(form.Body)
	return nil
}

type plainAttempt DeliveryAttempt

// attemptForm is the JSON of a DeliveryAttempt.
type attemptForm struct {
	plainAttempt

	Err string `json:"error,omitempty"`
}

// MarshalJSON writes the JSON that [DeliveryAttempt] describes.
func (a DeliveryAttempt) MarshalJSON() ([]byte, error) {
	form := attemptForm{plainAttempt: plainAttempt(a)}
	if a.Err != nil {
		form.Err = a.Err.Error()
	}
	return json.Marshal(form)
}

// UnmarshalJSON reads the JSON that [DeliveryAttempt] describes.
func (a *DeliveryAttempt) UnmarshalJSON(data []byte) error {
	var form attemptForm
	if err := decode(data, &form); err != nil {
		return err
	}
	*a = DeliveryAttempt(form.plainAttempt)
	if form.Err != "" {
		a.Err = errors.New(form.Err)
	}
	return nil
}

type plainRequest Request

// requestForm is the JSON of a Request.
type requestForm struct {
	plainRequest

	Body json.RawMessage `json:"body,omitempty"`
}

// MarshalJSON writes the JSON that [Request] describes.
func (r Request) MarshalJSON() ([]byte, error) {
	return json.Marshal(requestForm{plainRequest(r), bodyJSON(r.Body)})
}

// UnmarshalJSON reads the JSON that [Request] describes.
func (r *Request) UnmarshalJSON(data []byte) error {
	var form requestForm
	if err := decode(data, &form); err != nil {
		return err
	}
	*r = Request(form.plainRequest)
	r.Body = bodyOf(form.Body)
	return nil
}
