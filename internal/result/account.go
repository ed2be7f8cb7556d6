package result

import "time"

// The values of secret in rows about accounts: where an account's password or
// token is kept.
const (
	InKeyring   = "keyring"
	InFile      = "file" // in clear, --insecure-storage
	ByCommand   = "command"
	ByOAuth     = "oauth" // an OAuth token, in the keyring
	ByOAuthFile = "oauth file"
	NotNeeded   = "none" // a client certificate, a preauthenticated tunnel, ANONYMOUS
)

// Login is the one row of login: what was found and saved.
type Login struct {
	Account   string `json:"account" doc:"digest of user, host and port"`
	Name      string `json:"name" doc:"name of the account in the account file"`
	URL       string `json:"url" doc:"server that was logged in to"`
	User      string `json:"user" doc:"user name"`
	Mechanism string `json:"mechanism,omitempty" doc:"how the login was done: LOGIN, or the SASL mechanism"`
	Source    string `json:"source" doc:"what told the server: given, provider table, SRV, autoconfig, database or guess"`
	Secret    string `json:"secret" doc:"where the password or token is kept: keyring, file (in clear), command, oauth, oauth file, or none"`
	Default   bool   `json:"default" doc:"true when commands use this account unless told otherwise"`
	Config    string `json:"config" doc:"the account file"`
}

// Candidate is one row of login --discover.
type Candidate struct {
	URL      string   `json:"url" doc:"server, without a user" untrusted:"true"`
	Users    []string `json:"users" sep:" " doc:"user names to try, best first" untrusted:"true"`
	Password string   `json:"password" doc:"what kind of password works: yes, app (an app password), or no"`
	OAuth    string   `json:"oauth,omitempty" doc:"provider for login --oauth"`
	Source   string   `json:"source" doc:"provider table, SRV, autoconfig, database or guess"`
	Detail   string   `json:"detail,omitempty" doc:"the record or address that told it" untrusted:"true"`
	Hints    []string `json:"hints,omitempty" doc:"what there is to know about this server"`
}

// Profile is one row of accounts list, show, default, rename, remove and logout.
type Profile struct {
	Name    string `json:"name" doc:"name of the account"`
	Action  string `json:"action,omitempty" doc:"what was done: default, rename, remove or logout; absent in list and show"`
	Default bool   `json:"default" doc:"true for the account that commands use unless told otherwise"`
	URL     string `json:"url" doc:"server"`
	User    string `json:"user" doc:"user name"`
	Secret  string `json:"secret" doc:"where the password or token is kept: keyring, file (in clear), command, oauth, oauth file, or none"`
	Mode    string `json:"mode,omitempty" doc:"readonly where the account is pinned to reading"`
	NewName string `json:"new_name,omitempty" doc:"the name after a rename"`
}

// Setting is one row of accounts show --effective.
type Setting struct {
	Setting string `json:"setting" doc:"the flag's name"`
	Value   string `json:"value" doc:"its value"`
	Source  string `json:"source" doc:"command line, environment variable, line of the account file, or default"`
}

// Token is the one row of token.
type Token struct {
	Name        string     `json:"name,omitempty" doc:"name of the account"`
	AccessToken string     `json:"access_token" doc:"OAuth access token"`
	TokenType   string     `json:"token_type" doc:"Bearer"`
	ExpiresAt   *time.Time `json:"expires_at,omitempty" doc:"when it ends, where that is known"`
}

// Check is one row of doctor: one stage.
type Check struct {
	Stage   string   `json:"stage" doc:"what was looked at: account, storage, dns, srv, tcp, proxy, tunnel, tls, certificate, greeting, capability, mechanisms, secret, login, round_trip"`
	Verdict string   `json:"verdict" doc:"ok, warning, failed, or skipped"`
	TookMS  float64  `json:"took_ms" doc:"milliseconds that it took"`
	Detail  string   `json:"detail" doc:"what was found" untrusted:"true"`
	Hints   []string `json:"hints,omitempty" doc:"what to do"`

	Address      string     `json:"address,omitempty" doc:"address that was connected to"`
	TLSVersion   string     `json:"tls_version,omitempty" doc:"such as TLS 1.3"`
	Cipher       string     `json:"cipher,omitempty" doc:"cipher suite"`
	Subject      string     `json:"subject,omitempty" doc:"subject of the server's certificate" untrusted:"true"`
	Issuer       string     `json:"issuer,omitempty" doc:"issuer of the server's certificate" untrusted:"true"`
	Names        []string   `json:"names,omitempty" sep:" " doc:"names that the certificate is for" untrusted:"true"`
	NotAfter     *time.Time `json:"not_after,omitempty" doc:"when the certificate ends"`
	DaysLeft     *int       `json:"days_left,omitempty" doc:"whole days until the certificate ends, negative when it has"`
	ChainEnds    *time.Time `json:"chain_ends,omitempty" doc:"when the first certificate of the verified chain ends, the server's own or one of an authority"`
	ChainEnd     string     `json:"chain_end,omitempty" doc:"subject of that certificate" untrusted:"true"`
	Pin          string     `json:"pin,omitempty" doc:"what --tls-pin would trust this server by"`
	Capabilities []string   `json:"capabilities,omitempty" sep:" " doc:"what the server announced" untrusted:"true"`
	Mechanisms   []string   `json:"mechanisms,omitempty" sep:" " doc:"ways to log in, in the order they would be tried"`
	RoundTripsMS []float64  `json:"round_trips_ms,omitempty" sep:" " doc:"milliseconds of each round trip"`
}

// The verdicts of a Check.
const (
	OK      = "ok"
	Warning = "warning"
	Failed  = "failed"
	Skipped = "skipped"
)
