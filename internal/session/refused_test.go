package session

import (
	"context"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/imapknife/imapknife/internal/query"
	"github.com/imapknife/imapknife/internal/realserver"
)

// Courier announces SORT and refuses it where its administrator has said so.
func TestCourierWithoutSort(t *testing.T) {
	srv := realserver.ForTest(t, "courier", realserver.Options{Extra: "IMAP_DISABLETHREADSORT=1", Users: 1})
	if srv == nil {
		return
	}
	user, password, err := srv.NewUser()
	must(t, err)
	cfg := Config{
		Host: srv.Host, Port: srv.PlainPort, TLS: StartTLS, CAFile: srv.CAFile, User: user, Now: time.Now,
		ConnectTimeout: 10 * time.Second, IOTimeout: 30 * time.Second, Auth: []string{"login"},
		Secret: func(context.Context) (string, error) { return password, nil },
		Memory: NewMemory(filepath.Join(t.TempDir(), "servers.json"), time.Now),
	}
	keys := []query.SortKey{{Name: "size"}}
	for run := range 2 {
		s := enter(t, cfg)
		must(t, s.Select(t.Context(), "INBOX"))
		can, err := s.CanSort(t.Context(), keys)
		if err != nil || can != (run == 0) {
			t.Errorf("run %d: the server sorts: %v, %v", run, can, err)
		}
		if can {
			order, err := s.Sorted(t.Context(), SearchRequest{}, keys)
			if err != nil || !slices.Equal(order, []uint32{}) {
				t.Errorf("run %d: %v, %v", run, order, err)
			}
		}
		s.Close()
	}
}

// What is refused is tried again after a time, and where the server announces
// something else.
func TestRefusedForATime(t *testing.T) {
	s, _ := answered("", "IMAP4rev1 SORT")
	now := time.Now()
	s.cfg.Now = func() time.Time { return now }
	s.NoteRefused("SORT")
	if s.Offers("SORT") || !s.announces("SORT") {
		t.Error("SORT is offered though it was refused")
	}
	if now = now.Add(refusedFor); !s.Offers("SORT") {
		t.Error("SORT is not tried again")
	}
	now = now.Add(-refusedFor)
	s.record.Capabilities, s.preauth = []string{"IMAP4REV1", "SORT"}, true
	if s.setCaps(parseCaps("IMAP4rev1 SORT X")); !s.Offers("SORT") {
		t.Error("SORT is not tried again on a server that announces something else")
	}
}
