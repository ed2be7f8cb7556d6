package message

import (
	"strings"
	"time"
)

// ParseDate reads a Date header field (RFC 5322 section 3.3 and 4.3) and the
// forms that broken mailers write: without weekday, seconds or zone, with
// two-digit years, zone names, comments, asctime's order, ISO 8601. The time
// keeps the offset it was written with; "-0000", an unknown zone name and no
// zone at all are UTC. ok is false when no date can be made out of s. The
// year is between 1000 and 9998, so that the time can be written as RFC 3339
// in any zone.
func ParseDate(s string) (t time.Time, ok bool) {
	t, _, ok = ParseDateZone(s)
	return t, ok
}

// ParseDateZone is ParseDate, and reports whether the time zone is sure: it is
// not where there is a name of one that is not known, and UTC was taken for it.
func ParseDateZone(s string) (t time.Time, sure, ok bool) {
	if d, ok := ordinaryDate(s); ok {
		t, ok = d.time()
		return t, true, ok
	}
	d := date{hour: -1}
	if !d.scan(s[:min(len(s), maxDate)]) {
		return time.Time{}, false, false
	}
	t, ok = d.time()
	return t, d.zone || !d.unknown, ok
}

// date is a date as read, not yet checked. hour is -1 for none.
type date struct {
	year, month, day     int
	hour, minute, second int
	nanos                int
	offset               int // seconds east of UTC
	zone                 bool
	unknown              bool // there is a name of a zone that is not known
	pm, am               bool
}

func (d *date) time() (time.Time, bool) {
	if d.pm && d.hour < 12 {
		d.hour += 12
	}
	if d.am && d.hour == 12 {
		d.hour = 0
	}
	d.hour = max(d.hour, 0)
	if d.year < 1000 || d.year > 9998 || d.month < 1 || d.month > 12 || d.day < 1 || d.day > 31 ||
		d.hour > 23 || d.minute < 0 || d.minute > 59 || d.second < 0 || d.second > 60 {
		return time.Time{}, false
	}
	loc := time.UTC
	if d.offset != 0 {
		loc = time.FixedZone("", d.offset)
	}
	t := time.Date(d.year, time.Month(d.month), d.day, d.hour, d.minute, d.second, d.nanos, loc)
	// A day that its month has not (31 Feb) would come out as another date.
	return t, int(t.Month()) == d.month || d.second == 60
}

// ordinaryDate reads "[Fri, ]20 Nov 2026 10:00:00 +0100[ (CET)]".
func ordinaryDate(s string) (d date, ok bool) {
	if len(s) > 5 && s[3] == ',' && s[4] == ' ' {
		s = s[5:]
	}
	if len(s) > 1 && s[1] == ' ' {
		d.day, s = digits(s[:1]), s[1:]
	} else if len(s) > 2 {
		d.day, s = digits(s[:2]), s[2:]
	}
	if len(s) < 24 || s[0] != ' ' || s[4] != ' ' || s[9] != ' ' || s[12] != ':' || s[15] != ':' || s[18] != ' ' ||
		len(s) > 24 && (len(s) < 26 || s[24] != ' ' || s[25] != '(') {
		return d, false
	}
	d.month = month(s[1:4])
	d.year, d.hour, d.minute, d.second = digits(s[5:9]), digits(s[10:12]), digits(s[13:15]), digits(s[16:18])
	d.offset, ok = offset(s[19:24])
	return d, ok && d.day > 0 && d.month > 0 && d.year >= 1000 && d.hour >= 0 && d.minute >= 0 && d.second >= 0
}

// digits reads a decimal number of digits only, -1 for anything else.
func digits(s string) int {
	n := 0
	for i := range len(s) {
		c := s[i] - '0'
		if c > 9 || i > 8 {
			return -1
		}
		n = n*10 + int(c)
	}
	if s == "" {
		return -1
	}
	return n
}

// month is 1 to 12 for a name that starts with an English month's three
// letters, else 0.
func month(s string) int {
	if len(s) < 3 {
		return 0
	}
	switch string([]byte{s[0] | 0x20, s[1] | 0x20, s[2] | 0x20}) {
	case "jan":
		return 1
	case "feb":
		return 2
	case "mar":
		return 3
	case "apr":
		return 4
	case "may":
		return 5
	case "jun":
		return 6
	case "jul":
		return 7
	case "aug":
		return 8
	case "sep":
		return 9
	case "oct":
		return 10
	case "nov":
		return 11
	case "dec":
		return 12
	}
	return 0
}

// offset reads "+0100", "+01:00", "+100" or "+1" as seconds east of UTC. An
// offset that no place has is taken for none, like "-0000".
func offset(s string) (seconds int, ok bool) {
	if len(s) < 2 || s[0] != '+' && s[0] != '-' {
		return 0, false
	}
	h, m := s[1:], "0"
	if a, b, found := strings.Cut(h, ":"); found {
		h, m = a, b
	} else if len(h) > 2 {
		h, m = h[:len(h)-2], h[len(h)-2:]
	}
	hours, minutes := digits(h), digits(m)
	if hours < 0 || minutes < 0 || len(h) > 2 {
		return 0, false
	}
	if hours > 14 || minutes > 59 {
		return 0, true
	}
	seconds = hours*3600 + minutes*60
	if s[0] == '-' {
		seconds = -seconds
	}
	return seconds, true
}

// maxDate is the number of octets of a Date field that are looked at.
const maxDate = 256

// scan reads any of the forms word by word.
func (d *date) scan(s string) bool {
	s, comment := cutComments(s)
	if hours, from, to := longZone(s); to > 0 {
		defer d.zoneHours(hours)
		s = s[:from] + " " + s[to:]
	} else if hours, _, to := longZone(comment); to > 0 {
		defer d.zoneHours(hours)
		comment = ""
	}
	for word := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == ',' || r <= ' ' }) {
		d.word(word)
	}
	if !d.zone {
		d.zoneName(trim(comment))
	}
	return d.year != 0 && d.month != 0 && d.day != 0
}

// cutComments removes comments from s and returns the last one's text.
func cutComments(s string) (rest, comment string) {
	for {
		i := strings.IndexByte(s, '(')
		if i < 0 {
			return rest + s, comment
		}
		end := commentEnd(s, i)
		if end < 0 {
			return rest + s[:i], s[i+1:]
		}
		rest, comment, s = rest+s[:i]+" ", s[i+1:end-1], s[end:]
	}
}

// word takes one word of a date: what it can be depends on its form and on
// what is known already.
func (d *date) word(w string) {
	switch {
	case strings.EqualFold(w, "am"):
		d.am = true
	case strings.EqualFold(w, "pm"):
		d.pm = true
	case w[0] == '+' || w[0] == '-':
		if o, ok := offset(w); ok && !d.zone {
			d.offset, d.zone = o, true
		}
	case strings.Contains(w, ":") || d.hour < 0 && strings.Count(w, ".") == 2 && d.year != 0:
		d.clock(w)
	case strings.Count(w, "-") == 2 || strings.Count(w, "/") == 2 || strings.Count(w, ".") == 2:
		d.calendar(w)
	case '0' <= w[0] && w[0] <= '9':
		d.number(w)
	case (d.month == 0 || d.hour < 0) && month(w) > 0: // "mar, 20 nov" has a weekday before the month
		d.month = month(w)
	case d.day != 0 && d.year != 0 || d.hour >= 0:
		d.zoneName(w)
	}
}

// number takes a day or a year: "20", "20th", "2026", "26".
func (d *date) number(w string) {
	end := len(w)
	for end > 0 && (w[end-1] < '0' || w[end-1] > '9') {
		end--
	}
	n := digits(w[:end])
	switch {
	case n < 0:
	case d.day == 0 && n <= 31 && end <= 2:
		d.day = n
	case d.year == 0:
		d.year = fullYear(n, end)
	}
}

// fullYear is RFC 5322 section 4.3's rule for years of two and three digits.
func fullYear(n, digits int) int {
	switch {
	case digits > 3:
		return n
	case digits == 3:
		return n + 1900
	case n < 50:
		return n + 2000
	}
	return n + 1900
}

// calendar takes "2026-11-20", "20-Nov-2026", "20.11.2026", "2026/11/20" and,
// where it can mean one day only, "11/20/2026". ISO 8601's time may follow.
func (d *date) calendar(w string) {
	if day, clock, found := strings.Cut(w, "T"); found && len(day) > 7 {
		w = day
		defer d.clock(clock)
	}
	p := strings.FieldsFunc(w, func(r rune) bool { return r == '-' || r == '/' || r == '.' })
	if len(p) != 3 || d.day != 0 {
		return
	}
	a, b, c := digits(p[0]), digits(p[1]), digits(p[2])
	switch {
	case len(p[0]) == 4: // year first
		d.year, d.month, d.day = a, b, c
	case month(p[1]) > 0:
		d.year, d.month, d.day = fullYear(c, len(p[2])), month(p[1]), a
	case len(p[2]) != 4:
	case strings.Contains(w, "/") && b > 12:
		d.year, d.month, d.day = c, a, b
	case !strings.Contains(w, "/") || a > 12:
		d.year, d.month, d.day = c, b, a
	}
}

// clock takes "10:00", "10:00:00", "10.00.00", "10:00:00.123", with a zone
// right behind it, and ISO 8601's date in front of it.
func (d *date) clock(w string) {
	if day, clock, found := strings.Cut(w, "T"); found && len(day) > 7 {
		d.calendar(day)
		w = clock
	}
	if d.hour >= 0 {
		if o, ok := offset(w); ok {
			d.offset, d.zone = o, true
		} else if i := strings.IndexAny(w, "+-"); i > 0 { // GMT+01:00
			d.zoneName(w)
		}
		return
	}
	end := 0
	for end < len(w) && (w[end] >= '0' && w[end] <= '9' || w[end] == ':' || w[end] == '.') {
		end++
	}
	w, rest := w[:end], w[end:]
	if strings.Contains(w, ":") {
		var frac string
		if w, frac, _ = strings.Cut(w, "."); frac != "" {
			d.nanos = max(0, digits((frac + "000000000")[:9]))
		}
	}
	p := strings.FieldsFunc(w, func(r rune) bool { return r == ':' || r == '.' })
	if len(p) < 2 || len(p) > 3 {
		return
	}
	d.hour, d.minute = digits(p[0]), digits(p[1])
	if len(p) == 3 {
		d.second = digits(p[2])
	}
	if rest != "" {
		d.word(rest)
	}
}

// zoneName takes a zone by its name, or "GMT+0100". Names that mean several
// zones, and RFC 822's military letters, which were used with both signs, are
// UTC (RFC 5322 section 4.3).
func (d *date) zoneName(w string) {
	if d.zone || w == "" {
		return
	}
	if i := strings.IndexAny(w, "+-"); i > 0 {
		if o, ok := offset(w[i:]); ok {
			d.offset, d.zone = o, true
		}
		return
	}
	if hours, known := zoneNames[strings.ToUpper(w)]; known {
		d.zoneHours(hours)
	} else {
		d.unknown = true
	}
}

// zoneHours takes a zone of so many hours east of UTC, unless there is one.
func (d *date) zoneHours(hours float64) {
	if !d.zone {
		d.offset, d.zone = int(hours*3600), true
	}
}
