package moneykit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/moneykit/moneykit-go/internal/plain"
)

var jsonNull = []byte("null")

// mismatch returns the error of a decoder. encoding/json adds the field's name to it; the value
// itself stays out, because it is the user's.
func mismatch[T any](found string) error {
	return &json.UnmarshalTypeError{Value: found, Type: reflect.TypeFor[T]()}
}

// unquote returns what is between the quotes of a JSON string. It knows no escapes: the values
// of this file have none.
func unquote(data []byte) ([]byte, bool) {
	if len(data) < 2 || data[0] != '"' || data[len(data)-1] != '"' {
		return nil, false
	}
	return data[1 : len(data)-1], true
}

// Date is a calendar day without a time zone, as a bank books on it. The zero value means that
// there is none. Dates compare with == and [Date.Compare].
type Date struct {
	Year  int // 1 to 9999
	Month time.Month
	Day   int
}

// DateOf returns the day of t in t's own location.
func DateOf(t time.Time) Date {
	y, m, d := t.Date()
	return Date{y, m, d}
}

// ParseDate reads a date written as YYYY-MM-DD that exists in the calendar.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil || t.Year() < 1 {
		return Date{}, fmt.Errorf("moneykit: %s is not a date in the form YYYY-MM-DD", plain.Quote(s))
	}
	return DateOf(t), nil
}

// IsZero reports whether d is the zero Date.
func (d Date) IsZero() bool { return d == Date{} }

// String returns the date as YYYY-MM-DD, "" for the zero value.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return fmt.Sprintf("%04d-%02d-%02d", d.Year, int(d.Month), d.Day)
}

// Time returns the start of the day in loc.
func (d Date) Time(loc *time.Location) time.Time {
	return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, loc)
}

// AddDays returns the date n days later, or earlier if n is negative.
func (d Date) AddDays(n int) Date { return DateOf(d.Time(time.UTC).AddDate(0, 0, n)) }

// Compare returns -1 if d is before x, 0 if they are the same day, +1 if d is after.
func (d Date) Compare(x Date) int { return d.Time(time.UTC).Compare(x.Time(time.UTC)) }

// MarshalText returns YYYY-MM-DD, nothing for the zero value. A day that does not exist is an error.
func (d Date) MarshalText() ([]byte, error) {
	s := d.String()
	if s != "" {
		if _, err := ParseDate(s); err != nil {
			return nil, err
		}
	}
	return []byte(s), nil
}

// UnmarshalText accepts what [ParseDate] does, and nothing as the zero value.
func (d *Date) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*d = Date{}
		return nil
	}
	parsed, err := ParseDate(string(text))
	if err != nil {
		return mismatch[Date]("text")
	}
	*d = parsed
	return nil
}

// UnmarshalJSON accepts a JSON string. null leaves d unchanged.
func (d *Date) UnmarshalJSON(data []byte) error {
	if bytes.Equal(data, jsonNull) {
		return nil
	}
	inner, ok := unquote(data)
	if !ok {
		return mismatch[Date]("value")
	}
	return d.UnmarshalText(inner)
}

// Timestamp is a moment as MoneyKit reports it. It reads RFC 3339, with or without fractions of a
// second and also with a space for the T; a stamp without a zone is read as UTC. The zero value
// means that there is none, and marshals as null.
type Timestamp struct{ time.Time }

// ParseTimestamp reads a moment in one of the forms that [Timestamp] accepts.
func ParseTimestamp(s string) (Timestamp, error) {
	// Go reads fractions of a second whether or not the layout has them.
	const date, clock, zone = "2006-01-02", "15:04:05", "Z07:00"
	layout := date + "T" + clock
	if len(s) > len(date) && s[len(date)] == ' ' {
		layout = date + " " + clock
	}
	if len(s) > len(layout) && strings.ContainsAny(s[len(layout):], "Z+-") {
		layout += zone
	}
	t, err := time.Parse(layout, s)
	if _, offset := t.Zone(); err != nil || max(offset, -offset) >= 24*3600 { // time takes such zones, but cannot write them
		return Timestamp{}, fmt.Errorf("moneykit: %s is not an RFC 3339 timestamp", plain.Quote(s))
	}
	return Timestamp{t}, nil
}

// UnmarshalText accepts what [ParseTimestamp] does, and nothing as the zero value.
func (t *Timestamp) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*t = Timestamp{}
		return nil
	}
	parsed, err := ParseTimestamp(string(text))
	if err != nil {
		return mismatch[Timestamp]("text")
	}
	*t = parsed
	return nil
}

// UnmarshalJSON accepts a JSON string. null leaves t unchanged.
func (t *Timestamp) UnmarshalJSON(data []byte) error {
	if bytes.Equal(data, jsonNull) {
		return nil
	}
	inner, ok := unquote(data)
	if !ok {
		return mismatch[Timestamp]("value")
	}
	return t.UnmarshalText(inner)
}

// MarshalJSON returns RFC 3339 with the fraction that there is, null for the zero value.
func (t Timestamp) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return jsonNull, nil
	}
	return t.Time.MarshalJSON()
}

// Field is a value in an update: left as it is, cleared, or set. The zero value leaves it.
type Field[T any] struct {
	value T
	state fieldState
}

type fieldState uint8

const (
	fieldLeft fieldState = iota
	fieldCleared
	fieldSet
)

// Set returns a Field that sets value.
func Set[T any](value T) Field[T] { return Field[T]{value: value, state: fieldSet} }

// Clear returns a Field that removes what is stored.
func Clear[T any]() Field[T] { return Field[T]{state: fieldCleared} }

// Get returns the value to set; it reports false when the field is left or cleared.
func (f Field[T]) Get() (T, bool) { return f.value, f.state == fieldSet }

// IsZero reports whether the field is left as it is.
func (f Field[T]) IsZero() bool { return f.state == fieldLeft }

// IsClear reports whether the field is to be removed.
func (f Field[T]) IsClear() bool { return f.state == fieldCleared }

// MarshalJSON returns the value, or null to remove it. Struct tags need omitzero, so that a field
// that is left does not appear.
func (f Field[T]) MarshalJSON() ([]byte, error) {
	if f.state != fieldSet {
		return jsonNull, nil
	}
	return json.Marshal(f.value)
}

// UnmarshalJSON sets the field, or clears it for null.
func (f *Field[T]) UnmarshalJSON(data []byte) error {
	if bytes.Equal(data, jsonNull) {
		*f = Clear[T]()
		return nil
	}
	var value T
	if err := json.Unmarshal(data, &value); err != nil {
		return err
	}
	*f = Set(value)
	return nil
}
