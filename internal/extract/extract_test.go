package extract

import (
	"regexp"
	"strings"
	"testing"
)

// find is the values of a search that must not fail.
func find(t *testing.T) func([]string, error) []string {
	return func(values []string, err error) []string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return values
	}
}

func TestOTP(t *testing.T) {
	for text, want := range map[string]string{
		"Your code is 123456.":                                    "123456",
		"code: 123 456":                                           "123456",
		"code: 123-456, call +47 55 123 456":                      "123456",
		"Code 1 2 3 4 5 6":                                        "123456",
		"Your code is 123456. Your other code is 654321.":         "123456 654321",
		"In 2026 we had 1234567 visitors, on 2026-11-26 at 12:34": "",
		"Your code was sent to 0170 1234567":                      "",
		"Pay 1234.56 EUR or 4321 EUR":                             "",
		"see https://example.org/code/123456":                     "",
		"Write to code123456@example.org":                         "",
		"order 123456\n\nyour code\n\n654321":                     "654321",
		"Der Code\n\n  2024\n":                                    "2024",
		"The code for your account is 123456.":                    "123456",
		"The code for your account: 123456":                       "123456",
		"The code issued: 123456":                                 "123456",
		"Need support? Your code is 123456":                       "123456",
		"In Pakistan 123456 people":                               "",
		"order number 123456, code 654321":                        "654321",
		"Your order code is 123456":                               "",
		"no number at all":                                        "",
		"code: 123":                                               "",
		"code: 12345678901":                                       "",
		"验证码:778899":                                              "778899",
		"Your code is 12ab34":                                     "",
		"PIN 0000":                                                "0000",
		"Code expires at 1430. Your code: 482913":                 "482913",
		"Your postal code 28013 was changed":                      "",
		"Booking code X7K9Q2":                                     "",
		"OTP for Rs 4800 on card XX4471 is 482913":                "482913",
		"Meeting ID: 88214455\nPasscode: 482913":                  "482913",
		"Your code is 111222.\nYour new code is 333444.":          "111222 333444",
		"Your backup codes:\n\n11112222\n33334444":                "11112222 33334444",
		"PASSWORD RESET\n\nCLICK":                                 "",
		"Code:\n\nKQMW":                                           "KQMW",
		"Your code: a1b2c3":                                       "a1b2c3",
		"Your PIN is 2026.":                                       "2026",
		"PIN: 1999":                                               "1999",
		"code=482913":                                             "482913",
		"Code of conduct 2024":                                    "",
		"Code 482913 is for device 771204":                        "482913",
		"Order\n\n104455\n\nCode\n\n482913":                       "482913",
		"> Your code is 111222\n\nYour code is 333444":            "333444",
		"482913\n\nis your code":                                  "482913",
		strings.Repeat("1 ", 50):                                  "",
		"code " + strings.Repeat("-", 5000) + "\n" + strings.Repeat(" ", 99): "",
	} {
		if got := strings.Join(find(t)(OTP(t.Context(), Mail{Text: text}, 0)), " "); got != want {
			t.Errorf("%.60q: %q, want %q", text, got, want)
		}
	}
	m := Mail{Subject: "Code 1234", Text: "Your code: 123456"}
	if got := find(t)(OTP(t.Context(), m, 6)); len(got) != 1 || got[0] != "123456" {
		t.Errorf("of six: %q", got)
	}
	if got := find(t)(OTP(t.Context(), m, 4)); len(got) != 1 || got[0] != "1234" {
		t.Errorf("of four: %q", got)
	}
}

func TestLinks(t *testing.T) {
	for text, want := range map[string]string{
		"see https://example.org/a.":                                      "https://example.org/a",
		"(https://example.org/a_(b))":                                     "https://example.org/a_(b)",
		"Confirm: https://example.org/1 or https://example.org/2":         "https://example.org/1",
		"https://example.org/1 https://example.org/2":                     "https://example.org/1 https://example.org/2",
		"ftp://example.org/ mailto:a@b javascript:alert(1) http://":       "",
		"Unsubscribe: https://example.org/u\nhttps://example.org/confirm": "https://example.org/confirm",
	} {
		if got := strings.Join(find(t)(Links(t.Context(), Mail{Text: text}, nil)), " "); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"> Confirm: <https://example.org/long/\n> path?x=1>\n":               "https://example.org/long/path?x=1",
		"Confirm: <https://example.org/a b>":                                 "https://example.org/a",
		"https://例え.example.org/x。":                                          "https://例え.example.org/x",
		"https://example.org/größe/1 ok":                                     "https://example.org/größe/1",
		"The report: https://example.org/5\nSettings: https://example.org/s": "https://example.org/5",
		"https://example.org/a\nhttps://x.com/a":                             "https://example.org/a",
		"https://example.org/v/100%/1 https://[::1 https://":                 "https://example.org/v/100%/1",
	} {
		if got := strings.Join(find(t)(Links(t.Context(), Mail{Text: text}, nil)), " "); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	m := Mail{HTML: `<a href="https://e.org/x">Open</a><a href='/relative'>Confirm</a><a href="https://e.org/y">y`}
	if got := find(t)(Links(t.Context(), m, regexp.MustCompile("/y$"))); len(got) != 1 || got[0] != "https://e.org/y" {
		t.Errorf("%q", got)
	}
}

func FuzzExtract(f *testing.F) {
	f.Add("Your code is 123 456", "<a href='https://e.org/confirm'>Confirm</a> 1&#50;34")
	f.Add("验证码 778899 https://e.org/(", "<a href=\"http://[::1\">x")
	f.Add("> <https://example.org/a\n> b>\nIhr Bestätigungscode: ４８２ ９１３", "<div>4</div><div>8</div><div style='display:none'><a href='http://e.org/%'>x")
	f.Add("请点击https://例え.example.org/v完成。PIN-7391 AB12-CD34", "<area href=https://e.org/1 alt=Confirm><td>1<td>2<td>3<td>4")
	f.Add("कोड ٤٨٢٩١٣ G-482913 EUR 4800 Order no. 17", "<p>Code</p>\n\n<b>KQMW</b><a href='https://x.com/verify'>_https://e.org/1_</a>")
	f.Fuzz(func(t *testing.T, text, html string) {
		m := Mail{Subject: text, Text: text, HTML: html}
		for _, code := range find(t)(OTP(t.Context(), m, 0)) {
			if len(code) < shortest || len(code) > longest || strings.ContainsFunc(code, func(r rune) bool { return !isAlnum(r) }) {
				t.Errorf("the code %q", code)
			}
		}
		for _, link := range find(t)(Links(t.Context(), m, nil)) {
			if !strings.HasPrefix(strings.ToLower(link), "http") {
				t.Errorf("the link %q", link)
			}
		}
	})
}
