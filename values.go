package moneykit

import (
	"bytes"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"time"

	"github.com/moneykit/moneykit-go/internal/isotime"
	"github.com/moneykit/moneykit-go/internal/plain"
	"github.com/moneykit/moneykit-go/internal/wirejson"
)

var jsonNull = []byte("null")

// jsonText returns the text of a JSON string.
func jsonText(data []byte) (string, bool) {
	if len(data) == 0 || data[0] != '"' {
		return "", false
	}
	return wirejson.Text(data)
}

// Date is a calendar day without a time zone, such as the day of a booking. The zero value means
// that there is no date. Compare dates with == and [Date.Compare].
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

// ParseDate reads a day that exists in the calendar. The usual form is YYYY-MM-DD. It accepts all
// forms of ISO 8601 for a day, and a timestamp at midnight.
func ParseDate(s string) (Date, error) {
	t, ok := isotime.Day(s)
	if !ok {
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

// Time returns the first moment of the day in loc. It is later than midnight if clocks are set
// forward at midnight on that day. If the zone skipped the whole day, Time returns the first moment
// after it.
func (d Date) Time(loc *time.Location) time.Time {
	midnight := d.utc()
	const most = 26 * time.Hour // No offset is larger.
	for t := midnight.Add(-most).In(loc); ; {
		_, offset := t.Zone()
		start, end := t.ZoneBounds()
		first := midnight.Add(-time.Duration(offset) * time.Second)
		switch {
		case !start.IsZero() && first.Before(start): // The clock was set forward over midnight.
			return start
		case end.IsZero() || first.Before(end):
			return first.In(loc)
		}
		t = end
	}
}

func (d Date) utc() time.Time { return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC) }

// AddDays returns the date n days later, or earlier if n is negative.
func (d Date) AddDays(n int) Date { return DateOf(d.utc().AddDate(0, 0, n)) }

// Compare returns -1 if d is before x, 0 if they are the same day, and +1 if d is after x.
func (d Date) Compare(x Date) int { return d.utc().Compare(x.utc()) }

// MarshalText returns YYYY-MM-DD, or an empty text for the zero value. It returns an error for a
// day that does not exist.
func (d Date) MarshalText() ([]byte, error) {
	s := d.String()
	if s != "" {
		if _, err := ParseDate(s); err != nil {
			return nil, err
		}
	}
	return []byte(s), nil
}

// UnmarshalText accepts the same texts as [ParseDate], and an empty text as the zero value.
func (d *Date) UnmarshalText(text []byte) error { return d.set(string(text)) }

// wantDate and wantTimestamp are the expected forms, for errors.
const (
	wantDate      = "a date in the form YYYY-MM-DD"
	wantTimestamp = "an RFC 3339 timestamp"
)

func (d *Date) set(text string) error {
	if text == "" {
		*d = Date{}
		return nil
	}
	t, ok := isotime.Day(text)
	if !ok {
		return &wirejson.ValueError{Want: wantDate}
	}
	*d = DateOf(t)
	return nil
}

// UnmarshalJSON accepts a JSON string. null leaves d unchanged.
func (d *Date) UnmarshalJSON(data []byte) error {
	if bytes.Equal(data, jsonNull) {
		return nil
	}
	text, ok := jsonText(data)
	if !ok {
		return &wirejson.ValueError{Want: wantDate}
	}
	return d.set(text)
}

// decode reads a JSON string. null leaves d unchanged.
func (d *Date) decode(c *wirejson.Cursor) {
	text, kind := c.Scalar()
	if kind != wirejson.KindNull && (kind != wirejson.KindString || d.set(string(text)) != nil) {
		c.Wrong(wantDate)
	}
}

// Scan implements [database/sql.Scanner]. It accepts a time, a text, and NULL as the zero value.
func (d *Date) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*d = Date{}
		return nil
	case time.Time:
		*d = DateOf(v)
		return nil
	case string:
		return d.set(v)
	case []byte:
		return d.UnmarshalText(v)
	}
	return fmt.Errorf("moneykit: cannot scan a %T into a Date", src)
}

// Value implements [driver.Valuer]. It returns the day as YYYY-MM-DD, or NULL for the zero value.
func (d Date) Value() (driver.Value, error) {
	text, err := d.MarshalText()
	if err != nil || len(text) == 0 {
		return nil, err
	}
	return string(text), nil
}

// Timestamp is a moment that MoneyKit reports. The zero value means that there is none. It marshals
// as null.
type Timestamp struct{ time.Time }

// ParseTimestamp reads a moment in any form of RFC 3339 or ISO 8601. A moment without an offset is
// in UTC. A day means its midnight in UTC.
func ParseTimestamp(s string) (Timestamp, error) {
	t, ok := isotime.Moment(s)
	if !ok {
		return Timestamp{}, fmt.Errorf("moneykit: %s is not an RFC 3339 timestamp", plain.Quote(s))
	}
	return Timestamp{t}, nil
}

// UnmarshalText accepts the same texts as [ParseTimestamp], and an empty text as the zero value.
func (t *Timestamp) UnmarshalText(text []byte) error { return t.set(string(text)) }

func (t *Timestamp) set(text string) error {
	if text == "" {
		*t = Timestamp{}
		return nil
	}
	moment, ok := isotime.Moment(text)
	if !ok {
		return &wirejson.ValueError{Want: wantTimestamp}
	}
	*t = Timestamp{moment}
	return nil
}

// UnmarshalJSON accepts a JSON string. null leaves t unchanged.
func (t *Timestamp) UnmarshalJSON(data []byte) error {
	if bytes.Equal(data, jsonNull) {
		return nil
	}
	text, ok := jsonText(data)
	if !ok {
		return &wirejson.ValueError{Want: wantTimestamp}
	}
	return t.set(text)
}

// decode reads a JSON string. null leaves t unchanged.
func (t *Timestamp) decode(c *wirejson.Cursor) {
	text, kind := c.Scalar()
	if kind != wirejson.KindNull && (kind != wirejson.KindString || t.set(string(text)) != nil) {
		c.Wrong(wantTimestamp)
	}
}

// Scan implements [database/sql.Scanner]. It accepts a time, a text, and NULL as the zero value.
func (t *Timestamp) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*t = Timestamp{}
		return nil
	case time.Time:
		*t = Timestamp{v}
		return nil
	case string:
		return t.set(v)
	case []byte:
		return t.UnmarshalText(v)
	}
	return fmt.Errorf("moneykit: cannot scan a %T into a Timestamp", src)
}

// Value implements [driver.Valuer]. It returns the moment in UTC, or NULL for the zero value.
func (t Timestamp) Value() (driver.Value, error) {
	if t.IsZero() {
		return nil, nil //nolint:nilnil // NULL
	}
	return t.UTC(), nil
}

// MarshalJSON returns the moment in RFC 3339 with its fraction of a second, or null for the zero
// value.
func (t Timestamp) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return jsonNull, nil
	}
	if _, offset := t.Zone(); offset%60 != 0 { // RFC 3339 has no seconds in an offset.
		return t.UTC().MarshalJSON()
	}
	return t.Time.MarshalJSON()
}

// Field is a field in an update: set, cleared, or unchanged. The zero value leaves the stored value
// unchanged. [Set] and [Clear] make the other values.
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

// Clear returns a Field that removes the stored value.
func Clear[T any]() Field[T] { return Field[T]{state: fieldCleared} }

// Get returns the value to set. It returns false if the field is cleared or unchanged.
func (f Field[T]) Get() (T, bool) { return f.value, f.state == fieldSet }

// IsZero reports whether the field leaves the stored value unchanged.
func (f Field[T]) IsZero() bool { return f.state == fieldLeft }

// IsClear reports whether the field removes the stored value.
func (f Field[T]) IsClear() bool { return f.state == fieldCleared }

// MarshalJSON returns the value, or null for a cleared field. A field in a struct needs the tag
// omitzero, so that an unchanged field is left out.
func (f Field[T]) MarshalJSON() ([]byte, error) {
	if f.state != fieldSet {
		return jsonNull, nil
	}
	return json.Marshal(f.value)
}

// UnmarshalJSON sets the field to the value, or clears it for null.
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
