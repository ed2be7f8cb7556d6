package query

import (
	"strings"
	"testing"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
)

func TestParseDate(t *testing.T) {
	tests := []struct{ in, want string }{
		{"2026-11-20", "2026-11-20"},
		{"20-Nov-2026", "2026-11-20"},
		{"1-feb-2026", "2026-02-01"},
		{"01-FEB-2026", "2026-02-01"},
		{"2024-02-29", "2024-02-29"},
		{"today", "2026-11-20"},
		{"Yesterday", "2026-11-19"},
		{"now", "2026-11-20T19:30:15Z"},
		{"0d", "2026-11-20"},
		{"7d", "2026-11-13"},
		{"2w", "2026-11-06"},
		{"1MO", "2026-10-20"},
		{"9mo", "2026-02-20"},
		{"14mo", "2025-09-20"},
		{"1y", "2025-11-20"},
		{"12h", "2026-11-20T07:30:15Z"},
		{"30m", "2026-11-20T19:00:15Z"},
		{"90s", "2026-11-20T19:28:45Z"},
		{"0h", "2026-11-20T19:30:15Z"},
		{"2026-11-20T15:04", "2026-11-20T13:04Z"},
		{"2026-11-20 15:04", "2026-11-20T13:04Z"},
		{"2026-11-20t15:04:05", "2026-11-20T13:04:05Z"},
		{"2026-11-20T15:04:05.75", "2026-11-20T13:04:05Z"},
		{"2026-11-20T15:04Z", "2026-11-20T15:04Z"},
		{"2026-11-20T15:04:05z", "2026-11-20T15:04:05Z"},
		{"2026-11-20T15:04:05.5-08:00", "2026-11-20T23:04:05Z"},
		{"2026-11-20 15:04:05+05:30", "2026-11-20T09:34:05Z"},
		{"0001-01-01", "0001-01-01"},
		{"9999-12-31", "9999-12-31"},
	}
	for _, tt := range tests {
		d, err := ParseDate(tt.in, testEnv)
		if err != nil || d.String() != tt.want {
			t.Errorf("ParseDate(%q) = %v, %v, want %s", tt.in, d, err, tt.want)
		}
	}
}

// A month ago is never a day that the month does not have.
func TestMonthsAgo(t *testing.T) {
	for _, tt := range []struct{ today, in, want string }{
		{"2026-03-31", "1mo", "2026-02-28"},
		{"2024-03-31", "1mo", "2024-02-29"},
		{"2026-12-31", "1mo", "2026-11-30"},
		{"2024-02-29", "1y", "2023-02-28"},
		{"2024-02-29", "4y", "2020-02-29"},
		{"2026-01-15", "1mo", "2025-12-15"},
	} {
		now, err := time.Parse(time.DateOnly, tt.today)
		if err != nil {
			t.Fatal(err)
		}
		d, err := ParseDate(tt.in, Env{Now: now})
		if err != nil || d.String() != tt.want {
			t.Errorf("on %s, %s = %v, %v, want %s", tt.today, tt.in, d, err, tt.want)
		}
	}
}

// The day is the day where the person is.
func TestTodayIsLocal(t *testing.T) {
	now := time.Date(2026, 11, 20, 23, 30, 0, 0, time.UTC)
	for offset, want := range map[int]string{0: "2026-11-20", 1: "2026-11-21", -12: "2026-11-20", 14: "2026-11-21"} {
		env := Env{Now: now, Location: time.FixedZone("", offset*3600)}
		if d, err := ParseDate("today", env); err != nil || d.String() != want {
			t.Errorf("at %+d: %v, %v, want %s", offset, d, err, want)
		}
	}
	if d, err := ParseDate("today", Env{Now: now}); err != nil || d.String() != "2026-11-20" {
		t.Errorf("without a location: %v, %v", d, err)
	}
}

func TestParseDateErrors(t *testing.T) {
	for _, in := range []string{
		"", " ", "7", "d", "7x", "-7d", "+7d", "1.5d", "7 d", "tomorrow", "2026-11", "2026-13-01", "2026-02-30", "31-Feb-2026",
		"20-11-2026", "20/11/2026", "2026-11-20T25:00", "2026-11-20T15", "2026-11-20T15:04:05+2", "2026-11-20T15:04 ",
		"36525001d", "999999999999999999999d", "9999999h", "2026-11-20\n", "٧d",
	} {
		d, err := ParseDate(in, testEnv)
		if err == nil || fault.KindOf(err) != fault.Usage || !strings.Contains(err.Error(), "is not a date") || len(fault.Hints(err)) != 1 {
			t.Errorf("ParseDate(%q) = %v, %v", in, d, err)
		}
	}
	for _, in := range []string{"3000y", "36525000d", "0000-01-01", "0001-01-01T00:00+14:00", "9999-12-31T23:59-01:00"} {
		d, err := ParseDate(in, testEnv)
		if err == nil || !strings.Contains(err.Error(), "outside the years 1 to 9999") {
			t.Errorf("ParseDate(%q) = %v, %v", in, d, err)
		}
	}
}

func TestParseSize(t *testing.T) {
	for in, want := range map[string]uint64{
		"0": 0, "1000": 1000, "007": 7, "1K": 1024, "1k": 1024, "10M": 10 << 20, "2G": 2 << 30,
		"1KB": 1000, "1kb": 1000, "10MB": 1e7, "3Gb": 3e9, "1.5M": 3 << 19, "0.5K": 512, "1.3K": 1331, "1.0005KB": 1000,
		"0.0001K": 0, "9223372036854775807": MaxSize, "8589934591G": 8589934591 << 30,
	} {
		got, err := ParseSize(in)
		if err != nil || got != want {
			t.Errorf("ParseSize(%q) = %d, %v, want %d", in, got, err, want)
		}
	}
	for _, in := range []string{
		"", "K", "B", "1B", "1KK", "1KiB", "1T", "1.5", "1.", ".5M", "1..5M", "1.5.5M", "-1", "+1", "1e3", "1/2", "0x10", "1 K", "K1", "1_000",
		"9223372036854775808", "8589934592G", "99999999999999999999999999999999999", "١K",
	} {
		got, err := ParseSize(in)
		if err == nil || fault.KindOf(err) != fault.Usage || len(fault.Hints(err)) != 1 {
			t.Errorf("ParseSize(%q) = %d, %v", in, got, err)
		}
	}
}

func FuzzParseDate(f *testing.F) {
	for _, s := range []string{"2026-11-20", "20-Nov-2026", "2026-11-20T15:04:05.5+02:00", "7d", "3mo", "12h", "now", "2026-11-20 15:04"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		d, err := ParseDate(in, testEnv)
		if err != nil {
			return
		}
		again, err := ParseDate(d.String(), Env{})
		if err != nil || again != d {
			t.Fatalf("ParseDate(%q) = %v, read back %v, %v", in, d, again, err)
		}
	})
}

func FuzzParseSize(f *testing.F) {
	for _, s := range []string{"0", "1.5M", "10KB", "9223372036854775807", "8589934592G", "1.", "1.00000000000000000000001G"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		n, err := ParseSize(in)
		if err == nil && (n > MaxSize || strings.Trim(in, "0123456789.kKmMgGbB") != "") {
			t.Fatalf("ParseSize(%q) = %d", in, n)
		}
	})
}
