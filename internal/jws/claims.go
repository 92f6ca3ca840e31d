package jws

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/moneykit/moneykit-go/internal/strictjson"
)

// Claims are the signed claims of a token.
type Claims struct {
	jwt.RegisteredClaims // IssuedAt is never nil.

	BodyHash [32]byte // SHA-256 of the body
}

// maxTime is the end of the year 9999 in seconds. Later times are probably in milliseconds.
const maxTime = 253402300799

func readClaims(data []byte) (*Claims, error) {
	var c Claims
	hashed := false
	names := []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "request_body_sha256"}
	err := strictjson.Object(data, names, func(name string, value *strictjson.Reader) error {
		var err error
		switch name {
		case "iss", "sub", "jti":
			if value.Kind() != '"' {
				err = errors.New("is not a text")
			}
		case "aud": // MoneyKit does not publish its audiences, so only the form is checked.
			err = checkAudience(value)
		case "exp":
			c.ExpiresAt, err = readTime(value.Raw())
		case "nbf":
			c.NotBefore, err = readTime(value.Raw())
		case "iat":
			c.IssuedAt, err = readTime(value.Raw())
		case "request_body_sha256":
			hashed = true
			err = readHash(value.Raw(), c.BodyHash[:])
		}
		if err != nil {
			return fmt.Errorf("has the claim %s, which %w", name, err)
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case c.IssuedAt == nil:
		return nil, errors.New("has no claim iat")
	case !hashed:
		return nil, errors.New("has no claim request_body_sha256")
	}
	return &c, nil
}

func checkAudience(value *strictjson.Reader) error {
	if value.Kind() == '"' {
		return nil
	}
	err := value.Array(func(item *strictjson.Reader) error {
		if item.Kind() != '"' {
			return errors.New("is not a text")
		}
		return nil
	})
	if err != nil {
		return errors.New("is neither a text nor a list of texts")
	}
	return nil
}

// readTime reads seconds since 1970. It drops fractions of a second.
func readTime(value []byte) (*jwt.NumericDate, error) {
	seconds, err := strconv.ParseFloat(string(value), 64) // In valid JSON it accepts only numbers.
	switch {
	case err != nil:
		return nil, errors.New("is not a number")
	case seconds < 0 || seconds > maxTime:
		return nil, errors.New("is not a time in seconds")
	}
	return &jwt.NumericDate{Time: time.Unix(int64(seconds), 0)}, nil
}

// readHash reads a SHA-256 hash in lower-case hexadecimal digits into hash.
func readHash(value, hash []byte) error {
	text, ok := strictjson.String(value)
	if !ok || len(text) != hex.EncodedLen(len(hash)) || text != strings.ToLower(text) {
		return errors.New("is not a SHA-256 in lower-case hexadecimal digits")
	}
	if _, err := hex.Decode(hash, []byte(text)); err != nil {
		return errors.New("is not a SHA-256 in lower-case hexadecimal digits")
	}
	return nil
}

// Ages limits the age of a signature.
type Ages struct {
	Past   time.Duration // largest time since it was made
	Future time.Duration // tolerance for clocks that differ, for all times in the claims
}

// CheckAge checks at the time now that a signature is neither too old nor from the future, and that
// the period for which it is valid has begun and not ended.
func (c *Claims) CheckAge(now time.Time, ages Ages) error {
	err := jwt.NewValidator(
		jwt.WithTimeFunc(func() time.Time { return now }), jwt.WithIssuedAt(), jwt.WithLeeway(ages.Future),
	).Validate(c.RegisteredClaims)
	age := now.Sub(c.IssuedAt.Time).Round(time.Second)
	switch {
	case errors.Is(err, jwt.ErrTokenUsedBeforeIssued):
		return fmt.Errorf("it was made %v in the future, and at most %v is accepted: this machine's clock is slow, or MoneyKit's is fast",
			-age, ages.Future)
	case age > ages.Past:
		return fmt.Errorf("it was made %v ago, and at most %v is accepted: it is a replay, or this machine's clock is fast by at least %v",
			age, ages.Past, age-ages.Past)
	case errors.Is(err, jwt.ErrTokenExpired):
		return fmt.Errorf("it expired %v ago", now.Sub(c.ExpiresAt.Time).Round(time.Second))
	case errors.Is(err, jwt.ErrTokenNotValidYet):
		return fmt.Errorf("it is not valid for another %v", c.NotBefore.Sub(now).Round(time.Second))
	}
	return err
}
