package jws

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"errors"
	"fmt"

	"github.com/moneykit/moneykit-go/internal/strictjson"
)

// MaxKeySet is the largest accepted key set in bytes. Real key sets have a few hundred bytes.
const MaxKeySet = 64 << 10

const maxKeys = 100

// KeySet contains the ES256 keys of a JSON Web Key Set.
type KeySet struct {
	keys    map[string]*ecdsa.PublicKey
	skipped int
}

// ParseKeySet reads a key set. It skips keys that are unreadable, not for ES256 signatures, or not
// on the curve, so that the other keys remain usable. It returns an error if two different keys
// have the same id, or if no key is usable.
func ParseKeySet(data []byte) (*KeySet, error) {
	if len(data) > MaxKeySet {
		return nil, fmt.Errorf("the key set has more than %d bytes", MaxKeySet)
	}
	set := &KeySet{keys: map[string]*ecdsa.PublicKey{}}
	err := strictjson.Outer(data, []string{"keys"}, func(name string, value *strictjson.Reader) error {
		if name != "keys" {
			return nil
		}
		n := 0
		return value.Array(func(item *strictjson.Reader) error {
			if n++; n > maxKeys {
				return fmt.Errorf("has more than %d keys", maxKeys)
			}
			return set.add(item.Raw())
		})
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("the key set %w", err)
	case len(set.keys) == 0:
		return nil, errors.New("the key set has no usable key")
	}
	return set, nil
}

func (s *KeySet) add(item []byte) error {
	id, key, err := readKey(item)
	if err != nil {
		s.skipped++
		return nil //nolint:nilerr // The other keys are still usable.
	}
	if other, ok := s.keys[id]; ok && !other.Equal(key) {
		return errors.New("has two different keys with one kid")
	}
	s.keys[id] = key
	return nil
}

// Key returns the key with the id, or nil if there is none.
func (s *KeySet) Key(id string) *ecdsa.PublicKey {
	if s == nil {
		return nil
	}
	return s.keys[id]
}

// Len returns the numbers of usable and of skipped keys.
func (s *KeySet) Len() (usable, skipped int) {
	if s == nil {
		return 0, 0
	}
	return len(s.keys), s.skipped
}

func readKey(data []byte) (id string, key *ecdsa.PublicKey, err error) {
	var kty, crv, x, y string
	names := []string{"kty", "crv", "x", "y", "kid", "alg", "use", "key_ops", "d"}
	err = strictjson.Object(data, names, func(name string, value *strictjson.Reader) error {
		if name == "key_ops" {
			return mayVerify(value)
		}
		text, _ := strictjson.String(value.Raw())
		switch name {
		case "kty":
			kty = text
		case "crv":
			crv = text
		case "x":
			x = text
		case "y":
			y = text
		case "kid":
			id = text
		case "alg":
			if text != algorithm {
				return errors.New("is for another algorithm")
			}
		case "use":
			if text != "sig" {
				return errors.New("is not for signatures")
			}
		case "d":
			return errors.New("is a private key") // A published private key proves nothing.
		}
		return nil
	})
	switch {
	case err != nil:
		return "", nil, err
	case id == "" || len(id) > maxKeyID:
		return "", nil, errors.New("has no usable kid")
	case kty != "EC" || crv != "P-256":
		return "", nil, errors.New("is not on P-256")
	}
	const half = 32
	point := make([]byte, 1, 1+2*half)
	point[0] = 4 // the mark of an uncompressed point
	for _, coordinate := range []string{x, y} {
		part, err := decodeSegment(coordinate)
		if err != nil || len(part) != half {
			return "", nil, errors.New("has a coordinate that is not 32 bytes in base64url")
		}
		point = append(point, part...)
	}
	key, err = ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	return id, key, err
}

func mayVerify(value *strictjson.Reader) error {
	verify := false
	err := value.Array(func(item *strictjson.Reader) error {
		text, _ := strictjson.String(item.Raw())
		verify = verify || text == "verify"
		return nil
	})
	if err == nil && !verify {
		err = errors.New("is not for verifying")
	}
	return err
}
