package sasl

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/imapknife/imapknife/internal/fault"
)

// maxFailure is how many octets of a server's explanation are told.
const maxFailure = 300

// tokenClient sends an OAuth 2 access token, by OAUTHBEARER (RFC 7628) or
// XOAUTH2 (Google's and Microsoft's form of it). Where the server refuses, it
// says why in a challenge that must be answered before it says NO.
type tokenClient struct {
	name    string
	token   string
	initial string
	goOn    string // answer to the explanation
	failure string
}

func oauthBearer(c Credentials) (Client, error) {
	as := c.Authzid
	if as == "" {
		as = c.User
	}
	as = strings.NewReplacer("=", "=3D", ",", "=2C").Replace(as)
	return tokenOK(c, &tokenClient{
		name: "OAUTHBEARER", goOn: "\x01",
		initial: fmt.Sprintf("n,a=%s,\x01host=%s\x01port=%d\x01auth=Bearer %s\x01\x01", as, c.Host, c.Port, c.Token),
	})
}

func xoauth2(c Credentials) (Client, error) {
	return tokenOK(c, &tokenClient{
		name:    "XOAUTH2",
		initial: "user=" + c.User + "\x01auth=Bearer " + c.Token + "\x01\x01",
	})
}

// tokenOK refuses what would end a field of the message early.
func tokenOK(c Credentials, t *tokenClient) (Client, error) {
	if strings.ContainsAny(c.User+c.Authzid+c.Host+c.Token, "\x00\x01\r\n") {
		return nil, fault.New(fault.Auth, "user name or token hold control characters")
	}
	t.token = c.Token
	return t, nil
}

func (t *tokenClient) Start() (string, []byte, error) { return t.name, []byte(t.initial), nil }
func (t *tokenClient) Done() error                    { return nil }

func (t *tokenClient) Next(challenge []byte) ([]byte, error) {
	if t.failure != "" {
		return nil, fault.New(fault.Auth, "the server asks for more than the mechanism has")
	}
	t.failure = explain(challenge)
	if t.token != "" {
		t.failure = strings.ReplaceAll(t.failure, t.token, "<hidden>")
	}
	return []byte(t.goOn), nil
}

// Failure is what the server said about the token, empty where it said nothing.
func (t *tokenClient) Failure() string { return t.failure }

// explain reads the JSON of RFC 7628 section 3.2.2, or what stands in its
// place.
func explain(challenge []byte) string {
	var told struct {
		Status      any    `json:"status"`
		Scope       string `json:"scope"`
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	text := strings.TrimSpace(string(challenge))
	if json.Unmarshal(challenge, &told) == nil {
		var parts []string
		if told.Status != nil {
			parts = append(parts, fmt.Sprintf("status %v", told.Status))
		}
		for _, x := range [...][2]string{{"scope", told.Scope}, {"error", told.Error}, {"", told.Description}} {
			if x[1] != "" {
				parts = append(parts, strings.TrimSpace(x[0]+" "+x[1]))
			}
		}
		text = strings.Join(parts, ", ")
	}
	if text == "" {
		text = "no reason given"
	}
	if len(text) > maxFailure {
		text = text[:maxFailure] + "…"
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}
