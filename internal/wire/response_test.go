package wire

import (
	"strings"
	"testing"
)

func TestParseStatus(t *testing.T) {
	for in, want := range map[string]Status{
		"done":                                {Text: "done"},
		"":                                    {},
		"  [READ-ONLY]  done  ":               {Code: "READ-ONLY", Text: "done  "},
		"[uidnext 4] next":                    {Code: "UIDNEXT", Args: "4", Text: "next"},
		"[ UIDNEXT  4 ]next":                  {Code: "UIDNEXT", Args: "4", Text: "next"},
		"[]":                                  {},
		"[] text":                             {Text: "text"},
		"[UNSEEN 1]":                          {Code: "UNSEEN", Args: "1"},
		"[PERMANENTFLAGS (a]b \\*)] ok":       {Code: "PERMANENTFLAGS", Args: `(a]b \*)`, Text: "ok"},
		`[X "a]\"b"] ok`:                      {Code: "X", Args: `"a]\"b"`, Text: "ok"},
		"[PERMANENTFLAGS (a b] odd":           {Code: "PERMANENTFLAGS", Args: "(a b", Text: "odd"},
		`[X "a] odd`:                          {Code: "X", Args: `"a`, Text: "odd"},
		"[X )] odd":                           {Code: "X", Args: ")", Text: "odd"},
		"[UIDVALIDITY 3857529045 no end":      {Text: "[UIDVALIDITY 3857529045 no end"},
		"[COPYUID 1 5,3 10,11] [not] it":      {Code: "COPYUID", Args: "1 5,3 10,11", Text: "[not] it"},
		"text [TRYCREATE] inside":             {Text: "text [TRYCREATE] inside"},
		"[BADCHARSET ({5}] odd":               {Code: "BADCHARSET", Args: "({5}", Text: "odd"},
		"[REFERRAL imap://u;AUTH=*@h/] go":    {Code: "REFERRAL", Args: "imap://u;AUTH=*@h/", Text: "go"},
		"\xff\x00[X] raw octets are kept\x1b": {Text: "\xff\x00[X] raw octets are kept\x1b"},
	} {
		want.Status = "OK"
		if got := ParseStatus("OK", []byte(in)); got != want {
			t.Errorf("%q:\n got %+v\nwant %+v", in, got, want)
		}
	}
}

func TestStatusServer(t *testing.T) {
	s := Status{Status: "NO", Code: "OVERQUOTA", Args: "x", Text: "full"}
	if got := s.Server().String(); got != "server said NO [OVERQUOTA x] full" || s.OK() {
		t.Error(got)
	}
	s = Status{Status: "PREAUTH"}
	if got := s.Server().String(); got != "server said PREAUTH" || !s.OK() {
		t.Error(got)
	}
}

// Whatever the octets, a status is taken apart into pieces of them.
func FuzzStatus(f *testing.F) {
	for _, seed := range []string{"done", "[READ-ONLY] done", "[PERMANENTFLAGS (a]b \\*)] x", `[X "a]\"b"] ok`, "[X \"a", "[", "]", "[]", "[[]]", "[ ] ", "[(", "[\\\"]"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		s := ParseStatus("NO", in)
		if s.Status != "NO" || s.Code != strings.ToUpper(s.Code) || strings.Contains(s.Code, " ") || s.Code == "" && s.Args != "" {
			t.Errorf("%q: %+v", in, s)
		}
		if !strings.Contains(string(in), s.Text) || !strings.Contains(string(in), s.Args) || len(s.Args)+len(s.Text) > len(in) {
			t.Errorf("%q: invented %+v", in, s)
		}
		s.Server()
	})
}
