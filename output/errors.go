package output

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"

	"github.com/imapknife/imapknife/internal/fault"
)

// ErrorText is err as standard error shows it to a person: one line that says
// what failed, then a line for each hint, all of it fit for a terminal. It is
// empty for nil and for a child's exit status. hide takes secrets out of a text.
func ErrorText(err error, hide func(string) string) string {
	if silent(err) {
		return ""
	}
	var b strings.Builder
	b.WriteString("imapknife: " + errorLine(hide(err.Error())) + "\n")
	for _, hint := range fault.Hints(err) {
		b.WriteString("hint: " + errorLine(hide(hint)) + "\n")
	}
	return b.String()
}

// errorLine makes one line of s; the lines of joined errors stay legible.
func errorLine(s string) string { return Visible(strings.ReplaceAll(s, "\n", "; ")) }

func silent(err error) bool {
	_, ok := errors.AsType[fault.Exit](err)
	return ok || err == nil
}

// ErrorJSON is err as one line of JSON, the form that standard error takes
// with --json. It is empty where ErrorText is. Texts are exact, with
// characters that could act on a terminal as \u escapes.
func ErrorJSON(err error, hide func(string) string) []byte {
	if silent(err) {
		return nil
	}
	type failure struct {
		Kind    string        `json:"kind"`
		Message string        `json:"message"`
		Hint    string        `json:"hint,omitempty"`
		Server  *fault.Server `json:"server,omitempty"`
	}
	server := fault.ServerOf(err)
	if server != nil {
		server = &fault.Server{Status: server.Status, Code: hide(server.Code), Text: hide(server.Text)}
	}
	doc := struct {
		Error failure `json:"error"`
	}{failure{fault.KindOf(err).String(), hide(err.Error()), hide(strings.Join(fault.Hints(err), "\n")), server}}

	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(doc) != nil {
		return nil // strings always encode
	}
	return append(style{safe: true}.append(nil, bytes.TrimSuffix(b.Bytes(), []byte{'\n'}), ""), '\n')
}
