package campaign

import (
	"fmt"
	"slices"
)

// The statuses of receipts, as the verbs' help tells them.
const (
	done    = "done"
	copied  = "copied"
	flagged = "flagged"
	refused = "refused"
	missing = "missing"
	unknown = "unknown"
)

// fate is what became of one message.
type fate struct {
	message
	there  *held  // in the source
	copies []held // that have come to where copies go
}

// judge holds a receipt against what the mailboxes hold and tells every
// invariant that is broken.
type judge struct {
	op     *operation
	broken []string
}

func (j *judge) say(format string, args ...any) {
	j.broken = append(j.broken, fmt.Sprintf(format, args...))
}

// judgeRun judges one run.
func judgeRun(op *operation, o *outcome, boxes mailboxes) []string {
	j := &judge{op: op, broken: slices.Clone(o.odd)}
	if !o.killed {
		j.exit(o)
	}
	j.mailboxes(o.rows, boxes, o.killed)
	return j.broken
}

// mailboxes judges what the mailboxes hold against the rows. Where silent, a
// message without a row may be half done.
func (j *judge) mailboxes(rows map[string]row, boxes mailboxes, silent bool) {
	fates := j.fates(boxes)
	for _, f := range fates {
		r, told := rows[f.key]
		switch {
		case !f.named:
			j.same(f)
		case told:
			j.told(f, r)
		case silent:
			j.open(f)
		default:
			j.undone(f, "without a receipt")
		}
	}
	for key := range rows {
		if !slices.ContainsFunc(fates, func(f fate) bool { return f.named && f.key == key }) {
			j.say("a receipt tells of %s, which was not named", key)
		}
	}
}

// fates finds each message, and takes offence at everything else that is there.
func (j *judge) fates(boxes mailboxes) []fate {
	all := messages()
	var fates []fate
	for _, m := range all {
		if j.op.files {
			m.key = m.name + ".eml"
		}
		fates = append(fates, fate{message: m})
	}
	find := func(name string) *fate {
		if i := slices.IndexFunc(fates, func(f fate) bool { return f.name == name }); i >= 0 {
			return &fates[i]
		}
		return nil
	}
	for _, h := range boxes[source] {
		f := find(h.name)
		if f == nil || f.there != nil || j.op.files || f.key != fmt.Sprint(h.uid) {
			j.say("%s holds %+v, which was not there", source, h)
			continue
		}
		f.there = &h
	}
	j.residents(boxes[j.op.to])
	for _, h := range boxes[j.op.to] {
		if int(h.uid) <= len(residents(all)) {
			continue
		}
		f := find(h.name)
		if f == nil || !f.named {
			j.say("%s holds %+v, which nobody sent there", j.op.to, h)
			continue
		}
		f.copies = append(f.copies, h)
	}
	return fates
}

// residents sees that what was in the destination before is as it was.
func (j *judge) residents(box []held) {
	if j.op.to == "" {
		return
	}
	for i, m := range residents(messages()) {
		if len(box) <= i || box[i].uid != uint32(i+1) || box[i].name != m.name || !slices.Equal(box[i].flags, sorted(m.flags)) {
			j.say("%q, which was in %s before, is not as it was", m.name, j.op.to)
		}
	}
}

// same wants a message as it was, in the source.
func (j *judge) same(f fate) {
	if j.op.files {
		return
	}
	switch {
	case f.there == nil:
		j.say("%q was not to go, and has gone", f.name)
	case !slices.Equal(f.there.flags, sorted(f.flags)):
		j.say("%q was to keep the flags %v, and has %v", f.name, f.flags, f.there.flags)
	}
}

// undone wants a message to which nothing has happened.
func (j *judge) undone(f fate, why string) {
	j.same(f)
	if len(f.copies) > 0 {
		j.say("%q is %s, and is copied", f.name, why)
	}
}

// told judges one message by its receipt.
func (j *judge) told(f fate, r row) {
	switch r.Status {
	case done:
		j.done(f, r)
	case copied:
		j.same(f)
		j.copy(f, r)
	case flagged:
		j.copy(f, r)
		if want := append(slices.Clone(f.flags), `\Deleted`); f.there == nil || !slices.Equal(f.there.flags, sorted(want)) {
			j.say("%q is told to be flagged, and is not there with the flags %v", f.name, want)
		}
	case refused:
		j.undone(f, refused)
	case unknown:
		j.open(f)
	default:
		j.say("%q is told to be %s (%s)", f.name, r.Status, r.Reason)
	}
}

// done wants a message to which everything has happened, once.
func (j *judge) done(f fate, r row) {
	j.copy(f, r)
	switch {
	case j.op.removes && f.there != nil:
		j.say("%q is told to be done, and has not gone", f.name)
	case !j.op.removes && !j.op.files && f.there == nil:
		j.say("%q was not to go, and has gone", f.name)
	case j.op.removes || j.op.files:
	case !slices.Equal(f.there.flags, sorted(slices.Concat(f.flags, j.op.adds))):
		j.say("%q has the flags %v, to %v were to come %v", f.name, f.there.flags, f.flags, j.op.adds)
	}
}

// copy wants exactly one copy, the one that the receipt names.
func (j *judge) copy(f fate, r row) {
	if j.op.to == "" {
		return
	}
	if len(f.copies) != 1 {
		j.say("%q is told to be %s, and there are %d copies of it", f.name, r.Status, len(f.copies))
		return
	}
	c := f.copies[0]
	if r.DestinationUID != 0 && r.DestinationUID != c.uid {
		j.say("%q is told to have the UID %d, and has %d", f.name, r.DestinationUID, c.uid)
	}
	if want := sorted(f.flags); !j.op.files && !slices.Equal(c.flags, want) {
		j.say("the copy of %q has the flags %v, not %v", f.name, c.flags, want)
	}
}

// open judges a message of which nothing is told: it is not lost, and not there
// twice.
func (j *judge) open(f fate) {
	if len(f.copies) > 1 {
		j.say("there are %d copies of %q", len(f.copies), f.name)
	}
	if j.op.files {
		return
	}
	if f.there == nil {
		switch {
		case !j.op.removes, j.op.to != "" && len(f.copies) == 0:
			j.say("%q is lost", f.name)
		}
		return
	}
	may := [][]string{sorted(f.flags), sorted(slices.Concat(f.flags, j.op.adds))}
	if j.op.removes {
		may = append(may, sorted(append(slices.Clone(f.flags), `\Deleted`)))
	}
	if !slices.ContainsFunc(may, func(flags []string) bool { return slices.Equal(flags, f.there.flags) }) {
		j.say("%q has the flags %v", f.name, f.there.flags)
	}
}

// exit wants the exit status that the receipts make, and a receipt for every
// message or for none.
func (j *judge) exit(o *outcome) {
	count := map[string]int{}
	for _, r := range o.rows {
		count[r.Status]++
	}
	n := len(o.rows)
	var want []int
	switch {
	case n == 0:
		want = []int{3, 4, 5}
	case count[unknown] > 0:
		want = []int{11}
	case count[done] == n:
		want = []int{0}
	case count[refused] == n:
		want = []int{3, 4, 5}
	default:
		want = []int{9}
	}
	if !slices.Contains(want, o.exit) {
		j.say("exit status %d, with rows %v it is one of %v", o.exit, count, want)
	}
	if all := len(about(j.op)); n != 0 && n != all {
		j.say("%d receipts for %d messages", n, all)
	}
}

// again is the messages that the receipts call not done.
func again(op *operation, o *outcome) []message {
	return slices.DeleteFunc(about(op), func(m message) bool {
		r, told := o.rows[m.key]
		return told && r.Status != refused
	})
}

// judgeAgain judges what there is after what the first run called not done was
// done again: each message exactly where it is to be, unless the first run did
// not know.
func judgeAgain(op *operation, first, second *outcome, boxes mailboxes) []string {
	j := &judge{op: op, broken: slices.Clone(second.odd)}
	rows := map[string]row{}
	for key, r := range first.rows {
		rows[key] = r
	}
	for key, r := range second.rows {
		if was := rows[key].Status; was != "" && was != refused {
			j.say("%s was %s, and is told of again", key, was)
		}
		if r.Status != done && (r.Status != flagged || op.uidplus()) {
			j.say("%s is %s when it is done again: %s", key, r.Status, r.Reason)
		}
		rows[key] = r
	}
	if second.exit != 0 && (second.exit != 9 || op.uidplus()) {
		j.say("exit status %d when it is done again: %s", second.exit, second.stderr)
	}
	j.mailboxes(rows, boxes, false)
	return j.broken
}
