package session

import (
	"testing"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/imaptest"
)

// Idling ends with a change or with its time, and the session goes on.
func TestIdle(t *testing.T) {
	for name, tt := range map[string]struct {
		script  string
		d       time.Duration
		changed bool
	}{
		"arrival":    {"S: + idling\nS: * 4 EXISTS\nC: DONE\nS: $tag OK done", time.Minute, true},
		"at once":    {"S= + idling\\r\\n* 4 EXISTS\\r\\n* 1 RECENT\\r\\n\nC: DONE\nS: $tag OK done", time.Minute, true},
		"nothing":    {"S: + idling\nC: DONE\nS: $tag OK done", 20 * time.Millisecond, false},
		"at the end": {"S: + idling\nC: DONE\nS: * 4 EXISTS\nS: $tag OK done", 20 * time.Millisecond, true},
		"noise":      {"S: + idling\nS: * OK still here\nC: DONE\nS: $tag OK done", 20 * time.Millisecond, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := serve(t, "CAPABILITY IMAP4rev1 IDLE\nON IDLE\n"+tt.script+"\n", imaptest.Options{})
			s := examined(t, to(t, srv))
			defer s.Close()
			changed, err := s.Idle(t.Context(), tt.d)
			if changed != tt.changed || err != nil {
				t.Errorf("%v, %v", changed, err)
			}
			must(t, s.Noop(t.Context()))
		})
	}
}

// The end of the time leaves a TLS connection whole.
func TestIdleTLS(t *testing.T) {
	srv := serve(t, "CAPABILITY IMAP4rev1 IDLE\nON IDLE\nS: + idling\nC: DONE\nS: $tag OK done\n", imaptest.Options{TLS: true})
	s := examined(t, secure(t, srv, Implicit))
	defer s.Close()
	for range 3 {
		if changed, err := s.Idle(t.Context(), 20*time.Millisecond); changed || err != nil {
			t.Fatalf("%v, %v", changed, err)
		}
		must(t, s.Noop(t.Context()))
	}
}

// What was told beside the answer to a command is not told again: it ends the
// wait at once. Opening the mailbox anew forgets it.
func TestIdleStirred(t *testing.T) {
	srv := serve(t, "CAPABILITY IMAP4rev1 IDLE\nON UID SEARCH\nS: * SEARCH 1 2 3\nS: * 4 EXISTS\nS: $tag OK done\nON IDLE\nS: + idling\nC: DONE\nS: $tag OK done\n", imaptest.Options{})
	s := examined(t, to(t, srv))
	defer s.Close()
	_, err := s.Search(t.Context(), SearchRequest{})
	must(t, err)
	if changed, err := s.Idle(t.Context(), time.Minute); !changed || err != nil {
		t.Errorf("%v, %v", changed, err)
	}
	must(t, s.Examine(t.Context(), "INBOX"))
	if changed, err := s.Idle(t.Context(), time.Millisecond); changed || err != nil {
		t.Errorf("anew: %v, %v", changed, err)
	}
}

func TestIdleRefused(t *testing.T) {
	srv := serve(t, "CAPABILITY IMAP4rev1\n", imaptest.Options{})
	s := examined(t, to(t, srv))
	defer s.Close()
	_, err := s.Idle(t.Context(), time.Minute)
	failed(t, err, fault.Refused, "needs the capability IDLE")
	srv = serve(t, "CAPABILITY IMAP4rev1 IDLE\nON IDLE\nS: $tag NO not now\n", imaptest.Options{})
	s = examined(t, to(t, srv))
	defer s.Close()
	_, err = s.Idle(t.Context(), time.Minute)
	failed(t, err, fault.Refused, "IDLE is refused")
	must(t, s.Noop(t.Context()))
	srv = serve(t, "CAPABILITY IMAP4rev1 IDLE\nON IDLE\nS: + idling\nS: * BYE going down\nCLOSE\n", imaptest.Options{})
	s = examined(t, to(t, srv))
	defer s.Close()
	if _, err = s.Idle(t.Context(), time.Minute); err == nil || !s.Broken() {
		t.Errorf("%v", err)
	}
}
