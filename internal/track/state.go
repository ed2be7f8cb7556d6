package track

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strconv"

	"github.com/imapknife/imapknife/internal/atomicfile"
	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/mark"
	"github.com/imapknife/imapknife/internal/query"
	"github.com/imapknife/imapknife/internal/result"
)

// State is what is known of mailboxes of an account, as a file keeps it.
type State struct {
	Account string // its digest
	All     bool   // every mailbox of the account is followed
	Boxes   []*Box
	Others  []*Box // that are not looked at now, and stay known
	// Closed, with All, could not be opened yet: what is in them when they can is
	// not new.
	Closed  []string
	written []byte // the file, as it is
}

// Box finds a mailbox, nil for none.
func (s *State) Box(name string) *Box {
	i := slices.IndexFunc(s.Boxes, func(b *Box) bool { return b.Name == name })
	if i < 0 {
		return nil
	}
	return s.Boxes[i]
}

// version is the form of the file.
const version = 1

type stateFile struct {
	Version   int       `json:"imapknife_state"`
	Account   string    `json:"account"`
	All       bool      `json:"all_mailboxes,omitempty"`
	Closed    []string  `json:"closed,omitempty"`
	Mailboxes []boxFile `json:"mailboxes"`
}

type boxFile struct {
	Name     string             `json:"mailbox"`
	Validity result.UIDValidity `json:"uidvalidity"`
	Next     uint32             `json:"uidnext"`
	Modseq   uint64             `json:"highestmodseq,omitempty"`
	Told     map[string]uint64  `json:"told,omitempty"`
	UIDs     *string            `json:"uids,omitempty"`
	Late     string             `json:"late,omitempty"`
	Flags    map[string]string  `json:"flags"`
}

// maxState is the most that is read of a file, in octets.
const maxState = 256 << 20

// Read reads the file, nil when there is none or nothing in it. The error is of kind Usage for
// what is no such file, Local for one that cannot be read.
func Read(path string) (*State, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err == nil && (!info.Mode().IsRegular() || info.Size() > maxState):
		return nil, fault.New(fault.Usage, "%s is no state of mailboxes", path)
	}
	var data []byte
	if err == nil {
		data, err = os.ReadFile(path)
	}
	switch {
	case err != nil:
		return nil, fault.Wrap(fault.Local, err, "cannot read the state")
	case len(bytes.TrimSpace(data)) == 0: // such as mktemp makes
		return nil, nil
	}
	s, err := parse(data)
	if err != nil {
		return nil, fault.Wrap(fault.Usage, err, "%s is no state of mailboxes", path).Hint("remove the file, and the next run begins anew")
	}
	return s, nil
}

func parse(data []byte) (*State, error) {
	var f stateFile
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, err
	}
	if f.Version != version {
		return nil, fault.New(fault.Usage, "its version is %d, not %d", f.Version, version)
	}
	s := &State{Account: f.Account, All: f.All, Closed: f.Closed, written: data}
	for _, x := range f.Mailboxes {
		b := &Box{Box: mark.Box{Name: x.Name, Validity: x.Validity, Next: x.Next, Modseq: x.Modseq}}
		if x.Name == "" || x.Next == 0 || s.Box(x.Name) != nil {
			return nil, fault.New(fault.Usage, "the mailbox %q makes no sense", x.Name)
		}
		var err error
		if x.UIDs != nil {
			b.Known = true
			if b.UIDs, err = parseSet(*x.UIDs); err != nil {
				return nil, err
			}
		}
		if b.Late, err = parseSet(x.Late); err != nil {
			return nil, err
		}
		if x.Flags != nil {
			b.Flags = map[string]query.Set{}
		}
		for name, text := range x.Flags {
			if b.Flags[name], err = parseSet(text); err != nil {
				return nil, err
			}
		}
		for text, modseq := range x.Told {
			uid, err := strconv.ParseUint(text, 10, 32)
			if err != nil {
				return nil, err
			}
			b.tell(uint32(uid), modseq)
		}
		s.Boxes = append(s.Boxes, b)
	}
	return s, nil
}

func parseSet(text string) (query.Set, error) {
	if text == "" {
		return nil, nil
	}
	sel, err := query.ParseSet(text)
	if err != nil {
		return nil, err
	}
	set := sel.Set()
	if set.HasLast() {
		return nil, fault.New(fault.Usage, "a set has no end")
	}
	return set, nil
}

// Write puts the state into the file in one step, mode 0600.
func (s *State) Write(path string) error {
	data, err := s.encode()
	if err == nil {
		err = atomicfile.Replace(path, data)
	}
	if err != nil {
		return fault.Wrap(fault.Local, err, "cannot write the state %s", path)
	}
	s.written = data
	return nil
}

// WriteChanged is Write where the file would be another.
func (s *State) WriteChanged(path string) error {
	if data, err := s.encode(); err == nil && bytes.Equal(data, s.written) {
		return nil
	}
	return s.Write(path)
}

func (s *State) encode() ([]byte, error) {
	f := stateFile{Version: version, Account: s.Account, All: s.All, Closed: s.Closed, Mailboxes: []boxFile{}}
	for _, b := range slices.Concat(s.Boxes, s.Others) {
		x := boxFile{Name: b.Name, Validity: b.Validity, Next: b.Next, Modseq: b.Modseq}
		if b.Known {
			text := b.UIDs.String()
			x.UIDs = &text
		}
		if !b.Late.Empty() {
			x.Late = b.Late.String()
		}
		if b.Flags != nil {
			x.Flags = map[string]string{}
		}
		for name, set := range b.Flags {
			if !set.Empty() {
				x.Flags[name] = set.String()
			}
		}
		for uid, modseq := range b.told {
			if x.Told == nil {
				x.Told = map[string]uint64{}
			}
			x.Told[strconv.FormatUint(uint64(uid), 10)] = modseq
		}
		f.Mailboxes = append(f.Mailboxes, x)
	}
	data, err := json.MarshalIndent(f, "", "  ")
	return append(data, '\n'), err
}
