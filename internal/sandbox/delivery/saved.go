package delivery

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"slices"
	"time"
)

// savedDelivery is the JSON of a delivery.
type savedDelivery struct {
	Delivery

	Attempts  []savedAttempt
	Signature string
	Rounds    int
	Resent    time.Time
}

type savedAttempt struct {
	At     time.Time
	Status int
	Err    string
}

// savedKey is the JSON of a key, which is a secret.
type savedKey struct {
	Private []byte // PKCS #8
	Until   time.Time
}

// Track makes the courier record changes for [Courier.TakeTouched]. The world must be locked.
func (c *Courier) Track() { c.touched = map[string]bool{} }

// TakeTouched returns the deliveries that may have changed since the last call, as JSON and oldest
// first. It also returns all keys, or nil if there is no new key. The world must be locked.
func (c *Courier) TakeTouched() (deliveries []json.RawMessage, keys json.RawMessage, err error) {
	if len(c.touched) > 0 {
		touched := c.touched
		c.Track()
		if deliveries, err = c.savedDeliveries(func(d *delivery) bool { return touched[d.Token] }); err != nil {
			return nil, nil, err
		}
	}
	if len(c.keys) != c.keysTaken {
		c.keysTaken = len(c.keys)
		keys, err = c.savedKeys()
	}
	return deliveries, keys, err
}

// Saved returns all deliveries, as JSON and oldest first, and all keys. The world must be locked.
func (c *Courier) Saved() (deliveries []json.RawMessage, keys json.RawMessage, err error) {
	if deliveries, err = c.savedDeliveries(func(*delivery) bool { return true }); err != nil {
		return nil, nil, err
	}
	keys, err = c.savedKeys()
	return deliveries, keys, err
}

func (c *Courier) savedDeliveries(wanted func(*delivery) bool) ([]json.RawMessage, error) {
	var all []json.RawMessage
	for _, d := range c.deliveries {
		if wanted(d) {
			data, err := json.Marshal(d.saved())
			if err != nil {
				return nil, err
			}
			all = append(all, data)
		}
	}
	return all, nil
}

// RestoreDelivery adds or replaces a delivery from [Courier.TakeTouched]. The world must be locked.
func (c *Courier) RestoreDelivery(data []byte) error {
	var saved savedDelivery
	if err := json.Unmarshal(data, &saved); err != nil {
		return err
	}
	restored := &delivery{Delivery: saved.Delivery, signature: saved.Signature, rounds: saved.Rounds, resent: saved.Resent}
	for _, a := range saved.Attempts {
		attempt := Attempt{At: a.At, Status: a.Status}
		if a.Err != "" {
			attempt.Err = errors.New(a.Err)
		}
		restored.Attempts = append(restored.Attempts, attempt)
	}
	if i, ok := c.restored[restored.Token]; ok {
		c.deliveries[i] = restored
		return nil
	}
	if c.restored == nil {
		c.restored = map[string]int{}
	}
	c.restored[restored.Token] = len(c.deliveries)
	c.deliveries = append(c.deliveries, restored)
	return nil
}

// Restored finishes a restore. Call it after the calls of [Courier.RestoreDelivery]. The world must
// be locked.
func (c *Courier) Restored() {
	c.restored = nil
	extra := len(c.deliveries) - maxDeliveries // the file still contains the deleted ones
	for _, pending := range []bool{false, true} {
		c.deliveries = slices.DeleteFunc(c.deliveries, func(d *delivery) bool {
			if extra > 0 && (pending || d.State != Pending) {
				extra--
				return true
			}
			return false
		})
	}
	c.index()
}

// RestoreKeys replaces the keys by those from [Courier.TakeTouched]. The world must be locked.
func (c *Courier) RestoreKeys(data []byte) error {
	var saved []savedKey
	if err := json.Unmarshal(data, &saved); err != nil {
		return err
	}
	c.keys = nil
	for _, s := range saved {
		private, err := x509.ParsePKCS8PrivateKey(s.Private)
		if err != nil {
			return err
		}
		key, ok := private.(*ecdsa.PrivateKey)
		if !ok {
			return errors.New("a saved key is not an ECDSA key")
		}
		restored, err := keyOf(key)
		if err != nil {
			return err
		}
		restored.until = s.Until
		c.keys = append(c.keys, restored)
	}
	c.keysTaken = len(c.keys)
	return nil
}

func (c *Courier) savedKeys() (json.RawMessage, error) {
	saved := []savedKey{}
	for _, key := range c.keys {
		private, err := x509.MarshalPKCS8PrivateKey(key.private)
		if err != nil {
			return nil, err
		}
		saved = append(saved, savedKey{private, key.until})
	}
	return json.Marshal(saved)
}

func (d *delivery) saved() savedDelivery {
	out := savedDelivery{Delivery: d.copy(), Signature: d.signature, Rounds: d.rounds, Resent: d.resent}
	for _, a := range d.Attempts {
		attempt := savedAttempt{At: a.At, Status: a.Status}
		if a.Err != nil {
			attempt.Err = a.Err.Error()
		}
		out.Attempts = append(out.Attempts, attempt)
	}
	out.Delivery.Attempts = nil
	return out
}

// touch records that a delivery has changed. The world must be locked.
func (c *Courier) touch(d *delivery) {
	if c.touched != nil {
		c.touched[d.Token] = true
	}
	if c.Observe != nil {
		c.Observe(d.copy())
	}
}
