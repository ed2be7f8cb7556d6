package cmds

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/output"
)

// defaultMax is how many messages one destructive command may touch, unless
// --max says otherwise.
const defaultMax = 1000

// consent is what a verb that writes was allowed to do.
type consent struct {
	in          *input
	destructive bool
	dryRun, yes bool
	max         uint64 // 0: no bound
}

// consent reads --dry-run, --yes and --max, and refuses in read-only mode
// before anything is dialled.
func (in *input) consent(c *connection, destructive bool) (consent, error) {
	o := consent{in: in, destructive: destructive, dryRun: in.flagged("dry-run"), yes: in.flagged("yes"), max: in.number("max")}
	if destructive && !in.flagged("max") {
		o.max = defaultMax
	}
	if c.cfg.ReadOnly && !o.dryRun {
		return o, fault.New(fault.Safety, "%s is refused: read-only mode", in.verb.path).
			Hint("%s; --dry-run is allowed", c.cfg.ReadOnlyHint)
	}
	if o.dryRun {
		c.cfg.ReadOnly = true // whatever happens, nothing is written
	}
	return o, nil
}

// bound is an error of kind Safety where n messages are more than --max.
func (o consent) bound(n uint64) error {
	if o.max == 0 || n <= o.max {
		return nil
	}
	return fault.New(fault.Safety, "%d messages are more than --max %d: nothing was changed", n, o.max).
		Hint("--max %d allows as many, --max 0 any number", n)
}

// confirm asks on the terminal whether to do what the question says. Without
// --yes and without a terminal, or where the answer is not yes, it is an error
// of kind Safety. What is not destructive, or a dry run, is not asked about.
func (o consent) confirm(ctx context.Context, format string, args ...any) error {
	if !o.destructive || o.yes || o.dryRun {
		return nil
	}
	question := fmt.Sprintf(format, args...)
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return fault.New(fault.Safety, "not confirmed: %s", question).
			Hint("there is no terminal to ask on; --yes does it without asking, --dry-run shows what would change")
	}
	defer tty.Close()
	io.WriteString(tty, output.Visible(question)+"? [y/N] ")
	answer, err := bufio.NewReader(interruptible{ctx, tty}).ReadString('\n')
	if ctx.Err() != nil {
		io.WriteString(tty, "\n")
		return context.Cause(ctx)
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	if err != nil {
		io.WriteString(tty, "\n")
	}
	return fault.New(fault.Safety, "not confirmed: nothing was changed")
}

// tally counts receipts by their status and makes the verb's error of them.
type tally struct {
	what    string // what is counted, in the plural
	counts  map[string]int
	refusal error  // the first
	reason  string // of the first that is refused or unknown
	kept    bool   // some are flagged because the server refused to expunge them
}

func (t *tally) add(status, reason string, refusal error) {
	if t.counts == nil {
		t.counts = map[string]int{}
	}
	t.counts[status]++
	if t.refusal == nil {
		t.refusal = refusal
	}
	t.kept = t.kept || status == result.Flagged && refusal != nil
	if (status == result.Unknown || status == result.Refused) && t.reason == "" {
		t.reason = reason
	}
}

// soFar says how far a command has come that ends before its end; total is how
// many there are to do, 0 where nobody has counted.
func (t *tally) soFar(total uint64) string {
	all := uint64(0)
	for _, n := range t.counts {
		all += uint64(n)
	}
	of := ""
	if total >= all && total > 0 {
		of = fmt.Sprintf(" of %d", total)
	}
	out := fmt.Sprintf("%d%s %s done", t.counts[result.Done]+t.counts[result.Planned], of, t.what)
	for _, status := range [...]string{result.Unknown, result.Flagged, result.Copied, result.Skipped, result.Refused, result.Missing} {
		if n := t.counts[status]; n > 0 {
			out += fmt.Sprintf(", %d %s", n, status)
		}
	}
	if total > all {
		out += fmt.Sprintf(", %d not begun", total-all)
	}
	return out
}

// ended is the error of a verb that err ended. Where the time was over, and the
// outcome of something is unknown by then, that weighs more.
func (t *tally) ended(err error) error {
	if t.counts[result.Unknown] > 0 && fault.KindOf(err) == fault.Connect {
		return t.err()
	}
	return err
}

// err is nil when everything was done. Everything missing is no, everything
// refused the server's refusal, anything unknown is unknown, and a mix partial.
func (t *tally) err() error {
	done, total := t.counts[result.Done]+t.counts[result.Planned]+t.counts[result.Skipped], 0
	for _, n := range t.counts {
		total += n
	}
	of := func(status string) string { return fmt.Sprintf("%d of %d %s", t.counts[status], total, t.what) }
	switch {
	case done == total:
		return nil
	case t.counts[result.Unknown] > 0:
		return fault.New(fault.Unknown, "the outcome is unknown for %s: %s", of(result.Unknown), t.reason).
			Hint("the rows say which; look at the mailbox before doing it again")
	case t.counts[result.Missing] == total:
		return fault.New(fault.Negative, "none of the %d %s is there", total, t.what)
	case t.counts[result.Refused] == total && t.refusal != nil:
		return t.refusal
	case t.counts[result.Refused] == total:
		return fault.New(fault.Refused, "none of the %d %s is done: %s", total, t.what, t.reason)
	}
	var parts []string
	for _, x := range [...]struct{ status, words string }{
		{result.Refused, "refused"}, {result.Missing, "missing"}, {result.Flagged, `only flagged \Deleted`}, {result.Copied, "copied, with the original still there"},
	} {
		if t.counts[x.status] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", t.counts[x.status], x.words))
		}
	}
	e := fault.New(fault.Partial, "%d of %d %s done, %s", done, total, t.what, strings.Join(parts, ", "))
	if t.refusal != nil {
		e.Err = t.refusal
	}
	switch {
	case t.counts[result.Flagged] == 0:
	case t.kept:
		e.Hint("imapknife expunge SET tries again to remove exactly these")
	default:
		e.Hint("the server lacks UIDPLUS: imapknife expunge removes everything that is flagged in the mailbox")
	}
	return e
}
