package session

import (
	"encoding/json"
	"time"

	"github.com/imapknife/imapknife/internal/atomicfile"
)

// maxServers is how many servers are remembered; those longest unused go.
const maxServers = 100

// Memory is what servers were like the last time, kept in a file, best effort:
// a file that cannot be read or written is as good as none.
type Memory struct {
	path string
	now  func() time.Time
}

// NewMemory keeps the memory in the file at path.
func NewMemory(path string, now func() time.Time) *Memory { return &Memory{path, now} }

// record is what is remembered of one account on one server.
type record struct {
	Greeting     []string `json:"greeting_capabilities,omitempty"`
	Capabilities []string `json:"capabilities,omitempty"`
	NoPipelining bool     `json:"no_pipelining,omitempty"`
	Unbound      bool     `json:"unbound,omitempty"` // -PLUS is announced and refused
	// Refused has the announced capabilities that the server refused to let be
	// used, and when.
	Refused map[string]time.Time `json:"refused,omitempty"`
	Used    time.Time            `json:"used"`
}

// maxMemory is the longest file of servers in octets.
const maxMemory = 1 << 20

type memoryFile struct {
	Servers map[string]record `json:"servers"`
}

// load reads the file; what is wrong with it is forgotten.
func (m *Memory) load() memoryFile {
	var f memoryFile
	if data, err := atomicfile.Read(m.path, maxMemory); err == nil && json.Unmarshal(data, &f) != nil {
		f = memoryFile{}
	}
	if f.Servers == nil {
		f.Servers = map[string]record{}
	}
	return f
}

func (m *Memory) recall(key string) (record, bool) {
	r, ok := m.load().Servers[key]
	return r, ok
}

// store replaces one record. The file is renamed into place, so that two
// processes at once leave one of their versions, never a mixture.
func (m *Memory) store(key string, r record) {
	f := m.load()
	r.Used = m.now().UTC().Truncate(time.Second)
	f.Servers[key] = r
	for len(f.Servers) > maxServers {
		oldest := key
		for k, v := range f.Servers {
			if v.Used.Before(f.Servers[oldest].Used) {
				oldest = k
			}
		}
		delete(f.Servers, oldest)
	}
	if data, err := json.Marshal(f); err == nil {
		atomicfile.Replace(m.path, data)
	}
}

// remember writes down what this session has learnt, once it has logged in.
func (s *Session) remember() {
	if s.cfg.Memory == nil || !s.learnt || s.login == nil || !s.login.Done() || !s.login.Result.OK() {
		return
	}
	s.cfg.Memory.store(s.cfg.key(), s.record)
}

// forgetGreeting has the next session ask what the server offers.
func (s *Session) forgetGreeting() {
	s.record.Greeting = nil
	if s.cfg.Memory != nil {
		s.cfg.Memory.store(s.cfg.key(), s.record)
	}
}
