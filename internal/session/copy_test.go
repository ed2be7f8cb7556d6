package session

import (
	"fmt"
	"testing"

	"github.com/imapknife/imapknife/internal/query"
	"github.com/imapknife/imapknife/internal/wire"
)

// COPYUID maps by position; what does not fit maps nothing.
func TestCopyUID(t *testing.T) {
	for _, tt := range [...]struct{ args, asked, want string }{
		{"7 1:3 11:13", "1:3", "7 map[1:11 2:12 3:13] "},
		{"7 5,3 10,11", "3,5", "7 map[3:11 5:10] "},
		{"7 1:2,9 4,8,6", "1:9", "7 map[1:4 2:8 9:6] "},
		{"7 1:2 20:21", "2", "7 map[2:21] "},
		{"7 3:1 11:13", "1:3", "7 map[1:11 2:12 3:13] "},
		{"7 1:4294967295 1:4294967295", "5", "7 map[5:5] "},
		{"18446744073709551616 1 11", "1", "18446744073709551616 map[1:11] "},
		{"7 1:3 11:12", "1:3", "0 map[] bad"},
		{"7 1 11:12", "1:3", "0 map[] bad"},
		{"7 1", "1:3", "0 map[] bad"},
		{"0 1 2", "1:3", "0 map[] bad"},
		{"x 1 2", "1:3", "0 map[] bad"},
		{"", "1:3", "0 map[] bad"},
	} {
		asked, err := query.ParseSet(tt.asked)
		must(t, err)
		c := &Copied{}
		c.hear(wire.Status{Status: "OK", Code: "COPYUID", Args: tt.args}, asked.Set())
		got := fmt.Sprintf("%s %v ", c.Validity, c.UIDs)
		if c.Warning != "" {
			got += "bad"
		}
		if got != tt.want {
			t.Errorf("%q of %s: got %s, want %s", tt.args, tt.asked, got, tt.want)
		}
	}
}

// Where the server mixes up pairs, those of several messages are a set, and those
// of one are believed.
func TestCopyUIDShuffled(t *testing.T) {
	c := &Copied{shuffled: true}
	for _, args := range []string{"7 4 40", "7 1:3 12,10:11", "7 9,5 20:21"} {
		c.hear(wire.Status{Status: "OK", Code: "COPYUID", Args: args}, query.Set{{Lo: 1, Hi: 5}})
	}
	if got := fmt.Sprint(c.UIDs, c.Unordered, c.UnorderedTo, c.Named()); got != "map[4:40] 1:3,5 10:12,21 1:5" || c.Warning != "" {
		t.Error(got, c.Warning)
	}
}

// FuzzCopyUID: whatever a server says, only messages that were asked for are
// mapped, and it takes neither memory nor time.
func FuzzCopyUID(f *testing.F) {
	for _, seed := range []string{"7 1:3 11:13", "7 5,3 10,11", "7 1:4294967295 1:4294967295", "7 3:1,2 *", "1 1,1,1,1 2,2,2,2", "9 (1) 2", "18446744073709551616 1 2"} {
		f.Add(seed)
	}
	asked := query.Set{{Lo: 1, Hi: 5}, {Lo: 4294967295, Hi: 4294967295}}
	f.Fuzz(func(t *testing.T, args string) {
		c := &Copied{}
		c.hear(wire.Status{Status: "OK", Code: "COPYUID", Args: args}, asked)
		if len(c.UIDs) > 6 {
			t.Errorf("%d messages of 6 are mapped", len(c.UIDs))
		}
		for uid := range c.UIDs {
			if !asked.Contains(uid, 0) {
				t.Errorf("%d was not asked for", uid)
			}
		}
		if (c.UIDs == nil) == (c.Warning == "") {
			t.Errorf("%v with the warning %q", c.UIDs, c.Warning)
		}
	})
}
