// Package fault names the ways in which imapknife can fail and maps each to
// its exit status. It is the only place that knows the numbers; help, man
// pages and docs are generated from Table. It must not import any other
// package of the project.
package fault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"syscall"
)

// Kind is a class of failure. Its String form is what the JSON error object
// carries as "kind".
type Kind int

// The kinds, in the order of the exit status table.
const (
	None        Kind = iota // not a failure
	Negative                // the answer is no
	Usage                   // usage or configuration; nothing was sent
	Connect                 // could not connect or stay connected
	Auth                    // not authenticated
	Refused                 // the server refused, or lacks the capability
	Ambiguous               // several different answers where one was asked for
	Stale                   // UIDVALIDITY changed, a token no longer holds
	Safety                  // refused for safety
	Partial                 // partly done
	Protocol                // the server broke the protocol or hit a limit
	Unknown                 // the outcome of a write is unknown
	Local                   // this machine failed: disk full, no permission, a program of the person's
	Interrupted             // SIGINT
	Closed                  // standard output was closed
	Terminated              // SIGTERM or SIGHUP
)

// Row is one line of the exit status table.
type Row struct {
	Kind    Kind   `json:"-"`
	Status  int    `json:"status"`
	Name    string `json:"name"`
	Meaning string `json:"meaning"`
}

var table = [...]Row{
	{None, 0, "done", "done; an empty search is done too (--fail-empty makes it 1)"},
	{Negative, 1, "no", "the answer is no: nothing matched, wait timed out, expect not met"},
	{Usage, 2, "usage", "usage or configuration (no account, no URL, a bad flag): nothing was sent"},
	{Connect, 3, "connect", "could not connect or stay connected: DNS, TCP, TLS or STARTTLS not achieved, time-out, cut off"},
	{Auth, 4, "auth", "not authenticated: wrong or missing password, LOGINDISABLED, keyring not available"},
	{Refused, 5, "refused", "the server refused (NO, BAD, BYE) or lacks the capability"},
	{Ambiguous, 6, "ambiguous", "ambiguous: several different answers where one was asked for"},
	{Stale, 7, "stale", "stale: UIDVALIDITY changed, the token or handle no longer holds"},
	{Safety, 8, "safety", "refused for safety: read-only, not confirmed, over --max, clear text off loopback, binary to a terminal, --seq on a write"},
	{Partial, 9, "partial", "partly done: the result says which part"},
	{Protocol, 10, "protocol", "the server broke the protocol, or a limit on its data was hit"},
	{Unknown, 11, "unknown", "outcome unknown: the connection was lost after a write was sent and looking again could not settle it"},
	{Local, 12, "local", "this machine failed: a file could not be read or written, the disk is full, a --jq program or template failed"},
	{Interrupted, 130, "interrupted", "interrupted (SIGINT)"},
	{Closed, 141, "closed", "standard output was closed (SIGPIPE)"},
	{Terminated, 143, "terminated", "terminated (SIGTERM, SIGHUP)"},
}

// Table returns the exit status table, one row a status, ascending.
func Table() []Row { return append([]Row(nil), table[:]...) }

func (k Kind) row() Row {
	for _, r := range table {
		if r.Kind == k {
			return r
		}
	}
	return table[Local]
}

// String is the kind's name in JSON.
func (k Kind) String() string { return k.row().Name }

// Status is the kind's exit status.
func (k Kind) Status() int { return k.row().Status }

// Server is what an IMAP server said when it refused.
type Server struct {
	Status string `json:"status"`         // NO, BAD or BYE; OK where it did not do what it says
	Code   string `json:"code,omitempty"` // response code without brackets, as sent
	Text   string `json:"text"`           // human text, untrusted
}

func (s *Server) String() string {
	out := "server said " + s.Status
	if s.Code != "" {
		out += " [" + s.Code + "]"
	}
	if s.Text != "" {
		out += " " + s.Text
	}
	return out
}

// Error is a failure with a kind. Op says what failed on which object, lower
// case and without a full stop; the cause follows after a colon.
type Error struct {
	Kind   Kind
	Op     string
	Hints  []string // what to do, one sentence each
	Guess  []string // the same, where the server's response code says nothing better
	coded  bool     // Hints has what its response code asks for
	Server *Server  // what the server said, nil when it said nothing
	Err    error    // the cause, may be nil
}

func (e *Error) Error() string {
	parts := make([]string, 0, 3)
	if e.Op != "" {
		parts = append(parts, e.Op)
	}
	if e.Server != nil {
		parts = append(parts, e.Server.String())
	}
	if e.Err != nil {
		parts = append(parts, e.Err.Error())
	}
	return strings.Join(parts, ": ")
}

func (e *Error) Unwrap() error { return e.Err }

// New returns an error of kind k.
func New(k Kind, format string, args ...any) *Error {
	return &Error{Kind: k, Op: fmt.Sprintf(format, args...)}
}

// Wrap returns an error of kind k caused by err. Where err has a kind of its
// own already, that kind, its hints and its server text win.
func Wrap(k Kind, err error, format string, args ...any) *Error {
	e := &Error{Kind: k, Op: fmt.Sprintf(format, args...), Err: err}
	if inner, ok := errors.AsType[*Error](err); ok {
		e.Kind = inner.Kind
	}
	return e
}

// Hint adds a line of advice and returns e.
func (e *Error) Hint(format string, args ...any) *Error {
	e.Hints = append(e.Hints, fmt.Sprintf(format, args...))
	return e
}

// HintUnlessCode adds a line of advice that is a guess: it gives way to what
// the server's response code says.
func (e *Error) HintUnlessCode(format string, args ...any) *Error {
	e.Guess = append(e.Guess, fmt.Sprintf(format, args...))
	return e
}

// HintForCode adds a line of advice that stands for what Hints says about the
// server's response code.
func (e *Error) HintForCode(format string, args ...any) *Error {
	e.coded = true
	return e.Hint(format, args...)
}

// Hints gathers the hints along err's chain, outermost first, and what helps
// against the server's response code, in the place of guesses.
func Hints(err error) []string {
	var out []string
	better, known := codes[CodeOf(err)]
	said := false
	for next := err; next != nil; next = errors.Unwrap(next) {
		if e, ok := next.(*Error); ok {
			out = append(out, e.Hints...)
			if !known {
				out = append(out, e.Guess...)
			}
			said = said || e.coded
		}
	}
	if known && !said && !slices.Contains(out, better) {
		out = append(out, better)
	}
	return out
}

// ServerOf finds what the server said along err's chain, or nil.
func ServerOf(err error) *Server {
	for err != nil {
		if e, ok := err.(*Error); ok && e.Server != nil {
			return e.Server
		}
		err = errors.Unwrap(err)
	}
	return nil
}

// Interrupt and Terminate are the causes a context is cancelled with when the
// process gets SIGINT, or SIGTERM or SIGHUP.
var (
	Interrupt = New(Interrupted, "interrupted")
	Terminate = New(Terminated, "terminated")
)

// Exit is the error of a child process whose status passes through unchanged
// (sandbox, watch). It is printed as nothing.
type Exit int

func (e Exit) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// KindOf classifies any error: nil is None, an error of ours its own kind,
// EPIPE Closed, a cancelled context its cause, everything else Local.
func KindOf(err error) Kind {
	if err == nil {
		return None
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	switch {
	case errors.Is(err, syscall.EPIPE), errors.Is(err, io.ErrClosedPipe):
		return Closed
	case errors.Is(err, context.Canceled):
		return Interrupted
	}
	return Local
}

// ExitStatus is the status the process ends with for err.
func ExitStatus(err error) int {
	if code, ok := errors.AsType[Exit](err); ok {
		return int(code)
	}
	return KindOf(err).Status()
}
