package cmds

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/imapknife/imapknife/internal/result"
)

// trusted are the fields with text that neither a sender of mail nor a server
// has chosen: words of imapknife itself, what the person said, numbers as text,
// and what only a certificate authority or an account's own provider tells.
var trusted = map[string]string{
	"Login":             "account name url user mechanism source secret config",
	"Candidate":         "password oauth source hints",
	"Profile":           "name action url user secret mode new_name",
	"Setting":           "setting value source",
	"Token":             "name access_token token_type",
	"Check":             "stage verdict hints address tls_version cipher pin mechanisms",
	"Mailbox":           "account special_use",
	"Status":            "account",
	"Selected":          "account",
	"MailboxChange":     "account action status new_name special_use",
	"Message":           "account",
	"Part":              "part",
	"Content":           "section encoding",
	"Attachment":        "part",
	"Gmail":             "message_id thread_id",
	"Count":             "account",
	"MessageAttachment": "account part status",
	"Appended":          "account action status source flags",
	"Receipt":           "account action status destination_uids",
	"Mark":              "account mark",
	"Extracted":         "account extract",
	"Expectation":       "expected",
	"Event":             "event account mark",
	"Sandbox":           "url password ca_file smtp_host smtp_port smtp_url smtps_port smtps_url lmtp_host lmtp_port",
	"Capability":        "meaning",
	"Command":           "command group arguments summary about",
	"CommandFlag":       "name usage group env help",
	"CommandExample":    "what line",
	"Version":           "version commit go os arch",
}

// TestUntrusted: every field with text, of every row of every verb, is marked as
// untrusted or stands in the table above.
func TestUntrusted(t *testing.T) {
	seen := map[reflect.Type]bool{}
	used := map[string]bool{}
	marked := 0
	var visit func(reflect.Type)
	visit = func(row reflect.Type) {
		if row = leafType(row); row.Kind() != reflect.Struct || row == reflect.TypeFor[time.Time]() || seen[row] {
			return
		}
		seen[row] = true
		for _, f := range result.Fields(row) {
			text := leafType(f.Type).Kind() == reflect.String && leafType(f.Type) != reflect.TypeFor[result.UIDValidity]() || leafType(f.Type) == reflect.TypeFor[json.RawMessage]()
			ours := slices.Contains(strings.Fields(trusted[row.Name()]), f.Name)
			switch {
			case ours && (f.Untrusted || !text):
				t.Errorf("%s.%s is in the table and is marked, or is no text", row.Name(), f.Name)
			case text && !ours && !f.Untrusted:
				t.Errorf(`%s.%s: is it text that others chose? Tag it untrusted:"true", or put it into the table`, row.Name(), f.Name)
			case f.Untrusted:
				marked++
			}
			used[row.Name()+"."+f.Name] = true
			visit(f.Type)
		}
	}
	for _, v := range leaves() {
		rows := []any{v.row}
		for _, x := range v.variants {
			rows = append(rows, x.row)
		}
		for _, row := range rows {
			if row != nil {
				visit(reflect.TypeOf(row))
			}
		}
	}
	for row, fields := range trusted {
		for _, name := range strings.Fields(fields) {
			if !used[row+"."+name] {
				t.Errorf("there is no %s.%s", row, name)
			}
		}
	}
	t.Logf("%d fields are marked as untrusted", marked)
}

// leafType is what is inside pointers, lists and maps.
func leafType(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice && t != reflect.TypeFor[json.RawMessage]() || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	return t
}
