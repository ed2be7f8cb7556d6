package campaign

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/imapknife/imapknife/internal/imaptest"
)

// everyReading is one in how many faults of a reading the tests try, unless
// IMAPKNIFE_CAMPAIGN_FULL=1 has them try each.
const everyReading = 3

// TestReadings spoils what saves mail in files, and lets another client remove
// messages in the middle: a file that is there is whole and has a row, what did
// not come shows in the exit status, and the same done again ends well.
func TestReadings(t *testing.T) {
	f := newField(t)
	if f == nil {
		return
	}
	counts := &readingCounts{kinds: map[string]map[string]int{}, exits: map[int]int{}}
	for _, op := range readings() {
		c := &readingCampaign{field: f, op: op, counts: counts, root: t.TempDir()}
		c.run(t)
	}
	t.Log(counts)
	if counts.faults < 100 {
		t.Errorf("only %d faults came to pass", counts.faults)
	}
}

type readingCampaign struct {
	*field
	op     operation
	root   string
	mu     sync.Mutex
	counts *readingCounts
}

func (c *readingCampaign) run(t *testing.T) {
	t.Helper()
	user, dir := c.prepare(t, "clean")
	o, clean, tape, err := c.once(user, dir, nil)
	if err != nil || o.exit != 0 || len(clean.files) < len(attached()) {
		t.Fatalf("%s without a fault: %v, exit status %d, %d files\n%s", c.op.name, err, o.exit, len(clean.files), o.stderr)
	}
	all := readingTroubles(tape)
	if os.Getenv("IMAPKNIFE_CAMPAIGN_FULL") != "1" {
		some := all[:0:0]
		for i, x := range all {
			if i%everyReading == 0 || strings.HasPrefix(string(x.kind), expunge) {
				some = append(some, x)
			}
		}
		all = some
	}
	users := make([]string, len(all))
	dirs := make([]string, len(all))
	for i := range all {
		users[i], dirs[i] = c.prepare(t, fmt.Sprint(i))
	}
	parallel(len(all), func(i int) error { return c.trial(t, users[i], dirs[i], all[i], clean) }, t)
}

// prepare makes an account that holds the messages, and a folder.
func (c *readingCampaign) prepare(t *testing.T, name string) (user, dir string) {
	t.Helper()
	user, password, err := c.server.NewUser()
	if err != nil {
		t.Fatal(err)
	}
	w, err := imaptest.NewWitness(c.server.PlainAddr(), nil, user, password)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for _, m := range attached() {
		if err := w.Append(source, "()", arrived(), []byte(m.text)); err != nil {
			t.Fatal(err)
		}
	}
	dir = filepath.Join(c.root, name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return user, dir
}

func (c *readingCampaign) once(user, dir string, list []trouble) (*outcome, *saved, *tape, error) {
	o, stdout, s, err := c.pass(&c.op, user, dir, c.op.args(attached()), list)
	if err != nil {
		return nil, nil, nil, err
	}
	got, err := readSaved(dir, stdout, o.killed)
	return o, got, s.tape(1), err
}

func (c *readingCampaign) trial(t *testing.T, user, dir string, x trouble, clean *saved) error {
	o, got, _, err := c.once(user, dir, []trouble{x})
	if err != nil {
		return err
	}
	var gone uint32
	if uid, removes := strings.CutPrefix(string(x.kind), expunge); removes && o.struck > 0 {
		n, err := strconv.ParseUint(uid, 10, 32)
		if err != nil {
			return err
		}
		gone = uint32(n)
	}
	broken := judgeSaved(clean, nil, got, o, gone)
	second, again, _, err := c.once(user, dir, nil)
	if err != nil {
		return err
	}
	broken = slices.Concat(broken, judgeSavedAgain(clean, got, again, second, gone))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts.trials++
	c.counts.again++
	c.counts.faults += o.struck
	if c.counts.kinds[c.op.name] == nil {
		c.counts.kinds[c.op.name] = map[string]int{}
	}
	c.counts.kinds[c.op.name][x.label()] += o.struck
	c.counts.exits[o.exit]++
	if len(broken) > 0 {
		c.counts.broken++
		t.Errorf("%s/%s\n  %s\nexit status %d, %s\n%s\nagain: exit status %d, %s", c.op.name, x, strings.Join(broken, "\n  "), o.exit, o.stderr, o.record, second.exit, second.stderr)
	}
	return nil
}
