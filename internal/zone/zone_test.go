package zone

import (
	"path/filepath"
	"testing"
	"time"
)

func TestFind(t *testing.T) {
	summer := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	winter := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct{ tz, winter, summer string }{
		{"", "+0000", "+0000"},
		{"UTC", "+0000", "+0000"},
		{"UTC0", "+0000", "+0000"},
		{"Asia/Tokyo", "+0900", "+0900"},
		{":Europe/Berlin", "+0100", "+0200"},
		{"JST-9", "+0900", "+0900"},
		{"EST5EDT", "-0500", "-0400"},
		{"XST5XDT", "-0500", "-0400"}, // the rules of the United States, as glibc takes them
		{"CET-1CEST,M3.5.0,M10.5.0/3", "+0100", "+0200"},
		{"<+0330>-3:30", "+0330", "+0330"},
		{"<-03>3<-02>,M3.5.0/-2,M10.5.0/-1", "-0300", "-0200"},
		{"AEST-10AEDT,M10.1.0,M4.1.0/3", "+1100", "+1000"},
		{"IST-2IDT,M3.4.4/26,M10.5.0", "+0200", "+0300"},
		{"NZST-12NZDT,J280,J90", "+1300", "+1200"},
		{"Mars/Phobos", "", ""},
		{"JST", "", ""},
		{"Local", "", ""},
		{"JST-9,", "", ""},
		{"JST-99x", "", ""},
		{"../../etc/passwd", "", ""},
		{"/nowhere", "", ""},
	} {
		loc, _, ok := Find(tt.tz)
		if ok != (tt.winter != "") {
			t.Errorf("%s: %v, %v", tt.tz, loc, ok)
		} else if ok {
			if w, s := winter.In(loc).Format("-0700"), summer.In(loc).Format("-0700"); w != tt.winter || s != tt.summer {
				t.Errorf("%s: %s and %s", tt.tz, w, s)
			}
		}
	}
	// Long ago and long from now are in the zone as well.
	loc, builtin, _ := Find("JST-9")
	for _, year := range []int{1, 1800, 1970, 2200, 9999} {
		if got := time.Date(year, 6, 1, 0, 0, 0, 0, loc).Format("-0700"); got != "+0900" || builtin {
			t.Errorf("%d: %s, %v", year, got, builtin)
		}
	}
	if _, _, ok := Find(filepath.Join(t.TempDir(), "none")); ok {
		t.Error("a file that is not there")
	}
}

func FuzzFind(f *testing.F) {
	for _, s := range []string{"JST-9", "CET-1CEST,M3.5.0,M10.5.0/3", "<-03>3<-02>,M3.5.0/-2,J300/-1", "EST5EDT", "<", "A0,"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, tz string) {
		if len(tz) > 0 && (tz[0] == '/' || len(tz) > 1 && tz[0] == ':' && tz[1] == '/') {
			return
		}
		if loc, _, ok := Find(tz); ok {
			if text := time.Date(2026, 3, 29, 2, 30, 0, 0, loc).Format(time.RFC3339); len(text) < len("2026-03-29T02:30:00Z") {
				t.Errorf("%q: %q", tz, text)
			}
		}
	})
}
