package transport

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxRetryAfter is the maximum result of RetryAfter. It is longer than any caller waits, and short
// enough not to overflow a time.Duration.
const maxRetryAfter = 365 * 24 * time.Hour

// RetryAfter reads the value of a Retry-After header: seconds, whole or with a fraction, or a date,
// which it compares with now. A date has the form of HTTP, also with UTC or an offset in place of
// GMT, or of RFC 3339. RetryAfter returns false for any other value. The result is never negative
// and never more than a year.
func RetryAfter(value string, now time.Time) (time.Duration, bool) {
	value = strings.TrimSpace(value)
	if value == "" {
		return 0, false
	}
	if isDecimal(value) {
		seconds, err := strconv.ParseFloat(value, 64)
		if err != nil || seconds > maxRetryAfter.Seconds() {
			return maxRetryAfter, true // ParseFloat fails on digits only if they are out of range.
		}
		return time.Duration(seconds * float64(time.Second)), true
	}
	at, err := http.ParseTime(value)
	for _, layout := range []string{time.RFC1123Z, "Mon, 02 Jan 2006 15:04:05 UTC", time.RFC3339} {
		if err != nil {
			at, err = time.Parse(layout, value)
		}
	}
	if err != nil {
		return 0, false
	}
	return min(max(at.Sub(now), 0), maxRetryAfter), true
}

// isDecimal reports whether s is digits with at most one decimal point among or after them. It
// refuses the other forms that ParseFloat accepts: Inf, 0x10, 1e9, 1_0.
func isDecimal(s string) bool {
	points := 0
	for _, r := range s {
		switch {
		case r == '.':
			points++
		case r < '0' || r > '9':
			return false
		}
	}
	return points <= 1 && s[0] != '.'
}
