package deliver

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/imapknife/imapknife/internal/result"
)

// TestDigest: what servers do to line ends makes no other message, and nothing
// else is overlooked.
func TestDigest(t *testing.T) {
	of := func(s string) [32]byte {
		sum, err := digest(iotest.OneByteReader(strings.NewReader(s)))
		if err != nil {
			t.Fatal(err)
		}
		return sum
	}
	const text = "A: b\r\n\r\nc\r\n"
	for _, same := range []string{"A: b\n\nc\n", "A: b\r\n\r\nc", "A: b\r\n\r\nc\r\n\r\n", "A: b\r\r\n\r\nc\r"} {
		if of(same) != of(text) {
			t.Errorf("%q is another message", same)
		}
	}
	for _, other := range []string{"", "A: b\r\nc\r\n", "A: b\r\n\r\nc\r\n.\r\n", "a: b\r\n\r\nc\r\n", " A: b\r\n\r\nc\r\n", "A: b\r\n\r\n\r\nc\r\n"} {
		if of(other) == of(text) {
			t.Errorf("%q is the same message", other)
		}
	}
	if _, err := digest(iotest.ErrReader(io.ErrUnexpectedEOF)); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
}

func letter(state state, text string) *Message {
	m := &Message{state: state, Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }}
	m.Row.Size, m.Row.MessageID = uint64(len(text)), "<a>"
	if state == over {
		m.Row.Status = result.Done
	}
	return m
}

func arrived(t *testing.T, uid uint32, text string) *arrival {
	t.Helper()
	sum, err := digest(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return &arrival{uid: uid, size: uint64(len(text)), messageID: "<a>", digest: sum}
}

// TestMatch: each arrival stands for one message, in order; one that was
// confirmed without its UID has arrived as well.
func TestMatch(t *testing.T) {
	d := &Delivery{base: baseline{known: true, next: 5, validity: "1"}}
	confirmed := letter(over, "same")
	confirmed.since = 5
	earlier := letter(over, "same") // confirmed in front of the baseline
	earlier.since = 4
	told := letter(over, "same")
	told.Row.UID = 3
	first, second, third := letter(sent, "same"), letter(sent, "other"), letter(sent, "same")
	batch := []*Message{earlier, told, confirmed, first, second, third, letter(todo, "same")}
	all := []*arrival{arrived(t, 5, "same"), arrived(t, 6, "same"), arrived(t, 7, "other"), arrived(t, 8, "changed")}
	if err := d.match(d.claims(batch), all); err != nil {
		t.Fatal(err)
	}
	if confirmed.Row.UID != 0 || first.Row.UID != 6 || second.Row.UID != 7 || third.state != sent {
		t.Errorf("UIDs %d, %d, %d, state %d", confirmed.Row.UID, first.Row.UID, second.Row.UID, third.state)
	}
	if d.base.next != 8 {
		t.Errorf("the next arrival is expected from UID %d", d.base.next)
	}
	if err := d.doubtful([]*Message{third}, all); !errors.Is(err, errEarlier) || third.Row.Status != result.Unknown {
		t.Errorf("%v, %q", err, third.Row.Status)
	}
}

func TestResembles(t *testing.T) {
	m := letter(sent, strings.Repeat("x", 100))
	for _, tt := range []struct {
		own string
		a   arrival
		is  bool
	}{
		{"<a>", arrival{messageID: "<a>", size: 1}, true},
		{"<a>", arrival{messageID: "<b>", size: 100}, false},
		{"<a>", arrival{size: 100}, false},
		{"", arrival{messageID: "<b>", size: 100}, false},
		{"", arrival{size: 102}, true},
		{"", arrival{size: 97}, true},
		{"", arrival{size: 103}, false},
		{"", arrival{size: 49}, false},
	} {
		m.Row.MessageID = tt.own
		if got := tt.a.resembles(m); got != tt.is {
			t.Errorf("%q, %+v: %v", tt.own, tt.a, got)
		}
	}
}
