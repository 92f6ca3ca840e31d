// Package isotime reads days and moments in all forms of ISO 8601 and RFC 3339: calendar, week and
// ordinal dates, basic and extended, times with and without seconds and fractions, and offsets of
// hours, minutes and seconds.
package isotime

import (
	"strings"
	"time"
)

// Day reads a day, or a moment at midnight, as midnight UTC of that day.
func Day(s string) (time.Time, bool) {
	p := parser{s: s, ok: true}
	day := p.date()
	if p.s == "" {
		return day, p.ok
	}
	clock := p.clock()
	p.zone()
	if clock%(24*time.Hour) != 0 || p.leap { // A leap second belongs to the previous day.
		p.ok = false
	}
	return inRange(day.Add(clock), p.done())
}

// Moment reads a moment. A moment without an offset is in UTC, and a day means its midnight in UTC.
// The result has the offset of s, or UTC if the offset has seconds, which RFC 3339 cannot
// represent.
func Moment(s string) (time.Time, bool) {
	p := parser{s: s, ok: true}
	t := p.date()
	if p.s == "" {
		return t, p.ok
	}
	t = t.Add(p.clock())
	offset := p.zone()
	utc := t.Add(-time.Duration(offset) * time.Second)
	if !p.done() || (p.leap && utc.Truncate(time.Second) != utc.Truncate(24*time.Hour)) {
		return time.Time{}, false
	}
	local, ok := inRange(t, true)
	switch {
	case !ok:
		return time.Time{}, false
	case offset == 0:
		return local, true
	case offset%60 != 0:
		return inRange(utc, true)
	}
	return utc.In(time.FixedZone("", offset)), true
}

// inRange returns false for a year that RFC 3339 cannot represent.
func inRange(t time.Time, ok bool) (time.Time, bool) {
	if !ok || t.Year() < 1 || t.Year() > 9999 {
		return time.Time{}, false
	}
	return t, true
}

// parser reads s from its beginning. If ok is false, its results are invalid.
type parser struct {
	s    string
	ok   bool
	leap bool // whether the time was in a leap second, which UTC has only before midnight
}

func (p *parser) done() bool { return p.ok && p.s == "" }

// take removes the first character of s if it is one of chars, and reports whether it did.
func (p *parser) take(chars string) bool {
	if p.s != "" && strings.IndexByte(chars, p.s[0]) >= 0 {
		p.s = p.s[1:]
		return true
	}
	return false
}

// digits returns the number of digits at the beginning of s.
func (p *parser) digits() int {
	n := 0
	for n < len(p.s) && '0' <= p.s[n] && p.s[n] <= '9' {
		n++
	}
	return n
}

// number reads n digits.
func (p *parser) number(n int) int {
	if p.digits() < n {
		p.ok = false
		return 0
	}
	value := 0
	for _, c := range p.s[:n] {
		value = 10*value + int(c-'0')
	}
	p.s = p.s[n:]
	return value
}

// between returns value. It sets ok to false if value is outside of least to most.
func (p *parser) between(value, least, most int) int {
	if value < least || value > most {
		p.ok = false
	}
	return value
}

// date reads a date as midnight UTC.
func (p *parser) date() time.Time {
	year := p.between(p.number(4), 1, 9999)
	extended := p.take("-")
	n := p.digits()
	switch {
	case p.take("Ww"):
		return p.week(year, extended)
	case n == 3 || (!extended && n != 4): // A day of the year, because YYYYMMDD has four more digits.
		return p.ordinal(year)
	}
	month := p.between(p.number(2), 1, 12)
	if extended && !p.take("-") {
		p.ok = false
	}
	day := p.number(2)
	t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	if p.ok && (t.Day() != day || t.Month() != time.Month(month)) {
		p.ok = false // The month does not have this day.
	}
	return t
}

func (p *parser) ordinal(year int) time.Time {
	if p.digits() != 3 {
		p.ok = false
	}
	t := time.Date(year, time.January, p.between(p.number(3), 1, 366), 0, 0, 0, 0, time.UTC)
	if t.Year() != year {
		p.ok = false
	}
	return t
}

// week reads the week and the day of a date after its W. Week 1 is the week with January 4.
func (p *parser) week(year int, extended bool) time.Time {
	week := p.between(p.number(2), 1, 53)
	if extended && !p.take("-") {
		p.ok = false
	}
	day := p.between(p.number(1), 1, 7)
	fourth := time.Date(year, time.January, 4, 0, 0, 0, 0, time.UTC)
	monday := fourth.AddDate(0, 0, -(int(fourth.Weekday())+6)%7)
	t := monday.AddDate(0, 0, 7*(week-1)+day-1)
	if y, w := t.ISOWeek(); p.ok && (y != year || w != week) {
		p.ok = false
	}
	return t
}

// clock reads a separator and a time of the day.
func (p *parser) clock() time.Duration {
	if !p.take("Tt _") {
		p.ok = false
	}
	hour := p.between(p.number(2), 0, 24)
	total, unit := time.Duration(hour)*time.Hour, time.Hour
	extended := strings.HasPrefix(p.s, ":")
	for _, next := range []struct {
		unit time.Duration
		most int
	}{{time.Minute, 59}, {time.Second, 60}} {
		if extended && !p.take(":") || p.digits() == 0 {
			break
		}
		value := p.between(p.number(2), 0, next.most)
		p.leap = value == 60
		total, unit = total+time.Duration(value)*next.unit, next.unit
	}
	fraction := p.fraction(unit)
	if hour == 24 && total+fraction != 24*time.Hour {
		p.ok = false
	}
	return total + fraction
}

// fraction reads a fraction of unit. ISO 8601 allows a fraction in the last part of a time.
func (p *parser) fraction(unit time.Duration) time.Duration {
	if !p.take(".,") {
		return 0
	}
	n := p.digits()
	if n == 0 {
		p.ok = false
	}
	var total time.Duration
	for i := range n {
		unit, total = unit/10, total+time.Duration(p.s[i]-'0')*(unit/10)
	}
	p.s = p.s[n:]
	return total
}

// zone reads an offset in seconds east of UTC, 0 if there is none.
func (p *parser) zone() int {
	p.s = strings.TrimLeft(p.s, " ")
	p.s = strings.Replace(p.s, "\u2212", "-", 1) // ISO 8601 prefers the minus sign U+2212.
	sign := 1
	switch {
	case p.s == "", p.take("Zz"):
		return 0
	case p.take("-"):
		sign = -1
	case !p.take("+"):
		p.ok = false
	}
	offset := 3600 * p.between(p.number(2), 0, 23)
	for _, unit := range []int{60, 1} {
		if p.s == "" {
			break
		}
		p.take(":")
		offset += unit * p.between(p.number(2), 0, 59)
	}
	return sign * offset
}
