// Package result holds the structs that the verbs emit. Their json tags are
// the names that scripts rely on, their doc tags the descriptions in
// `imapknife schema`; fields are only ever added. A field tagged
// untrusted:"true" carries text that others chose: a sender of mail, or the
// server. The package knows neither IMAP nor how rows are printed.
package result

import "time"

// Address is one mail address as the header spelt it, decoded.
type Address struct {
	Name    string `json:"name" doc:"display name, decoded; empty when there is none" untrusted:"true"`
	Address string `json:"address" doc:"addr-spec, as sent" untrusted:"true"`
}

// Place says where a message is: which account, mailbox and incarnation of
// that mailbox its UID belongs to.
type Place struct {
	Account     string      `json:"account" doc:"digest of user, host and port; the same for the same account everywhere"`
	Mailbox     string      `json:"mailbox" doc:"mailbox name, decoded from modified UTF-7" untrusted:"true"`
	UIDValidity UIDValidity `json:"uidvalidity" doc:"UIDVALIDITY of the mailbox (RFC 9051 section 2.3.1.1), a string of digits above 2^53-1; 0 where the server reports none"`
}

// Message is one message. Only account, mailbox, uidvalidity and uid are
// always there; the rest is present when it was asked for.
type Message struct {
	Place
	UID          uint32     `json:"uid" doc:"unique identifier"`
	Seq          uint32     `json:"seq,omitempty" doc:"message sequence number, with --seq"`
	Flags        *[]string  `json:"flags,omitempty" sep:" " doc:"flags as the server spells them" untrusted:"true"`
	InternalDate *time.Time `json:"internal_date,omitempty" doc:"when the server received the message"`
	Size         *uint64    `json:"size,omitempty" doc:"RFC822.SIZE in octets"`
	Modseq       uint64     `json:"modseq,omitempty" doc:"modification sequence (RFC 7162)"`

	Date       *time.Time `json:"date,omitempty" doc:"the Date header field; absent when it cannot be read" untrusted:"true"`
	Subject    *string    `json:"subject,omitempty" doc:"the Subject header field, decoded" untrusted:"true"`
	From       *[]Address `json:"from,omitempty" doc:"the From header field" untrusted:"true"`
	Sender     *[]Address `json:"sender,omitempty" doc:"the Sender header field" untrusted:"true"`
	ReplyTo    *[]Address `json:"reply_to,omitempty" doc:"the Reply-To header field" untrusted:"true"`
	To         *[]Address `json:"to,omitempty" doc:"the To header field" untrusted:"true"`
	Cc         *[]Address `json:"cc,omitempty" doc:"the Cc header field" untrusted:"true"`
	Bcc        *[]Address `json:"bcc,omitempty" doc:"the Bcc header field" untrusted:"true"`
	MessageID  *string    `json:"message_id,omitempty" doc:"the Message-ID header field, with its angle brackets" untrusted:"true"`
	InReplyTo  *string    `json:"in_reply_to,omitempty" doc:"the In-Reply-To header field" untrusted:"true"`
	References *[]string  `json:"references,omitempty" sep:" " doc:"the message identifiers of the References header field" untrusted:"true"`

	Headers     *[]Header     `json:"headers,omitempty" doc:"header fields in the order of the message" untrusted:"true"`
	Structure   *Part         `json:"structure,omitempty" doc:"the tree of MIME parts (BODYSTRUCTURE)" untrusted:"true"`
	Text        *string       `json:"text,omitempty" doc:"the text a person reads, decoded; made from HTML when there is no plain text" untrusted:"true"`
	HTML        *string       `json:"html,omitempty" doc:"the HTML text, decoded" untrusted:"true"`
	Body        *Content      `json:"body,omitempty" doc:"BODY[TEXT]: everything behind the header" untrusted:"true"`
	Raw         *Content      `json:"raw,omitempty" doc:"BODY[]: the whole message" untrusted:"true"`
	Part        *Content      `json:"part,omitempty" doc:"the part asked for with --part" untrusted:"true"`
	Attachments *[]Attachment `json:"attachments,omitempty" doc:"the parts that are attachments" untrusted:"true"`
	Path        string        `json:"path,omitempty" doc:"the file that was written, with --dir" untrusted:"true"`

	Preview  *string    `json:"preview,omitempty" doc:"PREVIEW (RFC 8970)" untrusted:"true"`
	SaveDate *time.Time `json:"save_date,omitempty" doc:"SAVEDATE (RFC 8514)"`
	EmailID  string     `json:"email_id,omitempty" doc:"EMAILID (RFC 8474)" untrusted:"true"`
	ThreadID string     `json:"thread_id,omitempty" doc:"THREADID (RFC 8474)" untrusted:"true"`
	Gmail    *Gmail     `json:"gmail,omitempty" doc:"Gmail's own items (X-GM-EXT-1)"`

	Truncated bool     `json:"truncated,omitempty" doc:"true when a text was cut: by --max-bytes, or at 16 MiB"`
	Warnings  []string `json:"warnings,omitempty" doc:"what was wrong with this message's data" untrusted:"true"`
}

// Header is one header field.
type Header struct {
	Name  string `json:"name" doc:"field name as sent" untrusted:"true"`
	Value string `json:"value" doc:"field value, unfolded and decoded" untrusted:"true"`
}

// Content is octets of a message.
type Content struct {
	Section  string `json:"section" doc:"IMAP section: empty for the whole message, TEXT, or a part number"`
	Encoding string `json:"encoding" doc:"how data is written here: utf-8 or base64"`
	Data     string `json:"data" doc:"the octets" untrusted:"true"`
	Size     uint64 `json:"size" doc:"octets in data before encoding"`
}

// Part is one MIME part.
type Part struct {
	Part        string            `json:"part" doc:"part number for --part, empty for a multipart message's root"`
	Type        string            `json:"type" doc:"media type in lower case, such as text/plain" untrusted:"true"`
	Params      map[string]string `json:"params,omitempty" doc:"parameters of the media type" untrusted:"true"`
	Name        string            `json:"name,omitempty" doc:"file name, decoded" untrusted:"true"`
	Disposition string            `json:"disposition,omitempty" doc:"attachment, inline, or alternative for another form of the text" untrusted:"true"`
	Encoding    string            `json:"encoding,omitempty" doc:"content transfer encoding in lower case" untrusted:"true"`
	Size        uint64            `json:"size,omitempty" doc:"octets as encoded"`
	Lines       uint64            `json:"lines,omitempty" doc:"lines of a text part"`
	ContentID   string            `json:"content_id,omitempty" doc:"Content-ID" untrusted:"true"`
	Description string            `json:"description,omitempty" doc:"Content-Description" untrusted:"true"`
	MD5         string            `json:"md5,omitempty" doc:"Content-MD5" untrusted:"true"`
	Language    []string          `json:"language,omitempty" doc:"Content-Language" untrusted:"true"`
	Location    string            `json:"location,omitempty" doc:"Content-Location" untrusted:"true"`
	Parts       []*Part           `json:"parts,omitempty" doc:"the parts inside"`
}

// Gmail holds X-GM-EXT-1 items.
type Gmail struct {
	MessageID string   `json:"message_id" doc:"X-GM-MSGID, decimal"`
	ThreadID  string   `json:"thread_id" doc:"X-GM-THRID, decimal"`
	Labels    []string `json:"labels" doc:"X-GM-LABELS" untrusted:"true"`
}

// Attachment describes one attachment, listed or saved.
type Attachment struct {
	Part        string `json:"part" doc:"part number for --part"`
	Name        string `json:"name" doc:"file name as the sender chose it, decoded" untrusted:"true"`
	Type        string `json:"type" doc:"media type in lower case" untrusted:"true"`
	Size        uint64 `json:"size" doc:"octets as encoded"`
	Encoding    string `json:"encoding,omitempty" doc:"content transfer encoding" untrusted:"true"`
	Disposition string `json:"disposition,omitempty" doc:"attachment or inline" untrusted:"true"`
	ContentID   string `json:"content_id,omitempty" doc:"Content-ID" untrusted:"true"`
}

// MessageAttachment is one row of `attachments list` and `attachments save`.
type MessageAttachment struct {
	Place
	UID uint32 `json:"uid" doc:"unique identifier of the message"`
	Attachment
	Path     string   `json:"path,omitempty" doc:"the file that was written (save)" untrusted:"true"`
	Octets   *uint64  `json:"octets,omitempty" doc:"octets written, decoded (save)"`
	Status   string   `json:"status,omitempty" doc:"saved, refused, or missing where the server did not send the part (save)"`
	Warnings []string `json:"warnings,omitempty" doc:"what was wrong with this message's data" untrusted:"true"`
}

// Mailbox is one row of `list`.
type Mailbox struct {
	Account    string   `json:"account" doc:"digest of user, host and port"`
	Mailbox    string   `json:"mailbox" doc:"mailbox name, decoded from modified UTF-7" untrusted:"true"`
	RawName    string   `json:"raw_name,omitempty" doc:"the name as sent, where decoding it and encoding it again does not give the same" untrusted:"true"`
	RawBase64  string   `json:"raw_name_base64,omitempty" doc:"the octets of raw_name in base64, where they are not UTF-8 and raw_name cannot hold them" untrusted:"true"`
	Delimiter  string   `json:"delimiter" doc:"hierarchy delimiter, empty for a flat name" untrusted:"true"`
	Attributes []string `json:"attributes" sep:" " doc:"mailbox attributes as the server spells them" untrusted:"true"`
	SpecialUse string   `json:"special_use,omitempty" doc:"special-use attribute such as \\Sent (RFC 6154)"`
	Subscribed *bool    `json:"subscribed,omitempty" doc:"whether the mailbox is subscribed, where known"`
	Children   *bool    `json:"children,omitempty" doc:"whether the mailbox has children, where known"`
	Selectable bool     `json:"selectable" doc:"false for \\Noselect and \\NonExistent"`
	Counts
	Warnings []string `json:"warnings,omitempty" doc:"what was wrong with this mailbox's data" untrusted:"true"`
}

// Counts are the STATUS items; an item the server did not tell is absent.
type Counts struct {
	Messages      *uint64     `json:"messages,omitempty" doc:"number of messages"`
	Recent        *uint64     `json:"recent,omitempty" doc:"number of messages with \\Recent"`
	Unseen        *uint64     `json:"unseen,omitempty" doc:"number of messages without \\Seen"`
	Deleted       *uint64     `json:"deleted,omitempty" doc:"number of messages with \\Deleted"`
	Size          *uint64     `json:"size,omitempty" doc:"octets of all messages (RFC 8438)"`
	UIDNext       *uint64     `json:"uidnext,omitempty" doc:"next UID to be assigned"`
	UIDValidity   UIDValidity `json:"uidvalidity,omitempty" doc:"UIDVALIDITY, a string of digits above 2^53-1"`
	HighestModseq *uint64     `json:"highestmodseq,omitempty" doc:"highest modification sequence (RFC 7162)"`
	MailboxID     string      `json:"mailboxid,omitempty" doc:"MAILBOXID (RFC 8474)" untrusted:"true"`
	AppendLimit   *uint64     `json:"appendlimit,omitempty" doc:"largest message that may be appended, in octets (RFC 7889)"`
}

// Status is one row of `status`.
type Status struct {
	Account string `json:"account" doc:"digest of user, host and port"`
	Mailbox string `json:"mailbox" doc:"mailbox name, decoded from modified UTF-7" untrusted:"true"`
	Counts
	Warnings []string `json:"warnings,omitempty" doc:"what was wrong with this mailbox's data" untrusted:"true"`
}

// Selected is the answer of `select`.
type Selected struct {
	Account        string      `json:"account" doc:"digest of user, host and port"`
	Mailbox        string      `json:"mailbox" doc:"mailbox name, decoded from modified UTF-7" untrusted:"true"`
	Exists         uint64      `json:"exists" doc:"number of messages"`
	Recent         *uint64     `json:"recent,omitempty" doc:"number of messages with \\Recent"`
	FirstUnseenSeq *uint64     `json:"first_unseen_seq,omitempty" doc:"sequence number of the first message without \\Seen"`
	Unseen         *uint64     `json:"unseen,omitempty" doc:"number of messages without \\Seen (STATUS)"`
	Deleted        *uint64     `json:"deleted,omitempty" doc:"number of messages with \\Deleted (STATUS)"`
	Size           *uint64     `json:"size,omitempty" doc:"octets of all messages (STATUS)"`
	UIDNext        *uint64     `json:"uidnext,omitempty" doc:"next UID to be assigned"`
	UIDValidity    UIDValidity `json:"uidvalidity,omitempty" doc:"UIDVALIDITY, a string of digits above 2^53-1"`
	HighestModseq  *uint64     `json:"highestmodseq,omitempty" doc:"highest modification sequence (RFC 7162)"`
	NoModseq       bool        `json:"nomodseq,omitempty" doc:"true when the mailbox keeps no modification sequences"`
	MailboxID      string      `json:"mailboxid,omitempty" doc:"MAILBOXID (RFC 8474)" untrusted:"true"`
	AppendLimit    *uint64     `json:"appendlimit,omitempty" doc:"largest message that may be appended, in octets (RFC 7889)"`
	Flags          []string    `json:"flags" sep:" " doc:"flags defined in the mailbox" untrusted:"true"`
	PermanentFlags []string    `json:"permanentflags,omitempty" sep:" " doc:"flags that can be changed permanently; \\* means new keywords too" untrusted:"true"`
	ReadOnly       bool        `json:"read_only" doc:"whether the mailbox is open read-only"`
	Warnings       []string    `json:"warnings,omitempty" doc:"what was wrong with the server's data" untrusted:"true"`
}

// Capability is one row of `capability`.
type Capability struct {
	Capability string `json:"capability" doc:"name as the server spells it" untrusted:"true"`
	Before     bool   `json:"before_login" doc:"announced before login"`
	After      *bool  `json:"after_login,omitempty" doc:"announced after login; absent with --no-login"`
	Meaning    string `json:"meaning,omitempty" doc:"what it turns on in imapknife"`
}

// Count is the answer of `search --count`.
type Count struct {
	Account string `json:"account" doc:"digest of user, host and port"`
	Mailbox string `json:"mailbox" doc:"mailbox name" untrusted:"true"`
	Count   uint64 `json:"count" doc:"number of messages that match"`
}

// Version is the answer of `version`.
type Version struct {
	Version string `json:"version" doc:"version of imapknife"`
	Commit  string `json:"commit" doc:"commit it was built from, or unknown"`
	Go      string `json:"go" doc:"version of Go it was built with"`
	OS      string `json:"os" doc:"operating system"`
	Arch    string `json:"arch" doc:"processor architecture"`
}

// Sandbox is what `sandbox` prints when it serves without a command.
type Sandbox struct {
	URL       string `json:"url" doc:"URL of the sandbox, for IMAPKNIFE_URL"`
	Password  string `json:"password" doc:"password of the sandbox, for IMAPKNIFE_PASSWORD"`
	CAFile    string `json:"ca_file,omitempty" doc:"file with the certificate's authority, for IMAPKNIFE_CA_FILE; with --with-tls"`
	SMTPHost  string `json:"smtp_host" doc:"where to send mail by SMTP"`
	SMTPPort  string `json:"smtp_port" doc:"the port for that"`
	SMTPURL   string `json:"smtp_url" doc:"the same as a URL"`
	SMTPSPort string `json:"smtps_port,omitempty" doc:"the port of SMTP over TLS; with --with-tls"`
	SMTPSURL  string `json:"smtps_url,omitempty" doc:"the same as a URL"`
	LMTPHost  string `json:"lmtp_host" doc:"where to send mail by LMTP"`
	LMTPPort  string `json:"lmtp_port" doc:"the port for that"`
}
