package result

// The values of status in rows of verbs that write.
const (
	Done    = "done"    // confirmed by the server
	Planned = "planned" // what would be done: --dry-run
	Flagged = "flagged" // not removed, only flagged \Deleted: the server lacks UIDPLUS, or did not expunge it
	Copied  = "copied"  // to be moved: the copy is there, and the server refuses to touch the original
	Missing = "missing" // named by its UID, and not there
	Refused = "refused" // not done; reason says why
	Unknown = "unknown" // the connection was lost, and looking again did not settle it
)

// Receipt is one row of store, copy, move, delete and expunge: what the server
// confirmed of one message.
type Receipt struct {
	Place
	UID                    uint32      `json:"uid" doc:"unique identifier of the message in mailbox"`
	Action                 string      `json:"action" doc:"store, copy, move, flag (\\Deleted) or expunge (remove for good)"`
	Status                 string      `json:"status" doc:"done, planned (--dry-run), flagged (\\Deleted and still there: the server lacks UIDPLUS or did not expunge it), copied (by a move that could not remove the original), missing, refused, or unknown"`
	DryRun                 bool        `json:"dry_run,omitempty" doc:"true with --dry-run: nothing was changed"`
	Destination            string      `json:"destination,omitempty" doc:"mailbox that the message is copied or moved to" untrusted:"true"`
	DestinationUIDValidity UIDValidity `json:"destination_uidvalidity,omitempty" doc:"UIDVALIDITY of the destination (COPYUID)"`
	DestinationUID         uint32      `json:"destination_uid,omitempty" doc:"UID in the destination; absent where the server does not tell it"`
	DestinationUIDs        string      `json:"destination_uids,omitempty" doc:"UIDs in the destination of several messages, one of which this one became, where the server mixes up which (a set such as 7:9)"`
	Flags                  *[]string   `json:"flags,omitempty" sep:" " doc:"flags after a store, as the server spells them" untrusted:"true"`
	Labels                 *[]string   `json:"labels,omitempty" sep:" " doc:"Gmail labels after a store" untrusted:"true"`
	Reason                 string      `json:"reason,omitempty" doc:"why status is not done" untrusted:"true"`
	Warnings               []string    `json:"warnings,omitempty" doc:"what else there is to know" untrusted:"true"`
}

// Appended is one row of append. Where the server tells it (APPENDUID), it
// names the message, so that it can be piped to other verbs.
type Appended struct {
	Place
	UID       uint32    `json:"uid,omitempty" doc:"unique identifier in mailbox; absent where the server does not tell it"`
	Action    string    `json:"action" doc:"append"`
	Status    string    `json:"status" doc:"done, planned (--dry-run), skipped, refused, or unknown"`
	DryRun    bool      `json:"dry_run,omitempty" doc:"true with --dry-run: nothing was changed"`
	Source    string    `json:"source" doc:"file the message is from, - for standard input"`
	Number    int       `json:"number,omitempty" doc:"which message of the source, from 1, where it holds several"`
	MessageID string    `json:"message_id,omitempty" doc:"the Message-ID header field" untrusted:"true"`
	Size      uint64    `json:"size" doc:"octets sent"`
	Flags     *[]string `json:"flags,omitempty" sep:" " doc:"flags the message was given"`
	Converted bool      `json:"converted,omitempty" doc:"true when bare LF became CRLF"`
	Reason    string    `json:"reason,omitempty" doc:"why status is not done" untrusted:"true"`
	Warnings  []string  `json:"warnings,omitempty" doc:"what else there is to know" untrusted:"true"`
}

// MailboxChange is one row of mailbox create, delete, rename, subscribe and
// unsubscribe.
type MailboxChange struct {
	Account    string   `json:"account" doc:"digest of user, host and port"`
	Mailbox    string   `json:"mailbox" doc:"mailbox name, decoded from modified UTF-7" untrusted:"true"`
	Action     string   `json:"action" doc:"create, delete, rename, subscribe or unsubscribe"`
	Status     string   `json:"status" doc:"done, planned (--dry-run), refused, or unknown"`
	DryRun     bool     `json:"dry_run,omitempty" doc:"true with --dry-run: nothing was changed"`
	NewName    string   `json:"new_name,omitempty" doc:"the name after a rename"`
	SpecialUse string   `json:"special_use,omitempty" doc:"special use given to a new mailbox"`
	MailboxID  string   `json:"mailboxid,omitempty" doc:"MAILBOXID of a new mailbox (RFC 8474)" untrusted:"true"`
	Messages   *uint64  `json:"messages,omitempty" doc:"number of messages in a mailbox to be deleted"`
	Reason     string   `json:"reason,omitempty" doc:"why status is not done" untrusted:"true"`
	Warnings   []string `json:"warnings,omitempty" doc:"what else there is to know" untrusted:"true"`
}
