package output

import (
	"context"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/result"
)

func TestJQ(t *testing.T) {
	t.Setenv("IMAPKNIFE_PASSWORD", "secret")
	evil := sample(7)
	evil.Subject = ptr("a\nb\x00c\x1b\u202e")
	evil.Modseq = 1<<64 - 1
	rows := []any{sample(1), evil}
	for _, c := range []struct {
		name string
		o    Options
		want string
	}{
		{"document", Options{JQ: "length"}, "2\n"},
		{"document with --json", Options{JQ: "map(.uid)", Format: JSON}, "[1,7]\n"},
		{"strings are raw", Options{JQ: ".[].subject"}, "Re: Build #1234 failed: größere Änderungen <&>\na\nb\x00c\x1b\u202e\n"},
		{"zero", Options{JQ: ".[].subject", Zero: true}, "Re: Build #1234 failed: größere Änderungen <&>\x00a\nb c\x1b\u202e\x00"},
		{"terminal", Options{JQ: ".[1].subject", TTY: true}, "a\nb^@c^[<U+202E>\n"},
		{"object on a terminal", Options{JQ: ".[1]|{subject}", TTY: true}, "{\n  \"subject\": \"a\\nb\\u0000c\\u001b\\u202e\"\n}\n"},
		{"object", Options{JQ: ".[1]|{uid,f:.flags[0]}"}, `{"f":"\\Seen","uid":7}` + "\n"},
		{"each row", Options{JQ: ".uid", Format: JSONL}, "1\n7\n"},
		{"fields", Options{JQ: ".", Format: JSONL, Fields: []string{"uid", "seq"}}, "{\"uid\":1}\n{\"uid\":7}\n"},
		{"exact numbers", Options{JQ: ".[1].modseq"}, "18446744073709551615\n"},
		{"arithmetic", Options{JQ: "map(.size)|add"}, "24690\n"},
		{"no values", Options{JQ: "empty"}, ""},
		{"halt", Options{JQ: ".uid, halt", Format: JSONL}, "1\n"},
		{"no environment", Options{JQ: "$ENV, env, $ENV.IMAPKNIFE_PASSWORD"}, "{}\n{}\nnull\n"},
		{"tsv", Options{JQ: ".[]|[.uid,.mailbox]|@tsv"}, "1\tINBOX\n7\tINBOX\n"},
	} {
		got, err := render(t, c.o, messages, true, rows...)
		if err != nil || got != c.want {
			t.Errorf("%s: got %q, want %q, error %v", c.name, got, c.want, err)
		}
	}
	if got, err := render(t, Options{JQ: "."}, messages, true); got != "[]\n" || err != nil {
		t.Errorf("no rows: %q, %v", got, err)
	}
	if got, err := render(t, Options{JQ: ".count"}, count, true, result.Count{Count: 3}); got != "3\n" || err != nil {
		t.Errorf("single: %q, %v", got, err)
	}
}

func TestJQErrors(t *testing.T) {
	for _, c := range []struct{ program, text string }{
		{".[0].uid.x", "the --jq program failed: expected an object"},
		{`error("no mail")`, "the --jq program failed: error: no mail"},
		{`"no mail"|halt_error`, "the --jq program halted: no mail"},
		{`{a:1}|halt_error`, `the --jq program halted: {"a":1}`},
		{`.[0]|halt_error(3)`, `the --jq program halted: {`},
	} {
		_, err := render(t, Options{JQ: c.program}, messages, true, sample(1))
		if fault.KindOf(err) != fault.Local || !strings.HasPrefix(err.Error(), c.text) {
			t.Errorf("%s: %v", c.program, err)
		}
	}
}

func TestJQEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	p, err := New(ctx, io.Discard, Options{JQ: "last(repeat(1))"}, messages)
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(10*time.Millisecond, func() { cancel(fault.Interrupt) })
	if err := p.Close(true); !errors.Is(err, fault.Interrupt) {
		t.Error(err)
	}
}

var (
	// Numbers that a program may multiply by, and what repeats without end:
	// the fuzzer looks for crashes, not for memory.
	greedy = regexp.MustCompile(`[0-9]{3}|[eE]|\*|range|repeat|recurse|while|until|limit|combinations|infinite|\.\.|def|splits|ascii|implode|pow|exp|ldexp`)
)

func FuzzJQ(f *testing.F) {
	for _, s := range []string{".", ".[]|.uid", "map(select(.flags|index(\"\\\\Seen\")))", ".[0].from[0].address", "halt_error", "@tsv", "[.[]|{uid,subject}]|.[0]"} {
		f.Add(s, "subject")
		f.Add(s, "\x1b]0;x\a\u202e")
	}
	f.Fuzz(func(t *testing.T, program, subject string) {
		if greedy.MatchString(program) {
			return
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		var b strings.Builder
		p, err := New(ctx, &b, Options{JQ: program, TTY: true}, messages)
		if err != nil {
			if program != "" && fault.KindOf(err) != fault.Usage {
				t.Fatal(err)
			}
			return
		}
		m := sample(1)
		m.Subject = &subject
		if p.Row(m) == nil && p.Close(true) == nil {
			checkSafe(t, b.String())
		}
	})
}
