//go:build unix

package extract

import (
	"context"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// hostile are mails that anybody can send, of n parts.
var hostile = map[string]func(n int) Mail{
	"links":    lines("https://example.org/confirm?%d\n"),
	"anchors":  func(n int) Mail { return Mail{HTML: lines(`<a href="https://example.org/c/%d">Confirm</a> `)(n).Text} },
	"brackets": lines("<https://example.org/%d\n"),
	"codes":    lines("code %06d\n"),
	"a line":   lines("code %06d "),
	"ones":     lines("1 1 1 1 %.0d"),
	"hyphens":  lines("a-b-%.0da-"),
	"matches":  lines("v%d\n"),
	"words":    lines("code order pin %d device "),
	"wrapped":  lines("these are words that go on in the next line, always %d\n"),
	"unspaced": lines("验证码码码%d"),
	"accents":  lines("o\u0301\u0301\u0301%.0d"),
}

func lines(format string) func(int) Mail {
	return func(n int) Mail {
		var out strings.Builder
		for i := range n {
			fmt.Fprintf(&out, format, i)
		}
		return Mail{Text: out.String()}
	}
}

// TestLinear compares the processor time of a mail with that of one four times
// as long. The least of several tries is what the work takes, whatever else the
// machine does.
func TestLinear(t *testing.T) {
	re := regexp.MustCompile(`v(\d+)`)
	for name, mail := range hostile {
		t.Run(name, func(t *testing.T) {
			used := func(m Mail) time.Duration {
				least := time.Duration(math.MaxInt64)
				for range 4 {
					before := processor(t)
					for _, search := range []func() ([]string, error){
						func() ([]string, error) { return OTP(t.Context(), m, 0) },
						func() ([]string, error) { return Links(t.Context(), m, nil) },
						func() ([]string, error) { return Regex(t.Context(), m, re) },
					} {
						if values := find(t)(search()); len(values) > MaxValues {
							t.Fatalf("%d values", len(values))
						}
					}
					least = min(least, processor(t)-before)
				}
				return least
			}
			short, long := used(mail(3_000)), used(mail(12_000))
			if long > 10*short+50*time.Millisecond {
				t.Errorf("%v for a mail of 3,000 parts, %v for 12,000", short, long)
			}
		})
	}
}

func processor(t *testing.T) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestStopped ends each search when its time is over.
func TestStopped(t *testing.T) {
	over := errors.New("over")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(over)
	m := lines("code https://example.org/v%d\n")(2000)
	for name, search := range map[string]func() ([]string, error){
		"otp":   func() ([]string, error) { return OTP(ctx, m, 0) },
		"link":  func() ([]string, error) { return Links(ctx, m, nil) },
		"regex": func() ([]string, error) { return Regex(ctx, m, regexp.MustCompile("v")) },
	} {
		if values, err := search(); !errors.Is(err, over) {
			t.Errorf("%s: %d values, %v", name, len(values), err)
		}
	}
}
