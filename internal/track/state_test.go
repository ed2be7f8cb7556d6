package track

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/mark"
	"github.com/imapknife/imapknife/internal/query"
)

// What is written is read back.
func TestState(t *testing.T) {
	want := &State{Account: "abc", Closed: []string{"Public"}, Boxes: []*Box{
		{Box: mark.Box{Name: "INBOX", Validity: "4294967296001", Next: 43, Modseq: 1001}, Known: true, UIDs: query.Set{{Lo: 1, Hi: 41}}, told: map[uint32]uint64{4: 1002}, Late: query.Set{{Lo: 42, Hi: 42}}},
		{Box: mark.Box{Name: `od"d, ✉`, Validity: "9007199254740993", Next: 1}, Known: true, Flags: map[string]query.Set{`\Seen`: {{Lo: 1, Hi: 1}, {Lo: 5, Hi: 9}}}},
		{Box: mark.Box{Name: "marked", Validity: "3", Next: query.MaxUID}},
	}}
	path := filepath.Join(t.TempDir(), "new", "state.json")
	if got, err := Read(path); got != nil || err != nil {
		t.Fatal(got, err)
	}
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := Read(empty); got != nil || err != nil {
		t.Errorf("an empty file: %v, %v", got, err)
	}
	if err := want.Write(path); err != nil {
		t.Fatal(err)
	}
	got, err := Read(path)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%+v, %v", got, err)
	}
	if got.Box("marked") == nil || got.Box("Marked") != nil {
		t.Error("a box is not found by its name")
	}
}

// What makes no sense is an error that says so, never a state.
func TestStateWrong(t *testing.T) {
	for _, text := range []string{
		`null`, `{}`, `[]`, `{"imapknife_state": 2}`,
		`{"imapknife_state": 1, "mailboxes": [{}]}`,
		`{"imapknife_state": 1, "mailboxes": [{"mailbox": "x"}]}`,
		`{"imapknife_state": 1, "mailboxes": [{"mailbox": "x", "uidnext": 1}, {"mailbox": "x", "uidnext": 1}]}`,
		`{"imapknife_state": 1, "mailboxes": [{"mailbox": "x", "uidnext": 4294967296}]}`,
		`{"imapknife_state": 1, "mailboxes": [{"mailbox": "x", "uidnext": 1, "uids": "last"}]}`,
		`{"imapknife_state": 1, "mailboxes": [{"mailbox": "x", "uidnext": 1, "uids": "x"}]}`,
		`{"imapknife_state": 1, "mailboxes": [{"mailbox": "x", "uidnext": 1, "late": "x"}]}`,
		`{"imapknife_state": 1, "mailboxes": [{"mailbox": "x", "uidnext": 1, "flags": {"a": "-1"}}]}`,
		`{"imapknife_state": 1, "mailboxes": [{"mailbox": "x", "uidnext": 1, "told": {"a": 1}}]}`,
	} {
		path := filepath.Join(t.TempDir(), "state.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if s, err := Read(path); s != nil || fault.KindOf(err) != fault.Usage {
			t.Errorf("%s: %v, %v", text, s, err)
		}
	}
}
