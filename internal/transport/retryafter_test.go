package transport_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/moneykit/moneykit-go/internal/transport"
)

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	const year = 365 * 24 * time.Hour
	tests := []struct {
		value string
		want  time.Duration
		ok    bool
	}{
		{"0", 0, true},
		{"7", 7 * time.Second, true},
		{" 7 ", 7 * time.Second, true},
		{"1.5", 1500 * time.Millisecond, true},
		{"9999999999", year, true},
		{"99999999999999999999999999", year, true},
		{"Sun, 01 Mar 2026 12:00:30 GMT", 30 * time.Second, true},
		{"Sunday, 01-Mar-26 12:00:30 GMT", 30 * time.Second, true},
		{"Sun Mar  1 12:00:30 2026", 30 * time.Second, true},
		{"Sun, 01 Mar 2026 12:00:30 UTC", 30 * time.Second, true},
		{"Sun, 01 Mar 2026 12:00:30 +0000", 30 * time.Second, true},
		{"Sun, 01 Mar 2026 13:00:30 +0100", 30 * time.Second, true},
		{"2026-03-01T12:00:30Z", 30 * time.Second, true},
		{"2026-03-01T13:00:30.5+01:00", 30*time.Second + 500*time.Millisecond, true},
		{"Sun, 01 Mar 2026 12:00:30 PST", 0, false},
		{"Sun, 01 Mar 2026 11:00:00 GMT", 0, true},
		{"Fri, 01 Jan 2100 00:00:00 GMT", year, true},
		{"", 0, false},
		{"soon", 0, false},
		{"-1", 0, false},
		{"1e9", 0, false},
		{"0x10", 0, false},
		{"Inf", 0, false},
		{"NaN", 0, false},
		{"1_000", 0, false},
		{".", 0, false},
		{".5", 0, false},
		{"1.2.3", 0, false},
		{"２", 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.value, func(t *testing.T) {
			got, ok := transport.RetryAfter(tt.value, now)
			assert.Equal(t, tt.ok, ok)
			assert.Equal(t, tt.want, got)
		})
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{"7", "1.5", "9999999999", "Sun, 01 Mar 2026 12:00:30 GMT", "soon", "-1", "1e9", ""} {
		f.Add(seed)
	}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, value string) {
		d, ok := transport.RetryAfter(value, now)
		if d < 0 || d > 365*24*time.Hour {
			t.Errorf("RetryAfter(%q) = %v", value, d)
		}
		if !ok && d != 0 {
			t.Errorf("RetryAfter(%q) = %v, false", value, d)
		}
	})
}
