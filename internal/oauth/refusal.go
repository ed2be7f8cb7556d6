package oauth

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/hidden"
)

const maxText = 300 // characters of a provider's words in a message

// Refusal is what a provider said when it refused (RFC 6749 sections 4.1.2.1
// and 5.2, RFC 8628 section 3.5). It is found in errors with errors.As.
type Refusal struct {
	Provider    string
	Code        string // such as invalid_grant
	Description string // one line, escaped and bounded
	Numbers     []int  // Microsoft's AADSTS numbers
}

func (r *Refusal) Error() string {
	out := r.Provider + " said " + r.Code
	if r.Description != "" {
		out += ": " + r.Description
	}
	return out
}

var aadsts = regexp.MustCompile(`AADSTS([0-9]{4,8})`)

// refused is the fault of an answer with an error.
func (c *Config) refused(status int, a *answer) error {
	r := &Refusal{
		Provider: c.Provider.name(), Code: c.words(a.Error, 60),
		Description: c.words(a.Description, maxText), Numbers: a.Codes,
	}
	for _, m := range aadsts.FindAllStringSubmatch(string(a.Description), 4) {
		if n, err := strconv.Atoi(m[1]); err == nil && !slices.Contains(r.Numbers, n) {
			r.Numbers = append(r.Numbers, n)
		}
	}
	kind := fault.Auth
	if temporary(status) || r.Code == "temporarily_unavailable" || r.Code == "server_error" {
		kind = fault.Connect
	}
	e := fault.Wrap(kind, r, "")
	for _, h := range c.advice(r) {
		e.Hint("%s", h)
	}
	return e
}

// words are a provider's words as a message may have them: without the secrets
// that are known, whole or cut off by the bound, and cleaned.
func (c *Config) words(s text, limit int) string { return clean(c.secrets().Hide(string(s)), limit) }

// secrets are those to be kept out of messages.
func (c *Config) secrets() *hidden.Set {
	if c.Secrets == nil {
		c.Secrets = new(hidden.Set)
	}
	return c.Secrets
}

// clean makes one bounded line of foreign words, in which nothing moves a
// cursor or turns the direction.
func clean(s string, limit int) string {
	var b strings.Builder
	for i, n := 0, 0; i < len(s); n++ {
		if n == limit {
			b.WriteString("…")
			break
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == '\r' && strings.HasPrefix(s[i:], "\r\n"):
			size = 2
			b.WriteByte(' ')
		case r == '\n' || r == '\t' || r == '\r':
			b.WriteByte(' ')
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		i += size
	}
	return strings.TrimSpace(b.String())
}

// blocked is the number of what a Conditional Access policy stops.
const blocked = 53003

// numbered is what to do about the numbers of Microsoft that people meet. They
// are said to change, so nothing but hints depends on them.
// https://learn.microsoft.com/entra/identity-platform/reference-error-codes
var numbered = map[int]string{
	50011:   "register the redirect address http://localhost for the platform Mobile and desktop applications",
	50020:   "this account is not in that tenant: sign in with another account, or give its own --tenant",
	50034:   "this account is not in that tenant: sign in with another account, or give its own --tenant",
	50057:   "an administrator has disabled the account",
	50076:   "the organisation wants a second factor: sign in again with %s",
	50078:   "the second factor has expired: sign in again with %s",
	50079:   "the organisation wants a second factor, which has to be registered first: sign in again with %s",
	50105:   "an administrator has to assign the user to the application",
	50158:   "the organisation wants another check: sign in again with %s",
	50173:   "the sign-in was revoked, as after a change of the password: sign in again with %s",
	50194:   "the application is for one tenant only: give its id or domain with --tenant",
	50199:   "the provider wants a confirmation in the browser: sign in again with %s and confirm",
	53000:   "the organisation allows only devices that it manages: ask its administrator",
	53001:   "the organisation allows only devices that it manages: ask its administrator",
	53002:   "the organisation allows only applications that it has approved: ask its administrator",
	blocked: "a Conditional Access policy of the organisation blocks this: ask its administrator",
	65001:   "nobody has agreed to the application yet: sign in again with %s, or an administrator has to agree for the organisation",
	65004:   "the application was not agreed to: sign in again with %s and agree",
	70008:   "the sign-in has expired: sign in again with %s",
	70011:   "the scope is not one that the provider knows: IMAP needs " + microsoftMail,
	70019:   "the code has expired: sign in again with %s",
	70043:   "the organisation wants a sign-in every so often: sign in again with %s",
	90002:   "there is no such tenant: correct --tenant",
	90094:   "an administrator has to agree to the application for the organisation",
	90095:   "an administrator has to agree to the application for the organisation",
	530032:  "a security policy of the organisation blocks this: ask its administrator",
	530035:  "the security defaults of the organisation block this: ask its administrator",
	530036:  "a policy of the organisation ended this sign-in, as it does with those by device code: sign in again with %s, without --device",
	650057:  "add the permission IMAP.AccessAsUser.All to the application's registration",
	700016:  "the tenant does not know the client id: correct --client-id or --tenant, or have an administrator agree to the application",
	700025:  "this application has no secret: leave --client-secret-file out",
	700082:  "the sign-in has expired, it was not used for too long: sign in again with %s",
	7000215: "the client secret is wrong: --client-secret-file takes its value, not its id",
	7000218: "switch on \"Allow public client flows\" in the application's registration (Authentication), or give --client-secret-file",
	7000222: "the client secret has expired: make a new one, and give it with --client-secret-file",
}

// advice says what to do about a refusal.
func (c *Config) advice(r *Refusal) []string {
	var out []string
	for _, n := range r.Numbers {
		if h, ok := numbered[n]; ok {
			out = append(out, strings.ReplaceAll(h, "%s", c.again()))
		}
	}
	if len(out) > 0 {
		return out
	}
	switch r.Code {
	case "invalid_grant":
		out = append(out, "the sign-in has expired or was revoked: sign in again with "+c.again())
		if c.Provider.Name == googleName {
			out = append(out, "google ends a sign-in after 7 days while the application's publishing status is Testing, and when the password is changed")
		}
	case "invalid_client":
		out = append(out, "the client id or its secret is wrong: --client-id and --client-secret-file have to be of one registration")
	case "unauthorized_client":
		out = append(out, "the registration does not allow this way of signing in: it has to be a desktop application")
	case "access_denied":
		out = append(out, "the request was turned down, by the person or by a policy of the organisation: to try again, "+c.again())
	case "admin_policy_enforced", "org_internal":
		out = append(out, "a policy of the organisation blocks the application: ask its administrator")
	case "expired_token":
		out = append(out, "the code has expired: sign in again with "+c.again())
	case "invalid_scope":
		out = append(out, "the scope is not one that the provider gives to this application")
	case "redirect_uri_mismatch":
		out = append(out, "the registration has to be a desktop application, or has to name the loopback address")
	case "unsupported_grant_type":
		out = append(out, "the provider does not have this way of signing in: leave --device out, or use it")
	case "interaction_required", "consent_required", "login_required":
		out = append(out, "the provider wants the person: sign in again with "+c.again())
	case "temporarily_unavailable", "server_error", "slow_down":
		out = append(out, "try again later")
	}
	return out
}
