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

// Days and moments in requests are read as pydantic reads them, because MoneyKit's API is built on it:
// not all forms that the SDK reads in responses are among them.

// momentForm returns the form of a moment. What follows the day may be absent.
var momentForm = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(\d{4}-\d\d-\d\d)(?:[Tt _](\d\d:\d\d)(:\d\d)?(?:[.,](\d{1,9}))?([Zz]|[+-]\d\d(?::?\d\d)?)?)?$`)
})

// momentOf reads a moment: a day with or without a time, which has no offset or one, or seconds since
// 1970. Without an offset it is in UTC.
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

// unix reads seconds since 1970, or milliseconds where seconds would be far away.
func unix(n float64) (time.Time, bool) {
	const watershed = 2e10
	if math.Abs(n) > watershed {
		n /= 1000
	}
	t := time.UnixMicro(int64(math.Round(n * 1e6))).UTC()
	return t, math.Abs(n) <= watershed*20 && t.Year() > 0 && t.Year() <= 9999
}

// dayOf reads a day, or the day of a moment at midnight.
func dayOf(s string) (moneykit.Date, bool) {
	t, ok := momentOf(s)
	h, m, sec := t.Clock()
	return moneykit.DateOf(t), ok && h == 0 && m == 0 && sec == 0 && t.Nanosecond() == 0
}

// written returns a value that stands for a moment as text, "" for one of another kind.
func written(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}

// timestamp checks a moment.
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

// calendarDay checks a day, or a moment of which the day counts by its own clock.
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
