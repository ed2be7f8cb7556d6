package session

import (
	"strings"
	"time"
)

// dateLayouts are the forms in which servers write a date-time (RFC 9051
// section 9), the right one first.
var dateLayouts = [...]string{
	"_2-Jan-2006 15:04:05 -0700",
	"2-Jan-2006 15:04:05 -0700",
	"_2-Jan-2006 15:04:05",
	"Mon, _2 Jan 2006 15:04:05 -0700",
	time.RFC3339,
}

var zones = map[string]string{"GMT": "+0000", "UTC": "+0000", "UT": "+0000", "Z": "+0000", "EST": "-0500", "EDT": "-0400",
	"CST": "-0600", "CDT": "-0500", "MST": "-0700", "MDT": "-0600", "PST": "-0800", "PDT": "-0700"}

// parseDate reads a date-time.
func parseDate(s []byte) (time.Time, bool) {
	if t, ok := fastDate(s); ok {
		return t, true
	}
	text := strings.TrimSpace(string(s))
	if i := strings.LastIndexByte(text, ' '); i >= 0 {
		if z, ok := zones[strings.ToUpper(text[i+1:])]; ok {
			text = text[:i+1] + z
		}
	}
	for _, layout := range dateLayouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// fastDate reads `17-Jul-1996 02:44:25 -0700`, the form that comes once a
// message, without time.Parse.
func fastDate(s []byte) (time.Time, bool) {
	if len(s) != 26 || s[2] != '-' || s[6] != '-' || s[11] != ' ' || s[14] != ':' || s[17] != ':' || s[20] != ' ' {
		return time.Time{}, false
	}
	if s[0] == ' ' {
		s = append([]byte("0"), s[1:]...)
	}
	month := strings.Index("JanFebMarAprMayJunJulAugSepOctNovDec", string(s[3:6]))
	ok := month >= 0 && month%3 == 0
	num := func(from, to int) int {
		n := 0
		for _, b := range s[from:to] {
			if b < '0' || b > '9' {
				ok = false
			}
			n = n*10 + int(b-'0')
		}
		return n
	}
	day, year := num(0, 2), num(7, 11)
	hour, min, sec := num(12, 14), num(15, 17), num(18, 20)
	zoneHour, zoneMin := num(22, 24), num(24, 26)
	if !ok || s[21] != '-' && s[21] != '+' || day < 1 || hour > 23 || min > 59 || sec > 60 || zoneHour > 23 || zoneMin > 59 {
		return time.Time{}, false
	}
	if day > 28 && time.Date(year, time.Month(month/3+1), day, 0, 0, 0, 0, time.UTC).Day() != day {
		return time.Time{}, false // 31-Feb is no day in March
	}
	offset := zoneHour*3600 + zoneMin*60
	if s[21] == '-' {
		offset = -offset
	}
	loc := time.UTC
	if offset != 0 {
		loc = time.FixedZone("", offset)
	}
	return time.Date(year, time.Month(month/3+1), day, hour, min, sec, 0, loc), true
}
