package campaign

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/imapknife/imapknife/internal/imaptest"
	"github.com/imapknife/imapknife/internal/realserver"
)

const (
	// enough is how many faults must have come to pass.
	enough = 1000
	// users is more than the campaign needs accounts.
	users = 20_000
	// batch is how many trials are judged together: doveadm tells of all their
	// accounts at once.
	batch = 200
	// rowless is one in how many of the trials without a receipt are done again.
	rowless = 5
	// shown is how many broken trials are shown with what passed.
	shown = 10
)

// TestCampaign spoils every operation at every point. IMAPKNIFE_CAMPAIGN=NAME
// runs the trial of that name alone; IMAPKNIFE_CAMPAIGN_SEED=N chooses other
// points inside commands and responses, and other faults of later connections;
// these depend on the length of the server's texts as well, trials' names do not.
func TestCampaign(t *testing.T) {
	f := newField(t)
	if f == nil {
		return
	}
	start := time.Now()
	c := &campaign{field: f, t: t, counts: newCounts()}
	if name := os.Getenv("IMAPKNIFE_CAMPAIGN"); name != "" {
		one, err := parseTrial(name)
		if err != nil {
			t.Fatal(err)
		}
		c.show = true
		c.run([]trial{one})
		return
	}
	seed, err := strconv.ParseUint(os.Getenv("IMAPKNIFE_CAMPAIGN_SEED"), 10, 64)
	if err != nil {
		seed = 1
	}
	for trials := range slices.Chunk(c.plan(seed), batch) {
		c.run(trials)
	}
	t.Logf("seed %d, %v\n%s", seed, time.Since(start).Round(time.Second), c.counts)
	if c.counts.faults < enough {
		t.Errorf("only %d faults came to pass, not %d", c.counts.faults, enough)
	}
}

// newField builds imapknife and starts Dovecot, nil where there is none.
func newField(t *testing.T) *field {
	server := realserver.ForTest(t, "dovecot", realserver.Options{Users: users})
	if server == nil {
		return nil
	}
	f := &field{server: server, program: filepath.Join(t.TempDir(), "imapknife"), files: t.TempDir()}
	build := exec.Command("go", "build", "-o", f.program, "github.com/imapknife/imapknife")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, text)
	}
	var err error
	if f.ca, err = imaptest.NewCA(); err == nil {
		err = writeFiles(f.files)
	}
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// campaign is one run of many trials.
type campaign struct {
	*field
	t      *testing.T
	counts *counts
	show   bool // every trial, with what passed
	shown  int
}

// plan makes the trials of every operation, in an order that mixes them.
func (c *campaign) plan(seed uint64) []trial {
	ops := operations()
	lists := make([][]trial, len(ops))
	parallel(len(ops), func(i int) error {
		p := &planner{field: c.field, op: &ops[i], random: rand.New(rand.NewPCG(seed, uint64(i)))}
		var err error
		lists[i], err = p.all()
		return err
	}, c.t)
	all := slices.Concat(lists...)
	random := rand.New(rand.NewPCG(seed, 0))
	random.Shuffle(len(all), func(i, k int) { all[i], all[k] = all[k], all[i] })
	return all
}

// parallel calls f for each number below n, several at a time: most of them
// wait.
func parallel(n int, f func(int) error, t *testing.T) {
	t.Helper()
	var wg sync.WaitGroup
	numbers := make(chan int)
	errs := make(chan error, n)
	for range 8 * runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := range numbers {
				if err := f(i); err != nil {
					errs <- err
				}
			}
		})
	}
	for i := range n {
		numbers <- i
	}
	close(numbers)
	wg.Wait()
	close(errs)
	for err := range errs {
		t.Fatal(err)
	}
}

// attempt is a trial and what came of it.
type attempt struct {
	trial
	user          string
	first, second *outcome
	broken        []string
}

// run carries out and judges some trials.
func (c *campaign) run(trials []trial) {
	c.t.Helper()
	all := make([]*attempt, len(trials))
	parallel(len(trials), func(i int) (err error) {
		a := &attempt{trial: trials[i]}
		all[i] = a
		if a.user, err = prepare(c.server, a.op); err == nil {
			a.first, _, err = c.field.run(a.op, a.user, about(a.op), a.troubles)
		}
		return err
	}, c.t)
	c.judge(all, func(a *attempt, boxes mailboxes) []string { return judgeRun(a.op, a.first, boxes) })
	var retried []*attempt
	for i, a := range all {
		// Without any receipt all is as before: a few of these are enough.
		if !a.first.killed && len(again(a.op, a.first)) > 0 && (len(a.first.rows) > 0 || i%rowless == 0) {
			retried = append(retried, a)
		}
	}
	parallel(len(retried), func(i int) (err error) {
		a := retried[i]
		a.second, _, err = c.field.run(a.op, a.user, again(a.op, a.first), nil)
		return err
	}, c.t)
	c.judge(retried, func(a *attempt, boxes mailboxes) []string { return judgeAgain(a.op, a.first, a.second, boxes) })
	for _, a := range all {
		c.counts.add(a)
		c.report(a)
	}
}

// judge asks Dovecot and judges each attempt.
func (c *campaign) judge(all []*attempt, judge func(*attempt, mailboxes) []string) {
	c.t.Helper()
	if len(all) == 0 {
		return
	}
	var names []string
	for _, a := range all {
		names = append(names, a.user)
	}
	held, err := look(c.t.Context(), c.server, names)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, a := range all {
		a.broken = append(a.broken, judge(a, held[a.user])...)
	}
}

// report tells what is broken, and shows what passed.
func (c *campaign) report(a *attempt) {
	c.t.Helper()
	text := a.String() + "\n"
	for _, line := range a.broken {
		text += "  " + line + "\n"
	}
	if c.show || c.shown < shown {
		for _, o := range []*outcome{a.first, a.second} {
			if o != nil {
				text += fmt.Sprintf("exit status %d, %d of %d faults came to pass, rows %+v\n%s%s", o.exit, o.struck, len(a.troubles), o.rows, o.stderr, o.record)
			}
		}
	}
	switch {
	case len(a.broken) > 0:
		c.shown++
		c.t.Errorf("%s  IMAPKNIFE_CAMPAIGN=%s runs it alone", text, a)
	case c.show:
		c.t.Log(text)
	}
}

// counts is what a campaign says of itself at its end.
type counts struct {
	trials, faults, idle, again, broken int
	kinds                               map[string]map[string]int // by operation
	depth                               map[int]int               // by connection
	status                              map[string]int
	exits                               map[int]int
}

func newCounts() *counts {
	return &counts{kinds: map[string]map[string]int{}, depth: map[int]int{}, status: map[string]int{}, exits: map[int]int{}}
}

func (c *counts) add(a *attempt) {
	c.trials++
	if c.kinds[a.op.name] == nil {
		c.kinds[a.op.name] = map[string]int{}
	}
	for i, x := range a.troubles {
		if i >= a.first.struck {
			c.idle++
			continue
		}
		c.faults++
		c.depth[i+1]++
		c.kinds[a.op.name][x.label()]++
	}
	if a.second != nil {
		c.again++
	}
	if len(a.broken) > 0 {
		c.broken++
	}
	for _, r := range a.first.rows {
		c.status[r.Status]++
	}
	c.exits[a.first.exit]++
}

func (c *counts) String() string {
	var out strings.Builder
	fmt.Fprintf(&out, "campaign: %d faults in %d runs, %d of them done again; the four invariants checked %d times, %d broken\n",
		c.faults, c.trials, c.again, c.trials+c.again, c.broken)
	fmt.Fprintf(&out, "by connection: %v; %d faults did not come to pass\n", c.depth, c.idle)
	for _, op := range slices.Sorted(maps.Keys(c.kinds)) {
		fmt.Fprintf(&out, "%-20s %v\n", op, c.kinds[op])
	}
	fmt.Fprintf(&out, "receipts: %v\nexit statuses (-1: killed): %v", c.status, c.exits)
	return out.String()
}
