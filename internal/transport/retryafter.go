package transport

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxRetryAfter is where a Retry-After is cut: far beyond any wait that a caller would sit out,
// and far below what overflows a time.Duration.
const maxRetryAfter = 365 * 24 * time.Hour

// RetryAfter reads a Retry-After header value: seconds, whole or with a fraction, or a date, which
// is compared with now. Dates are HTTP's, also with UTC or an offset for GMT, and RFC 3339's. It
// reports false for a value that is neither. The result is never negative and never more than a
// year.
func RetryAfter(value string, now time.Time) (time.Duration, bool) {
	value = strings.TrimSpace(value)
	if value == "" {
		return 0, false
	}
	if isDecimal(value) {
		seconds, err := strconv.ParseFloat(value, 64)
		if err != nil || seconds > maxRetryAfter.Seconds() {
			return maxRetryAfter, true // all digits: what ParseFloat refuses is out of range
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

// isDecimal reports whether s is digits with at most one point among or after them. It keeps the
// other forms that ParseFloat takes (Inf, 0x10, 1e9, 1_0) out.
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
