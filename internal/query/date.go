package query

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Date is what a date in a program means: a day of the calendar, or an
// instant.
type Date struct {
	// Time is UTC, in whole seconds. For a day it is that day's midnight, and
	// the day is the same in whatever time zone it is compared.
	Time time.Time
	// Unit is 0 for a day. For an instant it is how long the moment that was
	// named lasts, time.Minute or time.Second: `ON 2026-11-20T15:04` is that
	// minute.
	Unit time.Duration
}

// IsDay tells whether d has no time of day.
func (d Date) IsDay() bool { return d.Unit == 0 }

// String is d as ParseDate reads it: 2026-11-20, or RFC 3339 in UTC.
func (d Date) String() string {
	switch d.Unit {
	case 0:
		return d.Time.Format(time.DateOnly)
	case time.Minute:
		return d.Time.Format("2006-01-02T15:04Z07:00")
	}
	return d.Time.Format(time.RFC3339)
}

// imapDate is the day of t as IMAP writes it (RFC 9051 "date-text").
func imapDate(t time.Time) string { return t.Format("2-Jan-2006") }

const dateHint = "a date is 2026-11-20, 20-Nov-2026, 2026-11-20T15:04 (your time zone), RFC 3339, today, yesterday, now, " +
	"7d, 2w, 3mo, 1y (that day), or 12h, 30m, 90s ago (that moment)"

// ParseDate reads a date; docs/query.md lists the forms. Times of day without
// a zone are in env's location. Errors are fault.Usage.
func ParseDate(s string, env Env) (Date, error) {
	d, ok := absoluteDate(s, env)
	if !ok {
		d, ok = relativeDate(s, env.now())
	}
	if !ok {
		return Date{}, usage("%s is not a date", quote(s)).Hint(dateHint)
	}
	if year := d.Time.Year(); year < 1 || year > 9999 {
		return Date{}, usage("date %s is outside the years 1 to 9999", quote(s)).Hint(dateHint)
	}
	return d, nil
}

func absoluteDate(s string, env Env) (Date, bool) {
	for _, layout := range [...]string{time.DateOnly, "2-Jan-2006"} {
		if t, err := time.Parse(layout, s); err == nil {
			return Date{Time: t}, true
		}
	}
	// RFC 3339 section 5.6 allows lower case and a space for the T.
	s = strings.Replace(strings.ToUpper(s), " ", "T", 1)
	for _, form := range [...]struct {
		layout string
		unit   time.Duration
	}{
		{"2006-01-02T15:04", time.Minute},
		{"2006-01-02T15:04Z07:00", time.Minute},
		{"2006-01-02T15:04:05", time.Second},
		{"2006-01-02T15:04:05Z07:00", time.Second},
	} {
		if t, err := time.ParseInLocation(form.layout, s, env.now().Location()); err == nil {
			return Date{t.UTC().Truncate(time.Second), form.unit}, true
		}
	}
	return Date{}, false
}

func relativeDate(s string, now time.Time) (Date, bool) {
	y, m, d := now.Date()
	switch strings.ToLower(s) {
	case "today":
		return day(y, m, d), true
	case "yesterday":
		return day(y, m, d-1), true
	case "now":
		return Date{now.UTC().Truncate(time.Second), time.Second}, true
	}
	a, ok := parseAge(s)
	if !ok {
		return Date{}, false
	}
	if a.moment {
		return Date{now.Add(-a.length).UTC().Truncate(time.Second), time.Second}, true
	}
	if a.months > 0 {
		// The 31st less a month is the 30th, not the 1st of the month after.
		first := time.Date(y, m-time.Month(a.months), 1, 0, 0, 0, 0, time.UTC)
		monthEnd := first.AddDate(0, 1, -1).Day()
		y, m, d = first.Year(), first.Month(), min(d, monthEnd)
	}
	return day(y, m, d-a.days), true
}

func day(y int, m time.Month, d int) Date {
	return Date{Time: time.Date(y, m, d, 0, 0, 0, 0, time.UTC)}
}

// age is a number with a unit.
type age struct {
	moment       bool // length holds it; else days and months do
	length       time.Duration
	days, months int
}

// maxAge bounds the number before a unit so that no calendar overflows: 36
// million days are 100,000 years.
const maxAge = 36_525_000

// parseAge reads 90s, 30m, 12h, 7d, 2w, 3mo or 1y.
func parseAge(s string) (age, bool) {
	digits := strings.TrimRight(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
	n, err := strconv.ParseUint(digits, 10, 31)
	if err != nil || n > maxAge {
		return age{}, false
	}
	var unit time.Duration
	switch strings.ToLower(s[len(digits):]) {
	case "s":
		unit = time.Second
	case "m":
		unit = time.Minute
	case "h":
		unit = time.Hour
	case "d":
		return age{days: int(n)}, true
	case "w":
		return age{days: int(n) * 7}, true
	case "mo":
		return age{months: int(n)}, true
	case "y":
		return age{months: int(n) * 12}, true
	default:
		return age{}, false
	}
	if n > uint64(math.MaxInt64/unit) { // hours beyond 292 years
		return age{}, false
	}
	return age{moment: true, length: time.Duration(n) * unit}, true
}
