package result

// Mark is the one row of mark.
type Mark struct {
	Account   string          `json:"account" doc:"digest of user, host and port"`
	Mark      string          `json:"mark" doc:"the word for --mark"`
	Mailboxes []MarkedMailbox `json:"mailboxes" doc:"what the mark says of each mailbox"`
	Warnings  []string        `json:"warnings,omitempty" doc:"what the mark cannot say" untrusted:"true"`
}

// MarkedMailbox is what a mark says of a mailbox.
type MarkedMailbox struct {
	Mailbox       string      `json:"mailbox" doc:"mailbox name, decoded from modified UTF-7" untrusted:"true"`
	UIDValidity   UIDValidity `json:"uidvalidity" doc:"UIDVALIDITY of the mailbox, a string of digits above 2^53-1; 0 where the server reports none"`
	UIDNext       uint32      `json:"uidnext" doc:"the first UID that is new to the mark"`
	HighestModseq uint64      `json:"highestmodseq,omitempty" doc:"HIGHESTMODSEQ of the mailbox (CONDSTORE)"`
}

// Extracted is the one row of wait --extract.
type Extracted struct {
	Place
	UID     uint32 `json:"uid" doc:"unique identifier of the message"`
	Extract string `json:"extract" doc:"what was looked for"`
	Value   string `json:"value" doc:"what was found" untrusted:"true"`
}

// Event is a row of watch and changes: what has happened to a message.
type Event struct {
	Event string `json:"event" doc:"new, flags (changed), expunged; mailbox-created, mailbox-deleted (uid and uidvalidity are 0)"`
	Message
	Mark string `json:"mark" doc:"what came before, this event included, is old to it: for --mark"`
}

// Expectation is the one row of expect.
type Expectation struct {
	Passed    bool      `json:"passed" doc:"true when it is as expected"`
	Expected  string    `json:"expected" doc:"what was expected, in words"`
	Matched   uint64    `json:"matched" doc:"how many messages matched in the end"`
	TookMS    float64   `json:"took_ms" doc:"time until that was known, in milliseconds"`
	Detail    string    `json:"detail,omitempty" doc:"why it is not as expected" untrusted:"true"`
	Messages  []Message `json:"messages" doc:"what matched, at most 20 messages"`
	Truncated bool      `json:"truncated,omitempty" doc:"true when more matched than messages has"`
}
