package moneykit_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/moneykit/moneykit-go"
)

func TestDate(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"2023-02-16", "2024-02-29", "0001-01-01", "9999-12-31", "2023-12-31", "2023-01-01"} {
		d, err := moneykit.ParseDate(s)
		require.NoError(t, err, s)
		assert.Equal(t, s, d.String())
		out, err := json.Marshal(d)
		require.NoError(t, err)
		assert.Equal(t, `"`+s+`"`, string(out))
		var back moneykit.Date
		require.NoError(t, json.Unmarshal(out, &back))
		assert.Equal(t, d, back)
	}
	for _, s := range []string{
		"", "2023-02-29", "2023-13-01", "2023-00-10", "2023-1-1", "23-01-01", "0000-01-01",
		"2023-02-16T00:00:01Z", "2023/02/16", " 2023-02-16", "2023-02-16 ", "today",
	} {
		_, err := moneykit.ParseDate(s)
		require.Error(t, err, s)
		if s != "" {
			d := moneykit.Date{Year: 2000, Month: 1, Day: 1}
			require.Error(t, json.Unmarshal([]byte(`"`+s+`"`), &d), s)
			assert.Equal(t, 2000, d.Year, "a refused value changes nothing")
		}
	}
}

func TestDateValues(t *testing.T) {
	t.Parallel()
	d := moneykit.Date{Year: 2023, Month: time.December, Day: 31}
	assert.Equal(t, moneykit.Date{Year: 2024, Month: time.January, Day: 1}, d.AddDays(1))
	assert.Equal(t, -1, d.Compare(d.AddDays(1)))
	assert.Equal(t, 1, d.Compare(d.AddDays(-1)))
	assert.Zero(t, d.Compare(d))
	assert.Equal(t, time.Date(2023, 12, 31, 0, 0, 0, 0, time.UTC), d.Time(time.UTC))
	assert.Equal(t, d, moneykit.DateOf(time.Date(2023, 12, 31, 23, 59, 59, 0, time.FixedZone("", -12*3600))))

	var zero moneykit.Date
	assert.True(t, zero.IsZero())
	assert.Empty(t, zero.String())
	require.NoError(t, json.Unmarshal([]byte(`null`), &d))
	assert.Equal(t, 31, d.Day, "null leaves the value")
	require.NoError(t, json.Unmarshal([]byte(`""`), &d))
	assert.True(t, d.IsZero())
	require.Error(t, json.Unmarshal([]byte(`20230216`), &d))

	_, err := json.Marshal(moneykit.Date{Year: 2023, Month: 2, Day: 30})
	require.Error(t, err, "a day that does not exist must not be sent")
}

func TestTimestamp(t *testing.T) {
	t.Parallel()
	tests := []struct {
		in   string
		want time.Time
	}{
		{"2021-08-12T15:23:00Z", time.Date(2021, 8, 12, 15, 23, 0, 0, time.UTC)},
		{"2023-02-16T09:14:11", time.Date(2023, 2, 16, 9, 14, 11, 0, time.UTC)},
		{"2023-02-16T09:14:11.25", time.Date(2023, 2, 16, 9, 14, 11, 250e6, time.UTC)},
		{"2024-01-09T10:32:38.401223+00:00", time.Date(2024, 1, 9, 10, 32, 38, 401223000, time.UTC)},
		{"2024-01-09T23:59:59.999999-05:00", time.Date(2024, 1, 10, 4, 59, 59, 999999000, time.UTC)},
		{"2024-01-09 10:32:38", time.Date(2024, 1, 9, 10, 32, 38, 0, time.UTC)},
		{"2024-01-09 10:32:38.5+02:00", time.Date(2024, 1, 9, 8, 32, 38, 500e6, time.UTC)},
		{"2023-02-16", time.Date(2023, 2, 16, 0, 0, 0, 0, time.UTC)},
		{"2023-02-16T09:14", time.Date(2023, 2, 16, 9, 14, 0, 0, time.UTC)},
		{`2023-02-16T09:14:11\u002B02:00`, time.Date(2023, 2, 16, 7, 14, 11, 0, time.UTC)},
		{"1890-02-16T09:14:11+00:53:28", time.Date(1890, 2, 16, 8, 20, 43, 0, time.UTC)},
	}
	for _, tt := range tests {
		var got moneykit.Timestamp
		require.NoError(t, json.Unmarshal([]byte(`"`+tt.in+`"`), &got), tt.in)
		assert.True(t, tt.want.Equal(got.Time), "%s is %v", tt.in, got)
		out, err := json.Marshal(got)
		require.NoError(t, err)
		var back moneykit.Timestamp
		require.NoError(t, json.Unmarshal(out, &back))
		assert.True(t, back.Equal(got.Time))
	}
	for _, in := range []string{`"2023-02"`, `"yesterday"`, `"2023-02-30T00:00:00Z"`, `"2006-01-02T15:04:05+24:00"`, `1676538851`, `{}`, `"`} {
		got := moneykit.Timestamp{Time: time.Unix(1, 0)}
		require.Error(t, json.Unmarshal([]byte(in), &got), in)
		assert.Equal(t, int64(1), got.Unix(), "a refused value changes nothing")
	}
	var zero moneykit.Timestamp
	out, err := json.Marshal(zero)
	require.NoError(t, err)
	assert.Equal(t, "null", string(out))
	stamp := moneykit.Timestamp{Time: time.Unix(1, 0)}
	require.NoError(t, json.Unmarshal([]byte("null"), &stamp))
	assert.False(t, stamp.IsZero(), "null leaves the value")
	require.NoError(t, json.Unmarshal([]byte(`""`), &stamp))
	assert.True(t, stamp.IsZero())
}

func TestField(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		params moneykit.LinkUpdateParams
		want   string
	}{
		{"unchanged", moneykit.LinkUpdateParams{}, `{}`},
		{"cleared", moneykit.LinkUpdateParams{Webhook: moneykit.Clear[string]()}, `{"webhook":null}`},
		{"set", moneykit.LinkUpdateParams{Webhook: moneykit.Set("https://example.com")}, `{"webhook":"https://example.com"}`},
		{"set to an empty value", moneykit.LinkUpdateParams{Tags: moneykit.Set([]string{})}, `{"link_tags":[]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			out, err := json.Marshal(tt.params)
			require.NoError(t, err)
			assert.Equal(t, tt.want, string(out))
			var back moneykit.LinkUpdateParams
			require.NoError(t, json.Unmarshal(out, &back))
			assert.Equal(t, tt.params, back)
		})
	}
	set := moneykit.Set(3)
	value, ok := set.Get()
	assert.True(t, ok)
	assert.Equal(t, 3, value)
	assert.False(t, set.IsClear())
	cleared := moneykit.Clear[int]()
	_, ok = cleared.Get()
	assert.False(t, ok)
	assert.True(t, cleared.IsClear())
	require.Error(t, json.Unmarshal([]byte(`"x"`), &set))
	value, _ = set.Get()
	assert.Equal(t, 3, value, "a refused value changes nothing")
}

func FuzzDate(f *testing.F) {
	for _, s := range []string{
		"2023-02-16", "2024-02-29", "2023-02-29", "0000-01-01", "9999-12-31", "x", "",
		"0001001", "20230216", "2023-047", "2023-W07-4", "2023-02-16T09:14:11Z",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := moneykit.ParseDate(s)
		if err != nil {
			return
		}
		if _, err := time.Parse(time.DateOnly, s); err == nil && d.String() != s || d.IsZero() {
			t.Fatalf("%q became %q", s, d)
		}
		if again, err := moneykit.ParseDate(d.String()); err != nil || again != d {
			t.Fatalf("%q became %q, which became %q: %v", s, d, again, err)
		}
		if moneykit.DateOf(d.Time(time.UTC)) != d {
			t.Fatalf("%q does not exist", s)
		}
	})
}

func FuzzTimestamp(f *testing.F) {
	for _, s := range []string{"2021-08-12T15:23:00Z", "2023-02-16T09:14:11", "2024-01-09 10:32:38.5+02:00", "x", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		stamp, err := moneykit.ParseTimestamp(s)
		if err != nil {
			return
		}
		out, err := json.Marshal(stamp)
		if err != nil {
			t.Fatalf("%q cannot be written: %v", s, err)
		}
		var back moneykit.Timestamp
		if err := json.Unmarshal(out, &back); err != nil || !back.Equal(stamp.Time) {
			t.Fatalf("%q marshals to %s, which reads as %v, %v", s, out, back, err)
		}
	})
}

func TestDateInDatabases(t *testing.T) {
	t.Parallel()
	day := moneykit.Date{Year: 2023, Month: time.February, Day: 16}
	for _, src := range []any{"2023-02-16", []byte("2023-02-16"), time.Date(2023, 2, 16, 0, 0, 0, 0, time.UTC)} {
		var d moneykit.Date
		require.NoError(t, d.Scan(src))
		assert.Equal(t, day, d)
	}
	value, err := day.Value()
	require.NoError(t, err)
	assert.Equal(t, "2023-02-16", value)
	require.NoError(t, day.Scan(nil))
	assert.True(t, day.IsZero())
	value, err = day.Value()
	require.NoError(t, err)
	assert.Nil(t, value)
	require.Error(t, day.Scan(7))
	require.Error(t, day.Scan("yesterday"))
	_, err = moneykit.Date{Year: 2023, Month: 2, Day: 30}.Value()
	require.Error(t, err)
}

func TestTimestampInDatabases(t *testing.T) {
	t.Parallel()
	moment := time.Date(2023, 2, 16, 9, 14, 11, 5e8, time.UTC)
	for _, src := range []any{"2023-02-16 09:14:11.5", []byte("2023-02-16T11:14:11.5+02:00"), moment.In(time.FixedZone("", 3600))} {
		var stamp moneykit.Timestamp
		require.NoError(t, stamp.Scan(src))
		assert.True(t, moment.Equal(stamp.Time))
		value, err := stamp.Value()
		require.NoError(t, err)
		assert.Equal(t, moment, value, "in UTC")
	}
	var stamp moneykit.Timestamp
	require.NoError(t, stamp.Scan(nil))
	value, err := stamp.Value()
	require.NoError(t, err)
	assert.Nil(t, value)
	require.Error(t, stamp.Scan(7))
}

// TestDateTimeIsTheFirstMoment checks that no earlier moment belongs to the day.
func TestDateTimeIsTheFirstMoment(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"UTC", "America/New_York", "America/Sao_Paulo", "America/Havana", "Asia/Beirut", "Africa/Cairo", "Asia/Kathmandu",
		"Pacific/Apia", "Pacific/Kiritimati", "Australia/Lord_Howe", "Europe/Lisbon", "Asia/Gaza", "America/Asuncion",
	} {
		loc, err := time.LoadLocation(name)
		require.NoError(t, err)
		for d := (moneykit.Date{Year: 2010, Month: 1, Day: 1}); d.Year < 2024; d = d.AddDays(1) {
			got := d.Time(loc)
			if moneykit.DateOf(got) != d {
				require.Equal(t, "Pacific/Apia 2011-12-30", name+" "+d.String(), "a day that the zone skipped")
				require.Equal(t, moneykit.Date{Year: 2011, Month: 12, Day: 31}, moneykit.DateOf(got))
				continue
			}
			for _, before := range []time.Duration{time.Nanosecond, 30 * time.Minute, time.Hour, 2 * time.Hour} {
				require.NotEqual(t, d, moneykit.DateOf(got.Add(-before)), "%s %s: %s", name, d, got)
			}
		}
	}
}

// TestExtremeDatesAndTimes checks offsets that RFC 3339 cannot represent, and the first possible
// day.
func TestExtremeDatesAndTimes(t *testing.T) {
	t.Parallel()
	at := time.Date(1900, 1, 1, 0, 0, 0, 0, time.FixedZone("", 19*60+32))
	data, err := json.Marshal(moneykit.Timestamp{Time: at})
	require.NoError(t, err)
	var back moneykit.Timestamp
	require.NoError(t, json.Unmarshal(data, &back))
	assert.True(t, back.Equal(at), "%s became %s", at, data)

	east := time.FixedZone("", 3600)
	first := moneykit.Date{Year: 1, Month: 1, Day: 1}
	assert.Equal(t, first, moneykit.DateOf(first.Time(east)))
	assert.True(t, first.Time(east).Equal(time.Date(1, 1, 1, 0, 0, 0, 0, east)))
}
