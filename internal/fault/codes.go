package fault

import "strings"

// codes says what helps against a refusal with a response code (RFC 5530, RFC
// 9051 section 7.1, RFC 9738). What a verb would guess without one gives way.
// A code that is not here says nothing that a guess would not.
var codes = map[string]string{
	"ALREADYEXISTS":       "it is there already; imapknife list shows the mailboxes",
	"AUTHORIZATIONFAILED": "the login is right, and may not act for that user; --authzid names another",
	"BADCHARSET":          "the server does not know the charset of the search; words in ASCII need none",
	"BADEVENT":            "the server does not report such events",
	"CANNOT":              "the server never allows this, whoever asks; another name may do",
	"CLIENTBUG":           "the server finds fault with the command; --trace shows it, for a report",
	"CONTACTADMIN":        "the administrator of the server has to help",
	"CORRUPTION":          "the mailbox is damaged on the server: its administrator has to repair it",
	"EXPUNGEISSUED":       "another client has removed messages meanwhile: select again",
	"HASCHILDREN":         "there are mailboxes below it: delete these first",
	"INUSE":               "another program has the mailbox or the account locked: try again later",
	"LIMIT":               "that is over a limit of the server: fewer or smaller ones at a time",
	"MESSAGELIMIT":        "that is over a limit of the server: fewer messages at a time",
	"NOPERM":              "this account lacks the right; the owner of the mailbox or the administrator grants it",
	"NOTSAVED":            "the server has forgotten what it found: try again",
	"OVERQUOTA":           "the account is full: remove messages first",
	"PRIVACYREQUIRED":     "the server wants an encrypted connection: imaps:// or imap://",
	"READ-ONLY":           "the mailbox can only be read",
	"SERVERBUG":           "the server has met a fault of its own: try again later",
	"TOOBIG":              "the message is larger than the server takes",
	"TRYCREATE":           "--create makes the mailbox; imapknife list shows those there are",
	"UIDNOTSTICKY":        "the mailbox has no lasting UIDs",
	"UNAVAILABLE":         "a part of the server is down or busy: try again later",
	"UNKNOWN-CTE":         "the server cannot decode the part; --raw gives the message as it is",
	"USEATTR":             "the server makes no mailbox for that use; without --special-use it may",
}

// CodeOf returns the response code with which a server refused, in upper case
// and without arguments; empty for none.
func CodeOf(err error) string {
	s := ServerOf(err)
	if s == nil {
		return ""
	}
	word, _, _ := strings.Cut(s.Code, " ")
	return strings.ToUpper(word)
}
