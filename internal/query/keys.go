package query

import (
	"slices"
	"strings"
)

// argKind is what follows a search key.
type argKind uint8

const (
	argNone       argKind = iota
	argText               // a string
	argHeader             // a field name and a string
	argDate               // a date or an instant, compared with INTERNALDATE
	argSent               // the same, compared with the Date header field
	argDay                // a date without a time of day
	argSize               // octets
	argAge                // seconds, or 12h, 7d
	argKeyword            // a keyword flag
	argUID                // a UID set
	argModseq             // a mod-sequence value
	argObjectID           // an object identifier (RFC 8474)
	argGmailID            // an unsigned 64-bit number
	argLabel              // a Gmail label
	argAttachment         // nothing, but the key is our own
	argGlob               // a pattern for attachments
	argKey                // another search key
	argTwoKeys            // two search keys
)

// keySpec is one search key: the table below is the only list of them.
type keySpec struct {
	name  string
	arg   argKind
	value string // what the value is called in help and docs
	needs string // capability, empty when every IMAP4rev1 server has the key
	flag  string // criterion of the command line, without dashes
	help  string
}

// The names that appear in code too.
const (
	keyAll        = "ALL"
	keyAttachment = "ATTACHMENT"
	keyBefore     = "BEFORE"
	keyFuzzy      = "FUZZY"
	keyHasAttach  = "HAS-ATTACHMENT"
	keyHeader     = "HEADER"
	keyLarger     = "LARGER"
	keyNot        = "NOT"
	keyOn         = "ON"
	keyOr         = "OR"
	keyBody       = "BODY"
	keyRaw        = "X-GM-RAW"
	keyRecipient  = "RECIPIENT"
	keyText       = "TEXT"
	keySentBefore = "SENTBEFORE"
	keySentOn     = "SENTON"
	keySentSince  = "SENTSINCE"
	keySince      = "SINCE"
	keySmaller    = "SMALLER"
	keyUID        = "UID"
	keyYounger    = "YOUNGER"
)

// The capabilities that decide how a program is planned.
const (
	capCondstore = "CONDSTORE"
	capFuzzy     = "SEARCH=FUZZY"
	capGmail     = "X-GM-EXT-1"
	capObjectID  = "OBJECTID"
	capQresync   = "QRESYNC"
	capRev2      = "IMAP4rev2"
	capSaveDate  = "SAVEDATE"
	capWithin    = "WITHIN"
)

// keys is RFC 9051 section 6.4.4 with what RFC 3501 had and extensions add.
var keys = [...]keySpec{
	{keyAll, argNone, "", "", "", "every message"},
	{"ANSWERED", argNone, "", "", "answered", "with \\Answered"},
	{"UNANSWERED", argNone, "", "", "unanswered", "without \\Answered"},
	{"DELETED", argNone, "", "", "deleted", "with \\Deleted"},
	{"UNDELETED", argNone, "", "", "undeleted", "without \\Deleted"},
	{"DRAFT", argNone, "", "", "draft", "with \\Draft"},
	{"UNDRAFT", argNone, "", "", "undraft", "without \\Draft"},
	{"FLAGGED", argNone, "", "", "flagged", "with \\Flagged"},
	{"UNFLAGGED", argNone, "", "", "unflagged", "without \\Flagged"},
	{"SEEN", argNone, "", "", "seen", "with \\Seen"},
	{"UNSEEN", argNone, "", "", "unseen", "without \\Seen"},
	{"RECENT", argNone, "", "", "recent", "with \\Recent"},
	{"NEW", argNone, "", "", "new", "with \\Recent and without \\Seen"},
	{"OLD", argNone, "", "", "old", "without \\Recent"},
	{"KEYWORD", argKeyword, "FLAG", "", "keyword", "with the keyword FLAG"},
	{"UNKEYWORD", argKeyword, "FLAG", "", "unkeyword", "without the keyword FLAG"},

	{"FROM", argText, "TEXT", "", "from", "TEXT in the From field"},
	{"TO", argText, "TEXT", "", "to", "TEXT in the To field"},
	{"CC", argText, "TEXT", "", "cc", "TEXT in the Cc field"},
	{"BCC", argText, "TEXT", "", "bcc", "TEXT in the Bcc field"},
	{"SUBJECT", argText, "TEXT", "", "subject", "TEXT in the Subject field"},
	{keyRecipient, argText, "ADDRESS", "", "", "for ADDRESS, in To, Cc, Delivered-To or X-Original-To: exact where it is whole, or alice@, @example.org, or a part of one"},
	{keyHeader, argHeader, "NAME:VALUE", "", "header", "VALUE in the header field NAME; without VALUE, the field is there"},
	{keyBody, argText, "TEXT", "", "body-contains", "TEXT in the body"},
	{keyText, argText, "TEXT", "", "contains", "TEXT in the header or the body"},

	{keySince, argDate, "DATE", "", "since", "received on DATE or later"},
	{keyBefore, argDate, "DATE", "", "before", "received before DATE"},
	{keyOn, argDate, "DATE", "", "on", "received on DATE"},
	{keySentSince, argSent, "DATE", "", "sent-since", "sent on DATE or later, by the Date field"},
	{keySentBefore, argSent, "DATE", "", "sent-before", "sent before DATE, by the Date field"},
	{keySentOn, argSent, "DATE", "", "sent-on", "sent on DATE, by the Date field"},
	{keyYounger, argAge, "AGE", capWithin, "younger", "received less than AGE ago"},
	{"OLDER", argAge, "AGE", capWithin, "older", "received more than AGE ago"},
	{keyLarger, argSize, "SIZE", "", "larger", "larger than SIZE"},
	{keySmaller, argSize, "SIZE", "", "smaller", "smaller than SIZE"},
	{keyUID, argUID, "SET", "", "", "with a UID in SET"},

	{keyHasAttach, argAttachment, "", "", "has-attachment", "with an attachment, of a name or media type like GLOB"},
	{keyAttachment, argGlob, "GLOB", "", "", "with an attachment of a name or media type like GLOB"},

	{"MODSEQ", argModseq, "NUMBER", capCondstore, "", "changed at mod-sequence NUMBER or later (CONDSTORE)"},
	{"EMAILID", argObjectID, "ID", capObjectID, "", "with the EMAILID ID (OBJECTID)"},
	{"THREADID", argObjectID, "ID", capObjectID, "", "with the THREADID ID (OBJECTID)"},
	{"SAVEDSINCE", argDay, "DATE", capSaveDate, "", "saved in this mailbox on DATE or later"},
	{"SAVEDBEFORE", argDay, "DATE", capSaveDate, "", "saved in this mailbox before DATE"},
	{"SAVEDON", argDay, "DATE", capSaveDate, "", "saved in this mailbox on DATE"},
	{"SAVEDATESUPPORTED", argNone, "", capSaveDate, "", "every message, if the mailbox keeps save dates"},
	{keyRaw, argText, "SEARCH", capGmail, "gmail-raw", "what Gmail's own search language finds"},
	{"X-GM-MSGID", argGmailID, "NUMBER", capGmail, "", "with this Gmail message identifier"},
	{"X-GM-THRID", argGmailID, "NUMBER", capGmail, "", "with this Gmail thread identifier"},
	{"X-GM-LABELS", argLabel, "LABEL", capGmail, "", "with this Gmail label"},

	{keyNot, argKey, "KEY", "", "", "not KEY"},
	{keyOr, argTwoKeys, "KEY KEY", "", "", "one of the two keys, or both"},
	{keyFuzzy, argKey, "KEY", capFuzzy, "", "KEY, matched as the server thinks fit (SEARCH=FUZZY)"},
}

// refusals says what to do instead of a key whose capability is missing.
var refusals = [...]struct{ needs, hint string }{
	{capGmail, "only Gmail has it; FROM, SUBJECT and TEXT work everywhere"},
	{capCondstore, "the server keeps no modification sequences; use UID or SINCE"},
	{capObjectID, "use HEADER Message-ID or HEADER References"},
	{capSaveDate, "use SINCE, BEFORE or ON, which go by the internal date"},
	{capFuzzy, "leave FUZZY out"},
}

// findKey returns the key of that name in any letter case, or nil.
func findKey(name string) *keySpec {
	i := slices.IndexFunc(keys[:], func(k keySpec) bool { return strings.EqualFold(k.name, name) })
	if i < 0 {
		return nil
	}
	return &keys[i]
}

// KeySpec describes a search key for help, completion and docs.
type KeySpec struct {
	Name       string
	Value      string // what follows the key, empty for nothing
	Capability string // what the server must offer, empty for nothing
	Help       string
}

// Keys lists the search keys of the language.
func Keys() []KeySpec {
	out := make([]KeySpec, len(keys))
	for i, k := range keys {
		out[i] = KeySpec{k.name, strings.ReplaceAll(k.value, ":", " "), k.needs, k.help}
	}
	return out
}
