package imaptest

import (
	"regexp"
	"strings"
	"testing"
)

func TestWitness(t *testing.T) {
	s := start(t, "PASSWORD secret", Options{})
	if _, err := NewWitness(s.Addr(), nil, "alice", "wrong"); err == nil {
		t.Error("a wrong password logs in")
	}
	w, err := NewWitness(s.Addr(), nil, "alice", "secret")
	if err != nil {
		t.Fatal(err)
	}
	held, err := w.Messages("INBOX")
	if err != nil || len(held) != 3 {
		t.Fatalf("%v, %v", held, err)
	}
	if got := held[2].String(); !strings.HasPrefix(got, `3 ($Forwarded \Flagged) 2026-11-20T12:00:00Z 2`) {
		t.Errorf("got %q", got)
	}
	if _, err := w.Do("NONSENSE"); err == nil {
		t.Error("BAD is no error")
	}
	if err := w.Append("INBOX", `(\Seen)`, held[0].Date, held[0].Octets); err != nil {
		t.Error(err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	want := `^W5 APPEND "INBOX" \(\\Seen\) "20-Nov-2026 10:00:00 \+0000" \{194\}Date: `
	if len(s.Record().Match(2, regexp.MustCompile(want))) != 1 {
		t.Errorf("no %s in\n%s", want, s.Record())
	}
}

func TestEncodeName(t *testing.T) {
	for name, want := range map[string]string{"INBOX": "INBOX", "Größe & mehr": "Gr&APYA3w-e &- mehr", "日本": "&ZeVnLA-", "😀": "&2D3eAA-"} {
		if got := EncodeName(name); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}
