package campaign

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// readings are the command lines that save mail in files of the folder out.
func readings() []operation {
	dir := []string{"--dir", "out"}
	return []operation{
		{name: "fetch-raw", verb: []string{"fetch", "--raw"}, rest: dir},
		{name: "fetch-text", verb: []string{"fetch", "--text"}, rest: dir},
		{name: "fetch-part", verb: []string{"fetch", "--part", "1", "--decode"}, rest: dir},
		{name: "attachments-save", verb: []string{"attachments", "save"}, rest: dir},
	}
}

// attached are the messages of the campaign of readings, with two attachments
// each, by ascending UID from 1.
func attached() []message {
	var out []message
	for i := range 3 {
		part := func(n int) string {
			return fmt.Sprintf("--b\r\nContent-Type: application/x\r\nContent-Disposition: attachment; filename=f%d-%d.bin\r\n\r\n%s\r\n",
				i+1, n, strings.Repeat(fmt.Sprintf("octets of %d in %d ", n, i+1), 20*n))
		}
		out = append(out, message{name: fmt.Sprint(i + 1), key: fmt.Sprint(i + 1), named: true,
			text: fmt.Sprintf("From: a@campaign.example\r\nSubject: %d\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"+
				"--b\r\nContent-Type: text/plain\r\n\r\ntext of %d\r\n%s%s--b--\r\n", i+1, i+1, part(1), part(2))})
	}
	return out
}

// saved is what a run of a reading has left.
type saved struct {
	files map[string]string // by name
	rows  []savedRow
	odd   []string
}

type savedRow struct {
	UID    uint32
	Path   string
	Status string
}

// readSaved looks at the folder and at standard output.
func readSaved(dir, stdout string, killed bool) (*saved, error) {
	s := &saved{files: map[string]string{}}
	entries, err := os.ReadDir(filepath.Join(dir, "out"))
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, "out", e.Name()))
		if err != nil {
			return nil, err
		}
		if strings.HasPrefix(e.Name(), ".") {
			if !killed {
				s.odd = append(s.odd, "an unfinished file is left: "+e.Name())
			}
			continue
		}
		s.files[e.Name()] = string(data)
	}
	for line := range strings.Lines(stdout) {
		var r savedRow
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			if !killed {
				s.odd = append(s.odd, fmt.Sprintf("a line of standard output is no row: %q", line))
			}
			continue
		}
		s.rows = append(s.rows, r)
	}
	return s, nil
}

// judgeSaved holds what a run has left against what an undisturbed one leaves,
// and what was there before, nil for nothing. gone is the UID of a message that
// another client removed, 0 for none.
func judgeSaved(clean, before, got *saved, o *outcome, gone uint32) []string {
	broken := slices.Concat(o.odd, got.odd)
	say := func(format string, args ...any) { broken = append(broken, fmt.Sprintf(format, args...)) }
	told := map[string]bool{}
	for _, r := range got.rows {
		if r.Path == "" {
			continue
		}
		name := filepath.Base(r.Path)
		if told[name] = true; got.files[name] == "" {
			say("a row tells of %s, and there is no such file", name)
		}
	}
	for name, text := range got.files {
		switch want, known := clean.files[name]; {
		case !known:
			say("nobody asked for the file %s", name)
		case text != want:
			say("the file %s has %d octets that are not those of the message, which has %d", name, len(text), len(want))
		case !told[name] && (before == nil || before.files[name] == "") && (o.exit == 0 || o.exit == 9) && !o.killed:
			say("the file %s has no row, and the exit status is %d", name, o.exit)
		}
	}
	missing := len(clean.files) - len(got.files)
	switch {
	case o.killed:
	case missing > 0 && o.exit == 0:
		say("%d files are missing, and the exit status is 0", missing)
	case missing > 0 && gone == 0 && o.exit == 1:
		say("%d files are missing of messages that are there, and the exit status is 1", missing)
	}
	return broken
}

// judgeSavedAgain judges a second, undisturbed run.
func judgeSavedAgain(clean, before, got *saved, o *outcome, gone uint32) []string {
	broken := judgeSaved(clean, before, got, o, gone)
	if gone == 0 && (o.exit != 0 || len(got.files) != len(clean.files)) {
		broken = append(broken, fmt.Sprintf("done again: exit status %d, %d of %d files: %s", o.exit, len(got.files), len(clean.files), o.stderr))
	}
	if gone != 0 && o.exit != 9 {
		broken = append(broken, fmt.Sprintf("done again without message %d: exit status %d", gone, o.exit))
	}
	return broken
}

// readingTroubles is what is done to a reading like the one on the tape: what the
// server says to each FETCH is NO, BAD, BYE or nothing, behind each literal and
// at each response, and another client removes a message before each FETCH.
func readingTroubles(t *tape) []trouble {
	var out []trouble
	fetches := map[string]bool{}
	for i, text := range t.commands {
		tag, rest, _ := strings.Cut(text, " ")
		if !strings.Contains(rest, "FETCH ") {
			continue
		}
		fetches[tag] = true
		for _, m := range attached() {
			out = append(out, trouble{kind(expunge + m.key), point{client: true, index: i + 1}})
		}
	}
	for i, text := range t.responses {
		tag, _, _ := strings.Cut(text, " ")
		at := point{index: i + 1}
		switch {
		case fetches[tag]:
			for _, k := range []kind{no, bad, bye, cut, reset, stall, kill} {
				out = append(out, trouble{k, at})
			}
		case strings.Contains(text, " FETCH "):
			for _, at.octet = range append(literals(text), 0, len(text)-1) {
				for _, k := range []kind{cut, reset, stall} {
					out = append(out, trouble{k, at})
				}
			}
			at.octet = 0 // inside a literal it would be the message's
			out = append(out, trouble{bye, at})
		}
	}
	return out
}

// readingCounts is what the campaign of readings says of itself at its end.
type readingCounts struct {
	trials, faults, again, broken int
	kinds                         map[string]map[string]int // by operation
	exits                         map[int]int
}

func (c *readingCounts) String() string {
	var out strings.Builder
	fmt.Fprintf(&out, "campaign of readings: %d faults in %d runs, %d of them done again, %d broken\n", c.faults, c.trials, c.again, c.broken)
	for _, op := range slices.Sorted(maps.Keys(c.kinds)) {
		fmt.Fprintf(&out, "%-20s %v\n", op, c.kinds[op])
	}
	fmt.Fprintf(&out, "exit statuses (-1: killed): %v", c.exits)
	return out.String()
}
