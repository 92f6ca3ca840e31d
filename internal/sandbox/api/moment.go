package api

import (
	"encoding/json"
	"math"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// MoneyKit's API parses days and moments with pydantic, which accepts fewer forms than the SDK
// accepts in responses. This file accepts the same forms as pydantic.

// momentForm returns the pattern of a day with an optional time and offset.
var momentForm = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(\d{4}-\d\d-\d\d)(?:[Tt _](\d\d:\d\d)(:\d\d)?(?:[.,](\d{1,9}))?([Zz]|[+-]\d\d(?::?\d\d)?)?)?$`)
})

// momentOf parses a day with an optional time and offset, or a number of seconds since 1970.
// Without an offset the time is in UTC.
func momentOf(s string) (time.Time, bool) {
	if seconds, err := strconv.ParseFloat(s, 64); err == nil && strings.Trim(s, "+-.0123456789") == "" {
		return unix(seconds)
	}
	m := momentForm().FindStringSubmatch(s)
	if m == nil || (m[4] != "" && m[3] == "") {
		return time.Time{}, false
	}
	day, clock, second, fraction, zone := m[1], m[2], m[3], m[4], m[5]
	if clock == "" {
		clock = "00:00"
	}
	if second == "" {
		second = ":00"
	}
	if fraction != "" {
		second += "." + fraction
	}
	layout := "2006-01-02 15:04:05Z07:00"
	switch {
	case zone == "" || zone == "z":
		zone = "Z"
	case len(zone) == len("+00"):
		zone += ":00"
	case len(zone) == len("+0000"):
		zone = zone[:3] + ":" + zone[3:]
	}
	t, err := time.Parse(layout, day+" "+clock+second+zone)
	return t, err == nil && t.Year() > 0
}

// unix converts seconds since 1970. Large numbers are milliseconds, as in pydantic.
func unix(n float64) (time.Time, bool) {
	const watershed = 2e10
	if math.Abs(n) > watershed {
		n /= 1000
	}
	t := time.UnixMicro(int64(math.Round(n * 1e6))).UTC()
	return t, math.Abs(n) <= watershed*20 && t.Year() > 0 && t.Year() <= 9999
}

// dayOf parses a day. A moment must be midnight.
func dayOf(s string) (moneykit.Date, bool) {
	t, ok := momentOf(s)
	h, m, sec := t.Clock()
	return moneykit.DateOf(t), ok && h == 0 && m == 0 && sec == 0 && t.Nanosecond() == 0
}

// written returns the text of a JSON string or number, "" for other values.
func written(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}

// timestamp checks a moment and converts it to RFC 3339.
func timestamp() rule {
	return func(found *[]problem, at []any, value any) any {
		t, ok := momentOf(written(value))
		if !ok {
			*found = append(*found, problem{at, "must be a date and time", "datetime_parsing"})
			return value
		}
		return world.Stamp(t)
	}
}

// calendarDay checks a day or a moment, and converts it to a day in the offset of the moment.
func calendarDay() rule {
	return func(found *[]problem, at []any, value any) any {
		t, ok := momentOf(written(value))
		if !ok {
			*found = append(*found, problem{at, "must be a day or a moment", "date_from_datetime_parsing"})
			return value
		}
		return moneykit.DateOf(t).String()
	}
}
