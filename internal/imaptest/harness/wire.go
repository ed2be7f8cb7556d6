package harness

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/imapknife/imapknife/internal/imaptest"
)

// How long wire waits for connections to end: those of processes that still
// run in the background end by falling quiet.
const (
	settleQuiet = 300 * time.Millisecond
	settleLimit = time.Minute
)

func wire(ts *testscript.TestScript, neg bool, args []string) {
	set, args := flags(ts, args, "count", "order", "server", "last", "flights", "conns", "reset", "lax", "print")
	s := stateOf(ts)
	r := s.record(ts)
	r.Settle(settleQuiet, settleLimit)
	has := func(name string) bool { _, ok := set[name]; return ok }
	switch {
	case has("reset"):
		r.Reset()
	case has("lax"):
		s.lax = true
	case has("print"):
		fmt.Fprint(ts.Stdout(), r)
	case has("conns"):
		compare(ts, "connections", r.Conns(), args)
	case has("flights"):
		if !s.delayed {
			ts.Fatalf("flights are exact with a delay only: say delay 20ms, or serve -delay=20ms, before")
		}
		compare(ts, "flights", r.Flights(r.Last()), args)
	default:
		conn := 0
		if has("last") {
			conn = r.Last()
		}
		matchWire(ts, neg, texts(r, conn, has("server")), set, args)
	}
}

func compare(ts *testscript.TestScript, what string, got int, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: wire -%s number", what)
	}
	if want, err := strconv.Atoi(args[0]); err != nil || got != want {
		ts.Fatalf("%d %s, want %s", got, what, args[0])
	}
}

func texts(r *imaptest.Record, conn int, server bool) []string {
	var out []string
	if server {
		for _, x := range r.Responses(conn) {
			out = append(out, x.Text)
		}
		return out
	}
	for _, c := range r.Commands(conn) {
		out = append(out, c.Text)
	}
	return out
}

func matchWire(ts *testscript.TestScript, neg bool, lines []string, set map[string]string, args []string) {
	if len(args) == 0 {
		ts.Fatalf("usage: wire [flags] pattern...")
	}
	from := 0
	for _, arg := range args {
		re, err := regexp.Compile("(?s)" + arg)
		ts.Check(err)
		first, count := -1, 0
		for i, line := range lines {
			if i >= from && re.MatchString(line) {
				count++
				if first < 0 {
					first = i
				}
			}
		}
		if _, order := set["order"]; order {
			from = first + 1
		}
		want, exact := set["count"]
		switch {
		case neg && count > 0:
			ts.Fatalf("%s is on the wire: %.300q", arg, lines[first])
		case exact && want != strconv.Itoa(count):
			ts.Fatalf("%s is on the wire %d times, want %s", arg, count, want)
		case !neg && !exact && count == 0:
			ts.Fatalf("%s is not on the wire", arg)
		}
	}
}

// capabilityList is a line in which a server announces what it can do.
var capabilityList = regexp.MustCompile(`(?i)^(\* CAPABILITY |.*\[CAPABILITY )`)

// hide takes capabilities out of what the server announces.
func hide(names []string) func(imaptest.Chunk) imaptest.Verdict {
	words := make([]string, len(names))
	for i, name := range names {
		words[i] = regexp.QuoteMeta(name)
	}
	hidden := regexp.MustCompile(`(?i) (` + strings.Join(words, "|") + `)([ \]\r])`)
	return func(c imaptest.Chunk) (v imaptest.Verdict) {
		if !c.Client && !c.Literal && capabilityList.Match(c.Data) {
			v.Data = hidden.ReplaceAll(hidden.ReplaceAll(c.Data, []byte("$2")), []byte("$2"))
		}
		return v
	}
}

// await waits until the client has sent what the pattern matches, n times since
// the record was reset: a program in the background has come so far.
func await(ts *testscript.TestScript, neg bool, args []string) {
	positive(ts, neg)
	if len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: await pattern [n]")
	}
	re, err := regexp.Compile(args[0])
	ts.Check(err)
	n := 1
	if len(args) == 2 {
		n, err = strconv.Atoi(args[1])
		ts.Check(err)
	}
	r := stateOf(ts).record(ts)
	for end := time.Now().Add(hangLimit); ; time.Sleep(20 * time.Millisecond) {
		got := 0
		for _, text := range texts(r, 0, false) {
			if re.MatchString(text) {
				got++
			}
		}
		if got >= n {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("%s is on the wire %d times, not %d", args[0], got, n)
		}
	}
}

// restart has the server go away for a while.
func restart(ts *testscript.TestScript, neg bool, args []string) {
	positive(ts, neg)
	s := stateOf(ts)
	if len(args) != 1 || s.proxy == nil {
		ts.Fatalf("usage: restart duration, behind the proxy")
	}
	s.proxy.Restart(duration(ts, args[0]))
}

// faults arms the proxy, against what is still answered: the last answer to a
// client that has ended may come later than the fault.
func faults(ts *testscript.TestScript, neg bool, args []string) {
	positive(ts, neg)
	set, args := flags(ts, args, "keep", "literal", "all")
	s := stateOf(ts)
	if s.proxy == nil {
		ts.Fatalf("faults need the proxy: scripted servers say CLOSE, RESET or HANG")
	}
	if len(args) == 1 && args[0] == "off" {
		s.proxy.SetHook(nil)
		return
	}
	if len(args) > 1 && args[0] == "hide" {
		s.proxy.SetHook(hide(args[1:]))
		return
	}
	kinds := []string{"", "cut", "reset", "stall"}
	if len(args) != 2 || slices.Index(kinds, args[0]) < 1 {
		ts.Fatalf("usage: fault [-keep=N] [-literal] [-all] cut|reset|stall pattern, fault hide CAPABILITY…, or fault off")
	}
	re, err := regexp.Compile(args[1])
	ts.Check(err)
	verdict := imaptest.Verdict{Fault: imaptest.Fault(slices.Index(kinds, args[0]))}
	if n := set["keep"]; n != "" {
		verdict.Keep, err = strconv.Atoi(n)
		ts.Check(err)
	}
	_, literal := set["literal"]
	_, all := set["all"]
	leaving := s.record(ts).Leaving()
	var mu sync.Mutex
	armed := true
	s.proxy.SetHook(func(c imaptest.Chunk) imaptest.Verdict {
		mu.Lock()
		defer mu.Unlock()
		if !armed || leaving[c.Conn] || c.Client || c.Literal != literal || !bytes.HasSuffix(c.First, []byte("\n")) ||
			!re.MatchString(strings.TrimRight(string(c.First), "\r\n")) {
			return imaptest.Verdict{}
		}
		armed = all
		return verdict
	})
}
