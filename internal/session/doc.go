// Package session is one IMAP session: dialling, TLS, authentication,
// capabilities, and the typed operations that verbs are made of, one small
// file each. It writes one command and reads its tokens tolerantly: what a
// server says wrongly about one message or mailbox becomes a warning on that
// row, never the end of the rest.
//
// # Flights
//
// Open sends the credentials and Examine the mailbox without waiting. They
// form the session's prologue, which is settled by the first operation that
// needs an answer, so that login, EXAMINE and one reading command leave in one
// flight. Nothing that writes is ever sent before the prologue is settled.
//
// A Session belongs to one goroutine. It must not know how results are
// printed, nor read configuration.
package session
