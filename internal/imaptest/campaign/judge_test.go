package campaign

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// operationOf finds an operation.
func operationOf(t *testing.T, name string) *operation {
	t.Helper()
	made, err := parseTrial(name + "/cut@s1+0")
	if err != nil {
		t.Fatal(err)
	}
	return made.op
}

// before is what the mailboxes hold when nothing has happened.
func before(op *operation) mailboxes {
	boxes := mailboxes{}
	put := func(mailbox string, list []message) {
		for i, m := range list {
			boxes[mailbox] = append(boxes[mailbox], held{uid: uint32(i + 1), flags: sorted(m.flags), name: m.name})
		}
	}
	put(source, messages())
	if op.to != "" {
		put(op.to, residents(messages()))
	}
	return boxes
}

// after is what they hold when everything is done, and the receipts of that.
func after(op *operation) (mailboxes, *outcome) {
	boxes, o := before(op), &outcome{rows: map[string]row{}}
	for _, m := range about(op) {
		uid, _ := strconv.ParseUint(m.key, 10, 32)
		r := row{UID: uint32(uid), Status: done}
		if op.to != "" {
			r.DestinationUID = uint32(len(boxes[op.to]) + 1)
			boxes[op.to] = append(boxes[op.to], held{uid: r.DestinationUID, flags: sorted(m.flags), name: m.name})
		}
		o.rows[m.key] = r
		at := slices.IndexFunc(boxes[source], func(h held) bool { return h.name == m.name })
		if op.removes {
			boxes[source] = slices.Delete(boxes[source], at, at+1)
		} else {
			boxes[source][at].flags = sorted(slices.Concat(m.flags, op.adds))
		}
	}
	return boxes, o
}

func TestJudgeAgrees(t *testing.T) {
	for _, op := range operations() {
		if op.files {
			continue
		}
		boxes, o := after(&op)
		if broken := judgeRun(&op, o, boxes); broken != nil {
			t.Errorf("%s, all done: %q", op.name, broken)
		}
		if broken := judgeAgain(&op, &outcome{exit: 3}, o, boxes); broken != nil {
			t.Errorf("%s, all done again: %q", op.name, broken)
		}
		for _, exit := range []int{3, 4, 5} {
			if broken := judgeRun(&op, &outcome{exit: exit}, before(&op)); broken != nil {
				t.Errorf("%s, nothing done: %q", op.name, broken)
			}
		}
		if broken := judgeRun(&op, &outcome{killed: true}, boxes); broken != nil {
			t.Errorf("%s, killed: %q", op.name, broken)
		}
	}
}

// set gives the receipt of the first message another status.
func set(status string) func(mailboxes, *outcome) {
	return func(_ mailboxes, o *outcome) {
		r := o.rows["1"]
		r.Status = status
		o.rows["1"] = r
	}
}

// lose takes the message at a place out of a mailbox.
func lose(mailbox string, at int) func(mailboxes, *outcome) {
	return func(boxes mailboxes, _ *outcome) { boxes[mailbox] = slices.Delete(boxes[mailbox], at, at+1) }
}

// TestJudgeObjects breaks each invariant, after a move of everything unless the
// case says another operation.
func TestJudgeObjects(t *testing.T) {
	cases := []struct {
		op     string
		spoil  func(mailboxes, *outcome)
		expect string
	}{
		{"move", lose("Archive", 2), `"one" is told to be done, and there are 0 copies`},
		{"move", lose("Archive", 0), `"one", which was in Archive before, is not as it was`},
		{"move", lose(source, 0), `"bare-other" was not to go, and has gone`},
		{"move", func(b mailboxes, _ *outcome) { b[source][1].flags = nil }, `"doomed" was to keep the flags`},
		{"move", func(b mailboxes, _ *outcome) { b[source][0].name = "" }, "which was not there"},
		{"move", func(b mailboxes, _ *outcome) { b["Archive"][3].name = "last" }, "which nobody sent there"},
		{"move", func(b mailboxes, _ *outcome) {
			b["Archive"] = append(b["Archive"], held{uid: 7, name: "one"})
		}, `"one" is told to be done, and there are 2 copies`},
		{"move", func(b mailboxes, _ *outcome) { b["Archive"][3].flags = nil }, `the copy of "two" has the flags`},
		{"move", func(b mailboxes, _ *outcome) { b["Archive"][2].uid, b["Archive"][3].uid = 4, 3 }, `"one" is told to have the UID 3, and has 4`},
		{"move", func(b mailboxes, _ *outcome) {
			b[source] = append(b[source], held{uid: 1, name: "one"})
		}, `"one" is told to be done, and has not gone`},
		{"move", set(refused), `"one" was not to go, and has gone`},
		{"move", set(refused), `exit status 0`},
		{"move", set(unknown), `exit status 0`},
		{"move", set(missing), `"one" is told to be missing`},
		{"move", set(flagged), `"one" is told to be flagged`},
		{"copy", set(refused), `"one" is refused, and is copied`},
		{"move", func(_ mailboxes, o *outcome) { delete(o.rows, "1") }, "3 receipts for 4 messages"},
		{"move", func(_ mailboxes, o *outcome) { clear(o.rows); o.exit = 3 }, `"one" is without a receipt, and is copied`},
		{"move", func(_ mailboxes, o *outcome) { o.rows["4"] = row{UID: 4, Status: done} }, "tells of 4, which was not named"},
		{"move", func(b mailboxes, o *outcome) { lose("Archive", 2)(b, o); o.killed = true; clear(o.rows) }, `"one" is lost`},
		{"copy", func(b mailboxes, o *outcome) { lose(source, 0)(b, o); o.killed = true; clear(o.rows) }, `"one" is lost`},
		{"delete-expunge", func(b mailboxes, _ *outcome) {
			b[source] = append(b[source], held{uid: 1, name: "one"})
		}, `"one" is told to be done, and has not gone`},
		{"delete-expunge", lose(source, 1), `"doomed" was not to go, and has gone`},
		{"store", func(b mailboxes, _ *outcome) { b[source][0].flags = []string{"foo"} }, `"one" has the flags [foo]`},
		{"store", set(refused), `"one" was to keep the flags []`},
		{"store", func(b mailboxes, o *outcome) { set(unknown)(b, o); b[source][0].flags = []string{`\Deleted`} }, `"one" has the flags [\Deleted]`},
	}
	for _, c := range cases {
		op := operationOf(t, c.op)
		boxes, o := after(op)
		c.spoil(boxes, o)
		broken := judgeRun(op, o, boxes)
		if !slices.ContainsFunc(broken, func(text string) bool { return strings.Contains(text, c.expect) }) {
			t.Errorf("%s: %q does not say %q", c.op, broken, c.expect)
		}
	}
}

// TestJudgeAgainObjects has a retry that leaves a second copy, and one that
// fails.
func TestJudgeAgainObjects(t *testing.T) {
	op := operationOf(t, "move")
	boxes, o := after(op)
	first := &outcome{exit: 5, rows: maps.Clone(o.rows)}
	for key, r := range first.rows {
		r.Status = refused
		first.rows[key] = r
	}
	boxes["Archive"] = append(boxes["Archive"], held{uid: 7, name: "one"})
	if broken := judgeAgain(op, first, o, boxes); len(broken) != 1 || !strings.Contains(broken[0], "2 copies") {
		t.Errorf("%q", broken)
	}
	if broken := judgeAgain(op, first, first, before(op)); len(broken) != 5 {
		t.Errorf("%q", broken)
	}
}
