package api

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/moneykit/moneykit-go"
	"github.com/moneykit/moneykit-go/internal/sandbox/world"
)

// MoneyKit's API parses days and moments with pydantic, which accepts fewer forms than the SDK
// accepts in responses. This file accepts the same forms as pydantic.

// momentOf parses a day with an optional time and offset, or a number of seconds since 1970.
// Without an offset the time is in UTC.
func momentOf(s string) (time.Time, bool) {
	if seconds, err := strconv.ParseFloat(s, 64); err == nil && strings.Trim(s, "+-.0123456789") == "" {
		return unix(seconds)
	}
	layout, day, clock := time.DateOnly, s, ""
	if len(s) > len(layout) {
		day, clock = s[:len(layout)], s[len(layout):]
		zone := ""
		if i := strings.IndexAny(clock, "Zz+-"); i >= 0 {
			clock, zone = clock[:i], strings.ToUpper(clock[i:])
		}
		if len(clock) < len("T15:04") || !strings.ContainsAny(clock[:1], "Tt _") || clock[3] != ':' {
			return time.Time{}, false
		}
		layout += " 15:04"
		if len(clock) > len("T15:04") {
			layout += ":05" // also accepts a fraction
		}
		switch len(zone) {
		case 0:
		case len("+07"):
			layout += "Z07"
		case len("+0700"):
			layout += "Z0700"
		default: // Z as well
			layout += "Z07:00"
		}
		clock = " " + clock[1:] + zone
	}
	t, err := time.Parse(layout, day+clock)
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

// dayOf parses a day, or a moment at midnight.
func dayOf(s string) (moneykit.Date, bool) {
	t, ok := momentOf(s)
	h, m, sec := t.Clock()
	return moneykit.DateOf(t), ok && h == 0 && m == 0 && sec == 0 && t.Nanosecond() == 0
}

// written returns the text of a JSON string or number, and "" for other values.
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
