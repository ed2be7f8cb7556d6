package session

import (
	"testing"
	"time"
)

var dateTests = []struct{ in, want string }{
	{"17-Jul-1996 02:44:25 -0700", "1996-07-17T02:44:25-07:00"},
	{" 7-Jul-1996 02:44:25 +0000", "1996-07-07T02:44:25Z"},
	{"07-Jul-1996 02:44:25 -0000", "1996-07-07T02:44:25Z"},
	{"7-Jul-1996 02:44:25 +0530", "1996-07-07T02:44:25+05:30"},
	{"29-Feb-2024 23:59:59 +1400", "2024-02-29T23:59:59+14:00"},
	{"17-jul-1996 02:44:25 -0700", "1996-07-17T02:44:25-07:00"},
	{"31-Dec-2016 23:59:60 +0000", "2017-01-01T00:00:00Z"}, // a leap second
	{"17-Jul-1996 02:44:25 GMT", "1996-07-17T02:44:25Z"},
	{"17-Jul-1996 02:44:25 ut", "1996-07-17T02:44:25Z"},
	{"17-Jul-1996 02:44:25 PDT", "1996-07-17T02:44:25-07:00"},
	{"17-Jul-1996 02:44:25 Z", "1996-07-17T02:44:25Z"},
	{"17-Jul-1996 02:44:25", "1996-07-17T02:44:25Z"},
	{"Wed, 17 Jul 1996 02:44:25 -0700", "1996-07-17T02:44:25-07:00"},
	{"1996-07-17T02:44:25-07:00", "1996-07-17T02:44:25-07:00"},
	// No dates.
	{"", ""},
	{"   ", ""},
	{"NIL", ""},
	{"17-Jul-1996", ""},
	{"17-Jul-1996 02:44:25 CET", ""}, // could be anywhere
	{"17-Jul-1996 02:44:25 +07:0", ""},
	{"17-ulA-1996 02:44:25 -0700", ""},
	{"17-Jul-1996 24:00:00 -0700", ""},
	{"17-Jul-1996 02:60:00 -0700", ""},
	{"17-Jul-1996 02:44:25 +0099", ""},
	{"17-Jul-1996 02:44:25 +9900", ""},
	{"17-Jul-1996 02:44:25 *0700", ""},
	{"00-Jul-1996 02:44:25 -0700", ""},
	{"32-Jul-1996 02:44:25 -0700", ""},
	{"31-Feb-2026 02:44:25 -0700", ""}, // not the 3rd of March
	{"29-Feb-2026 02:44:25 -0700", ""},
}

func TestDate(t *testing.T) {
	for _, tt := range dateTests {
		got, ok := parseDate([]byte(tt.in))
		if ok != (tt.want != "") || ok && got.Format(time.RFC3339) != tt.want {
			t.Errorf("parseDate(%q) = %v, %v, want %q", tt.in, got, ok, tt.want)
		}
	}
}

// Where the quick way reads a date, time.Parse reads the same. Only leap
// seconds are unknown to that.
func FuzzDate(f *testing.F) {
	for _, tt := range dateTests {
		f.Add(tt.in)
	}
	f.Fuzz(func(t *testing.T, s string) {
		before := []byte(s)
		quick, ok := fastDate(before)
		if string(before) != s {
			t.Errorf("fastDate changed %q to %q", s, before)
		}
		if _, all := parseDate(before); ok && !all {
			t.Errorf("parseDate refuses %q, which fastDate reads", s)
		}
		if !ok || s[18:20] == "60" {
			return
		}
		slow, err := time.Parse(dateLayouts[0], s)
		_, a := quick.Zone()
		_, b := slow.Zone()
		if err != nil || !quick.Equal(slow) || a != b {
			t.Errorf("%q is %v quickly and %v slowly, %v", s, quick, slow, err)
		}
	})
}
