package message

import (
	"testing"
	"time"
)

func TestParseDate(t *testing.T) {
	tests := []struct{ in, want string }{
		{"Fri, 20 Nov 2026 10:00:00 +0100", "2026-11-20T10:00:00+01:00"},
		{"20 Nov 2026 10:00:00 +0100", "2026-11-20T10:00:00+01:00"},
		{"Fri,  6 Nov 2026 10:00:00 +0100", "2026-11-06T10:00:00+01:00"},
		{"Fri, 6 Nov 2026 10:00:00 -0330", "2026-11-06T10:00:00-03:30"},
		{"Fri, 20 Nov 2026 10:00:00 +0100 (CET)", "2026-11-20T10:00:00+01:00"},
		{"Fri, 20 Nov 2026 10:00:00 +0100 (Mitteleuropäische (Normal)zeit)", "2026-11-20T10:00:00+01:00"},
		{"Fri (weekday), 20 (day) Nov 2026 10:00 (time) +0100", "2026-11-20T10:00:00+01:00"},
		{"Fri,20 Nov 2026 10:00:00 +0100", "2026-11-20T10:00:00+01:00"},
		{"Fri, 20 Nov 2026 10:00 +0100", "2026-11-20T10:00:00+01:00"},
		{"Fri, 20 Nov 2026 9:05:07 +0100", "2026-11-20T09:05:07+01:00"},
		{"Fri, 20 Nov 2026 10:00:00 -0000", "2026-11-20T10:00:00Z"},
		{"Fri, 20 Nov 2026 10:00:00 +0000", "2026-11-20T10:00:00Z"},
		{"Fri, 20 Nov 2026 10:00:00", "2026-11-20T10:00:00Z"},
		{"Fri, 20 Nov 26 10:00:00 GMT", "2026-11-20T10:00:00Z"},
		{"20 Nov 99 10:00:00 EST", "1999-11-20T10:00:00-05:00"},
		{"20 Nov 126 10:00:00 EST", "2026-11-20T10:00:00-05:00"},
		{"Fri, 20 Nov 2026 10:00:00 UT", "2026-11-20T10:00:00Z"},
		{"Fri, 20 Nov 2026 10:00:00 PDT", "2026-11-20T10:00:00-07:00"},
		{"Fri, 20 Nov 2026 10:00:00 (CET)", "2026-11-20T10:00:00+01:00"},
		{"Fri, 20 Nov 2026 10:00:00 CEST", "2026-11-20T10:00:00+02:00"},
		{"Fri, 20 Nov 2026 10:00:00 A", "2026-11-20T10:00:00Z"},
		{"Fri, 20 Nov 2026 10:00:00 XYZT", "2026-11-20T10:00:00Z"},
		{"Fri, 20 Nov 2026 10:00:00 Pacific Daylight Time", "2026-11-20T10:00:00-07:00"},
		{"Fri, 20 Nov 2026 10:00:00 SA Pacific Standard Time", "2026-11-20T10:00:00-05:00"},
		{"Fri, 20 Nov 2026 10:00:00 (W. Europe Standard Time)", "2026-11-20T10:00:00+01:00"},
		{"Fri Nov 20 10:00:00 India Standard Time 2026", "2026-11-20T10:00:00+05:30"},
		{"Fri, 20 Nov 2026 10:00:00 Nowhere Standard Time", "2026-11-20T10:00:00Z"},
		{"Fri, 20 Nov 2026 10:00:00 GMT+0100", "2026-11-20T10:00:00+01:00"},
		{"Fri, 20 Nov 2026 10:00:00 GMT+01:00", "2026-11-20T10:00:00+01:00"},
		{"Fri, 20 Nov 2026 10:00:00 UTC-5", "2026-11-20T10:00:00-05:00"},
		{"Fri, 20 Nov 2026 10:00:00 +01:00", "2026-11-20T10:00:00+01:00"},
		{"Fri, 20 Nov 2026 10:00:00 +100", "2026-11-20T10:00:00+01:00"},
		{"Fri, 20 Nov 2026 10:00:00 +0530", "2026-11-20T10:00:00+05:30"},
		{"Fri, 20 Nov 2026 10:00:00 +9999", "2026-11-20T10:00:00Z"},
		{"Fri, 20 Nov 2026 10:00:00 +0100 +0200", "2026-11-20T10:00:00+01:00"},
		{"Fri, 20 November 2026 10:00:00 +0100", "2026-11-20T10:00:00+01:00"},
		{"Friday, 20-Nov-26 10:00:00 GMT", "2026-11-20T10:00:00Z"},
		{"20-Nov-2026 10:00:00 +0100", "2026-11-20T10:00:00+01:00"},
		{"Fri, 20 NOV 2026 10:00:00 +0100", "2026-11-20T10:00:00+01:00"},
		{"Fri Nov 20 10:00:00 2026", "2026-11-20T10:00:00Z"},
		{"Fri Nov 20 10:00:00 CET 2026", "2026-11-20T10:00:00+01:00"},
		{"Fri Nov  6 10:00:00 +0100 2026", "2026-11-06T10:00:00+01:00"},
		{"Fri Nov 20 2026 10:00:00 GMT+0100 (Central European Standard Time)", "2026-11-20T10:00:00+01:00"},
		{"Fri, Nov 20, 2026 10:00:00 AM", "2026-11-20T10:00:00Z"},
		{"November 20th, 2026 1:02:03 PM EST", "2026-11-20T13:02:03-05:00"},
		{"20 Nov 2026 12:30 AM", "2026-11-20T00:30:00Z"},
		{"mar, 24 nov 2026 10:00:00 +0100", "2026-11-24T10:00:00+01:00"},
		{"2026-11-20 10:00:00", "2026-11-20T10:00:00Z"},
		{"2026-11-20 10:00:00 +0100", "2026-11-20T10:00:00+01:00"},
		{"2026-11-20T10:00:00Z", "2026-11-20T10:00:00Z"},
		{"2026-11-20T10:00:00.25+01:00", "2026-11-20T10:00:00.25+01:00"},
		{"2026-11-20T10:00", "2026-11-20T10:00:00Z"},
		{"2026/11/20 10:00:00", "2026-11-20T10:00:00Z"},
		{"20.11.2026 10:00:00", "2026-11-20T10:00:00Z"},
		{"20 Nov 2026 10.00.00 +0100", "2026-11-20T10:00:00+01:00"},
		{"11/20/2026 10:00", "2026-11-20T10:00:00Z"},
		{"20/11/2026 10:00", "2026-11-20T10:00:00Z"},
		{"20 Nov 2026", "2026-11-20T00:00:00Z"},
		{"29 Feb 2024 00:00:00 +0000", "2024-02-29T00:00:00Z"},
		{"31 Dec 2016 23:59:60 +0000", "2017-01-01T00:00:00Z"},
		{"  Fri, 20 Nov 2026\t10:00:00 +0100 ", "2026-11-20T10:00:00+01:00"},
		{"05/06/2026 10:00", ""},
		{"31 Feb 2026 10:00:00 +0000", ""},
		{"32 Nov 2026 10:00:00 +0000", ""},
		{"20 Nov 2026 24:00:00 +0000", ""},
		{"20 Nov 2026 10:60:00 +0000", ""},
		{"20 Nov 9999 10:00:00 +0000", ""},
		{"20 Nov 0000 10:00:00 +0000", ""},
		{"20 Foo 2026 10:00:00 +0000", ""},
		{"Fri", ""}, {"", ""}, {"10:00", ""}, {"2026", ""}, {"(", ""}, {"--", ""}, {"::", ""}, {"T", ""},
		{"99999999999999999999 Nov 2026 1:1:1", ""},
	}
	for _, tt := range tests {
		got, ok := ParseDate(tt.in)
		s := ""
		if ok {
			s = got.Format(time.RFC3339Nano)
		}
		if s != tt.want {
			t.Errorf("ParseDate(%q) = %q, want %q", tt.in, s, tt.want)
		}
	}
}

// TestParseDateZone: a zone by a name that is not known is not taken in silence.
func TestParseDateZone(t *testing.T) {
	for in, want := range map[string]bool{
		"Fri, 20 Nov 2026 10:00:00 +0100":                  true,
		"Fri, 20 Nov 2026 10:00:00 +0100 (XYZT)":           true,
		"Fri, 20 Nov 2026 10:00:00":                        true,
		"Fri, 20 Nov 2026 10:00:00 MET":                    true,
		"Fri, 20 Nov 2026 10:00:00 XYZT":                   false,
		"Fri, 20 Nov 2026 10:00:00 Nowhere Standard Time":  false,
		"Fri, 20 Nov 2026 10:00:00 Romance Standard Time":  true,
		"Fri Nov 20 2026 10:00:00 GMT+0100 (Nowhere Time)": true,
	} {
		if _, sure, ok := ParseDateZone(in); sure != want || !ok {
			t.Errorf("%s: sure %v, ok %v", in, sure, ok)
		}
	}
}

// Every ordinary date must read alike on the fast path and on the slow one.
func TestParseDatePaths(t *testing.T) {
	for day := range 400 {
		at := time.Date(2026, 1, 1, 1, 2, 3, 0, time.FixedZone("", (day%27-12)*3600)).AddDate(0, 0, day)
		s := at.Format(time.RFC1123Z)
		fast, ok := ordinaryDate(s)
		slow := date{hour: -1}
		if a, _ := fast.time(); !ok || !slow.scan(s) || !a.Equal(at) {
			t.Fatalf("%s: fast %v, %v", s, a, ok)
		}
		if b, _ := slow.time(); !b.Equal(at) {
			t.Fatalf("%s: slow %v", s, b)
		}
	}
}

func FuzzParseDate(f *testing.F) {
	for _, s := range []string{"Fri, 20 Nov 2026 10:00:00 +0100 (CET)", "2026-11-20T10:00:00.25+01:00", "Fri Nov 20 10:00:00 2026", "1:1:1x1:1:1", "20.11.2026T1T1", "1 Jan 1998 1:1 SA Pacific Standard Time", "Sat Jan  3 01:05:34 Standard Time Time"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if at, ok := ParseDate(s); ok {
			if _, err := at.MarshalJSON(); err != nil {
				t.Errorf("%q: %v", s, err)
			}
			if _, err := at.UTC().MarshalJSON(); err != nil {
				t.Errorf("%q in UTC: %v", s, err)
			}
		} else if !at.IsZero() {
			t.Errorf("%q: a time without ok", s)
		}
	})
}
