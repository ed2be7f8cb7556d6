package cmds

import (
	"encoding/json"
	"slices"

	"github.com/imapknife/imapknife/internal/atomicfile"
	"github.com/imapknife/imapknife/internal/config"
)

// maxSeen is how many names of mailboxes are kept for completion.
const maxSeen = 10000

// maxSeenFile is the longest file of names in octets.
const maxSeenFile = 16 << 20

// seenPath is the file with the names of an account's mailboxes, for
// completion; empty for none.
func (p *Process) seenPath(account string) string {
	return p.file(config.CacheFolder, "mailboxes-"+account+".json")
}

// seenMailboxes are the names that list has seen last.
func (p *Process) seenMailboxes(account string) (names []string) {
	data, err := atomicfile.Read(p.seenPath(account), maxSeenFile)
	if err != nil || json.Unmarshal(data, &names) != nil {
		return nil
	}
	return names
}

// keepMailboxes keeps the names for completion. It is of no consequence where
// that fails.
func (p *Process) keepMailboxes(account string, names []string) {
	path := p.seenPath(account)
	if path == "" || len(names) > maxSeen || slices.Equal(names, p.seenMailboxes(account)) {
		return
	}
	if data, err := json.Marshal(names); err == nil {
		_ = atomicfile.Replace(path, data)
	}
}
