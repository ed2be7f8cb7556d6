package fault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// The exit statuses are a contract: numbers and names never change.
func TestTable(t *testing.T) {
	want := map[Kind]struct {
		status int
		name   string
	}{
		None: {0, "done"}, Negative: {1, "no"}, Usage: {2, "usage"}, Connect: {3, "connect"}, Auth: {4, "auth"}, Refused: {5, "refused"},
		Ambiguous: {6, "ambiguous"}, Stale: {7, "stale"}, Safety: {8, "safety"}, Partial: {9, "partial"}, Protocol: {10, "protocol"},
		Unknown: {11, "unknown"}, Local: {12, "local"}, Interrupted: {130, "interrupted"}, Closed: {141, "closed"}, Terminated: {143, "terminated"},
	}
	rows := Table()
	if len(rows) != len(want) || !slices.IsSortedFunc(rows, func(a, b Row) int { return a.Status - b.Status }) {
		t.Errorf("%d rows, want %d, ascending", len(rows), len(want))
	}
	for _, r := range rows {
		w := want[r.Kind]
		if r.Status != w.status || r.Name != w.name || r.Meaning == "" || r.Kind.Status() != w.status || r.Kind.String() != w.name {
			t.Errorf("%+v, want %+v", r, w)
		}
		if strings.HasSuffix(r.Meaning, ".") {
			t.Errorf("%s ends with a full stop", r.Meaning)
		}
	}
	rows[0].Status = 99
	if Table()[0].Status != 0 {
		t.Error("the table can be changed")
	}
	if odd := Kind(1000); odd.String() != "local" || odd.Status() != 12 {
		t.Errorf("an unknown kind is %v, %d", odd, odd.Status())
	}
}

func TestErrorText(t *testing.T) {
	no := &Server{"NO", "TRYCREATE", "Mailbox doesn't exist"}
	for want, err := range map[string]*Error{
		"cannot open \"x\"":                  New(Usage, "cannot open %q", "x"),
		"cannot open: file does not exist":   Wrap(Local, os.ErrNotExist, "cannot open"),
		"server said BAD":                    {Server: &Server{Status: "BAD"}},
		"cannot move: server said NO full":   {Op: "cannot move", Server: &Server{Status: "NO", Text: "full"}},
		"cannot log in: server said BYE [X]": {Op: "cannot log in", Server: &Server{Status: "BYE", Code: "X"}},
		"":                                   {},
		"cannot move to \"Archive\": server said NO [TRYCREATE] Mailbox doesn't exist":  {Op: `cannot move to "Archive"`, Server: no},
		"cannot move: server said NO [TRYCREATE] Mailbox doesn't exist: unexpected EOF": {Op: "cannot move", Server: no, Err: io.ErrUnexpectedEOF},
	} {
		if got := err.Error(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestWrap(t *testing.T) {
	inner := New(Connect, "no answer").Hint("wait longer")
	inner.Server = &Server{Status: "BYE"}
	outer := Wrap(Local, fmt.Errorf("in between: %w", inner), "cannot fetch").Hint("one").Hint("two %d", 2)
	if outer.Kind != Connect || KindOf(outer) != Connect {
		t.Errorf("the kind is %v", outer.Kind)
	}
	if got := Hints(outer); !slices.Equal(got, []string{"one", "two 2", "wait longer"}) {
		t.Errorf("hints %q", got)
	}
	if s := ServerOf(fmt.Errorf("more: %w", outer)); s != inner.Server {
		t.Errorf("server %+v", s)
	}
	if outer.Error() != "cannot fetch: in between: no answer: server said BYE" || !errors.Is(outer, inner) {
		t.Error(outer)
	}
	if e := Wrap(Local, os.ErrPermission, "x"); e.Kind != Local || Hints(e) != nil || ServerOf(e) != nil {
		t.Errorf("%+v", e)
	}
	if Hints(nil) != nil || ServerOf(nil) != nil {
		t.Error("nil has hints or a server")
	}
}

func TestKindOf(t *testing.T) {
	cancelled, cancel := context.WithCancelCause(t.Context())
	cancel(Terminate)
	plain, stop := context.WithCancel(t.Context())
	stop()
	for _, tt := range [...]struct {
		err    error
		want   Kind
		status int
	}{
		{nil, None, 0},
		{errors.New("x"), Local, 12},
		{os.ErrNotExist, Local, 12},
		{New(Stale, "x"), Stale, 7},
		{fmt.Errorf("in: %w", New(Partial, "x")), Partial, 9},
		{errors.Join(errors.New("x"), New(Refused, "y")), Refused, 5},
		{syscall.EPIPE, Closed, 141},
		{&os.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.EPIPE}, Closed, 141},
		{io.ErrClosedPipe, Closed, 141},
		{Wrap(Connect, syscall.EPIPE, "cannot send"), Connect, 3}, // a socket, not standard output
		{context.Cause(cancelled), Terminated, 143},
		{context.Cause(plain), Interrupted, 130},
		{fmt.Errorf("in: %w", context.Canceled), Interrupted, 130},
		{Interrupt, Interrupted, 130},
		{Exit(0), Local, 0},
		{Exit(7), Local, 7},
		{fmt.Errorf("child: %w", Exit(137)), Local, 137},
	} {
		if got := KindOf(tt.err); got != tt.want {
			t.Errorf("%v is %v, want %v", tt.err, got, tt.want)
		}
		if got := ExitStatus(tt.err); got != tt.status {
			t.Errorf("%v ends with %d, want %d", tt.err, got, tt.status)
		}
	}
}

func TestServerJSON(t *testing.T) {
	for want, s := range map[string]Server{
		`{"status":"NO","code":"OVERQUOTA","text":"full"}`: {"NO", "OVERQUOTA", "full"},
		`{"status":"BAD","text":""}`:                       {Status: "BAD"},
	} {
		if got, err := json.Marshal(s); err != nil || string(got) != want {
			t.Errorf("%s, %v; want %s", got, err, want)
		}
	}
}
