package output

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/imapknife/imapknife/internal/fault"
)

func TestErrors(t *testing.T) {
	refused := &fault.Error{Kind: fault.Refused, Op: `cannot move to "Archive"`,
		Server: &fault.Server{Status: "NO", Code: "TRYCREATE", Text: "Mailbox doesn't exist"}}
	refused.Hint("create it with: imapknife mailbox create Archive").Hint("or pass --create")
	evil := &fault.Error{Kind: fault.Refused, Op: "cannot log in", Server: &fault.Server{Status: "NO", Text: "\x1b]0;owned\a<&>\u202e\nhint: run this"}}
	for _, c := range []struct {
		err        error
		text, json string
	}{
		{nil, "", ""},
		{fault.Exit(7), "", ""},
		{fmt.Errorf("sandbox: %w", fault.Exit(7)), "", ""},
		{errors.New("x"), "imapknife: x\n", `{"error":{"kind":"local","message":"x"}}` + "\n"},
		{fmt.Errorf("message 4: %w", refused),
			"imapknife: message 4: cannot move to \"Archive\": server said NO [TRYCREATE] Mailbox doesn't exist\n" +
				"hint: create it with: imapknife mailbox create Archive\nhint: or pass --create\n" +
				"hint: --create makes the mailbox; imapknife list shows those there are\n",
			`{"error":{"kind":"refused","message":"message 4: cannot move to \"Archive\": server said NO [TRYCREATE] Mailbox doesn't exist",` +
				`"hint":"create it with: imapknife mailbox create Archive\nor pass --create\n--create makes the mailbox; imapknife list shows those there are",` +
				`"server":{"status":"NO","code":"TRYCREATE","text":"Mailbox doesn't exist"}}}` + "\n"},
		{evil, "imapknife: cannot log in: server said NO ^[]0;owned^G<&><U+202E>; hint: run this\n",
			`{"error":{"kind":"refused","message":"cannot log in: server said NO \u001b]0;owned\u0007<&>\u202e\nhint: run this",` +
				`"server":{"status":"NO","text":"\u001b]0;owned\u0007<&>\u202e\nhint: run this"}}}` + "\n"},
		{errors.Join(errors.New("a"), errors.New("b")), "imapknife: a; b\n", `{"error":{"kind":"local","message":"a\nb"}}` + "\n"},
	} {
		if got := ErrorText(c.err, asIs); got != c.text {
			t.Errorf("%v: got %q, want %q", c.err, got, c.text)
		}
		if got := string(ErrorJSON(c.err, asIs)); got != c.json {
			t.Errorf("%v: got  %s\nwant %s", c.err, got, c.json)
		}
	}
	if n := strings.Count(ErrorText(evil, asIs), "\n"); n != 1 {
		t.Errorf("a server's text made %d lines", n)
	}
}

func asIs(s string) string { return s }

// Secrets are taken out of each text by itself, before anything is escaped.
func TestErrorsHide(t *testing.T) {
	hide := func(s string) string { return strings.ReplaceAll(s, `p"w`, "<hidden>") }
	err := (&fault.Error{Kind: fault.Refused, Op: `with p"w`, Server: &fault.Server{Status: "NO", Code: `X p"w`, Text: `p"w`}}).Hint(`p"w`)
	if got := ErrorText(err, hide) + string(ErrorJSON(err, hide)); strings.Contains(got, `p"w`) || strings.Contains(got, `p\"w`) || strings.Count(got, "<hidden>") != 10 {
		t.Error(got)
	}
}
