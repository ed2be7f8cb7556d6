package discover

import (
	"slices"
	"strings"
)

// The OAuth providers that have a preset.
const (
	google    = "google"
	microsoft = "microsoft"
)

// provider is one line of the table: what is needed to log in there today.
// Where nothing else is said, TLS from the first octet on port 993, the whole
// address as the user name, and the account's password.
type provider struct {
	name    string
	domains []string // of mail addresses
	mx      []string // domains of the mail exchangers of customers' own domains
	host    string   // "" where there is no IMAP
	port    int      // 0 is 993
	tls     string   // "" is Implicit
	users   func(Address) []string
	pass    string // Candidate.Password
	oauth   string // Candidate.OAuth
	hints   []string
}

func wholeAddress(a Address) []string   { return []string{a.String()} }
func localPartFirst(a Address) []string { return []string{a.Local, a.String()} }

// table is what is known without asking. Such facts change; hints name the
// page where the provider tells, or makes, what is needed.
var table = []provider{
	{
		name: "Gmail", host: "imap.gmail.com", pass: AppPassword, oauth: google,
		domains: []string{"gmail.com", "googlemail.com"}, mx: []string{"google.com", "googlemail.com"},
		hints: []string{
			"an app password needs 2-Step Verification and is made at https://myaccount.google.com/apppasswords",
			"where an organisation allows no app passwords, OAuth is the only way",
		},
	},
	{
		name: "Microsoft 365 or Outlook.com", host: "outlook.office365.com", pass: NoPassword, oauth: microsoft,
		domains: []string{
			"outlook.com", "outlook.de", "outlook.fr", "outlook.es", "outlook.it", "outlook.jp", "outlook.com.br", "msn.com",
			"hotmail.com", "hotmail.co.uk", "hotmail.de", "hotmail.fr", "hotmail.it", "hotmail.es",
			"live.com", "live.co.uk", "live.de", "live.fr", "live.it", "live.nl", "live.se",
		},
		mx: []string{"mail.protection.outlook.com", "olc.protection.outlook.com", "mx.microsoft"},
		hints: []string{
			"Microsoft takes no passwords for IMAP, app passwords included: only OAuth",
			"IMAP may have to be switched on: in Outlook.com's settings, or by the organisation's administrator",
		},
	},
	{
		name: "Yahoo Mail", host: "imap.mail.yahoo.com", pass: AppPassword,
		domains: []string{
			"yahoo.com", "ymail.com", "rocketmail.com", "yahoo.co.uk", "yahoo.fr", "yahoo.de", "yahoo.it", "yahoo.es", "yahoo.ca",
			"yahoo.com.br", "yahoo.com.mx", "yahoo.com.ar", "yahoo.in", "yahoo.co.in", "yahoo.com.au", "yahoo.co.id", "yahoo.com.ph",
		},
		mx:    []string{"am0.yahoodns.net"}, // gm0 is AOL
		hints: []string{"an app password is made at https://login.yahoo.com/account/security"},
	},
	{
		name: "AOL", host: "imap.aol.com", pass: AppPassword, mx: []string{"gm0.yahoodns.net"},
		domains: []string{"aol.com", "aim.com", "aol.de", "aol.fr", "aol.it", "aol.es", "aol.co.uk", "netscape.net"},
		hints:   []string{"an app password is made at https://login.aol.com/account/security"},
	},
	{
		name: "iCloud Mail", host: "imap.mail.me.com", pass: AppPassword, users: localPartFirst,
		domains: []string{"icloud.com", "me.com", "mac.com"},
		hints:   []string{"an app-specific password is made at https://account.apple.com, under Sign-In and Security"},
	},
	{
		// A domain of one's own: the user name is that of the Apple account's icloud.com address.
		name: "iCloud Mail", host: "imap.mail.me.com", pass: AppPassword, mx: []string{"mail.icloud.com"},
		hints: []string{
			"an app-specific password is made at https://account.apple.com, under Sign-In and Security",
			"the user name may be that of your icloud.com address",
		},
	},
	{
		name: "Fastmail", host: "imap.fastmail.com", pass: AppPassword,
		domains: []string{"fastmail.com", "fastmail.fm"}, mx: []string{"messagingengine.com"},
		hints: []string{"an app password is made in Fastmail's settings, under Privacy & Security; some plans have no IMAP"},
	},
	{
		name: "GMX", host: "imap.gmx.net", domains: []string{"gmx.de", "gmx.net", "gmx.at", "gmx.ch"},
		hints: []string{"IMAP must be switched on in GMX's settings, under POP3/IMAP; with two-factor login it takes an app password"},
	},
	{
		name: "GMX", host: "imap.gmx.com", domains: []string{"gmx.com", "gmx.us", "gmx.co.uk", "gmx.fr", "gmx.es"},
		hints: []string{"IMAP must be switched on in GMX's settings, under POP3 & IMAP; with two-factor login it takes an app password"},
	},
	{
		name: "WEB.DE", host: "imap.web.de", domains: []string{"web.de"}, users: localPartFirst,
		hints: []string{"IMAP must be switched on in WEB.DE's settings, under POP3/IMAP; with two-factor login it takes an app password"},
	},
	{
		name: "Mail.ru", host: "imap.mail.ru", pass: AppPassword,
		domains: []string{"mail.ru", "inbox.ru", "list.ru", "bk.ru", "internet.ru"}, mx: []string{"mail.ru"},
		hints: []string{"Mail.ru takes passwords for external applications, made in its security settings"},
	},
	{
		name: "Yandex Mail", host: "imap.yandex.com", pass: AppPassword,
		domains: []string{"yandex.ru", "yandex.com", "ya.ru", "yandex.by", "yandex.kz", "yandex.com.tr"}, mx: []string{"mx.yandex.net", "mx.yandex.ru"},
		hints: []string{
			"an app password is made at https://id.yandex.com/security/app-passwords",
			"IMAP must be switched on in the mail settings, under Email clients",
		},
	},
	{
		name: "Zoho Mail", host: "imap.zoho.com", domains: []string{"zoho.com", "zohomail.com"},
		hints: []string{zohoHint},
	},
	{
		name: "Zoho Mail", host: "imappro.zoho.com", mx: []string{"zoho.com"},
		hints: []string{zohoHint},
	},
	{
		name: "Zoho Mail (EU)", host: "imap.zoho.eu", domains: []string{"zoho.eu", "zohomail.eu"},
		hints: []string{zohoHint},
	},
	{
		name: "Zoho Mail (EU)", host: "imappro.zoho.eu", mx: []string{"zoho.eu"},
		hints: []string{zohoHint},
	},
	{
		name: "Proton Mail", host: "127.0.0.1", port: 1143, tls: StartTLS, pass: AppPassword,
		domains: []string{"proton.me", "protonmail.com", "protonmail.ch", "pm.me"}, mx: []string{"protonmail.ch"},
		hints: []string{
			"Proton has no IMAP server on the Internet: Proton Mail Bridge must run on this machine (paid plans only)",
			"user name, password, port and TLS mode are those that Bridge shows, not those of the Proton account",
			"Bridge's certificate is signed by nobody: give its pin with --tls-pin",
		},
	},
	{
		name: "Tuta", domains: []string{"tutanota.com", "tutanota.de", "tutamail.com", "tuta.io", "tuta.com", "keemail.me"},
		mx:    []string{"tutanota.de"},
		hints: []string{"Tuta's mail can be read with its own programs only"},
	},
	{
		name: "HEY", domains: []string{"hey.com"}, mx: []string{"hey.com"},
		hints: []string{"HEY's mail can be read with its own programs only"},
	},
	{
		name: "mailbox.org", host: "imap.mailbox.org", domains: []string{"mailbox.org"}, mx: []string{"mailbox.org"},
		hints: []string{"with two-factor login, IMAP takes an app password"},
	},
	{
		name: "Posteo", host: "posteo.de", domains: []string{"posteo.de", "posteo.net", "posteo.org", "posteo.eu", "posteo.at", "posteo.ch"},
	},
	{
		name: "T-Online", host: "secureimap.t-online.de", pass: AppPassword, domains: []string{"t-online.de", "magenta.de"},
		hints: []string{"T-Online takes the password for mail programs, made in its customer centre, not that of the login"},
	},
	{
		name: "Orange", host: "imap.orange.fr", domains: []string{"orange.fr", "wanadoo.fr"},
	},
	{
		name: "QQ Mail", host: "imap.qq.com", pass: AppPassword, domains: []string{"qq.com", "foxmail.com"},
		hints: []string{"QQ takes an authorisation code, made where IMAP is switched on in the mail settings"},
	},
	{
		name: "Tencent Exmail", host: "imap.exmail.qq.com", mx: []string{"mxbiz1.qq.com", "mxbiz2.qq.com"},
	},
	{name: "NetEase 163", host: "imap.163.com", pass: AppPassword, domains: []string{"163.com"}, hints: neteaseHints},
	{name: "NetEase 126", host: "imap.126.com", pass: AppPassword, domains: []string{"126.com"}, hints: neteaseHints},
	{name: "NetEase yeah.net", host: "imap.yeah.net", pass: AppPassword, domains: []string{"yeah.net"}, hints: neteaseHints},
	{
		name: "freenet", host: "mx.freenet.de", domains: []string{"freenet.de"},
		hints: []string{"IMAP must be switched on in freenet's mail settings, under POP3/IMAP/SMTP"},
	},
	{name: "Gandi", host: "mail.gandi.net", mx: []string{"mail.gandi.net"}},
	{name: "Infomaniak", host: "mail.infomaniak.com", mx: []string{"mta-gw.infomaniak.ch"}},
	{name: "Migadu", host: "imap.migadu.com", mx: []string{"migadu.com"}},
	{name: "Strato", host: "imap.strato.de", mx: []string{"rzone.de"}},
}

const zohoHint = "IMAP must be switched on in Zoho Mail's settings, under Mail Accounts; with two-factor login it takes an app-specific password"

var neteaseHints = []string{
	"NetEase takes an authorisation code, made where IMAP is switched on in the mail settings",
	"NetEase refuses mailboxes as an unsafe login until the client has sent ID",
}

// providerOf is the provider of a mail domain, or nil.
func providerOf(domain string) *provider {
	return first(func(p provider) bool { return slices.Contains(p.domains, domain) })
}

// providerOfMX is the provider that a mail exchanger belongs to, or nil.
func providerOfMX(host string) *provider {
	return first(func(p provider) bool {
		return slices.ContainsFunc(p.mx, func(mx string) bool { return within(host, mx) })
	})
}

// providerOfHost is the provider whose IMAP server host is, or nil.
func providerOfHost(host string) *provider {
	if strings.HasPrefix(host, "127.") {
		return nil
	}
	return first(func(p provider) bool { return p.host == host })
}

func first(is func(provider) bool) *provider {
	i := slices.IndexFunc(table, is)
	if i < 0 {
		return nil
	}
	return &table[i]
}

// candidates is the provider's server for an address; none where it has no
// IMAP.
func (p *provider) candidates(a Address, detail string) []Candidate {
	if p.host == "" {
		return nil
	}
	c := Candidate{
		Host: p.host, Port: p.port, TLS: p.tls, Users: wholeAddress(a), Source: FromTable, Detail: p.name + " (" + detail + ")",
		Password: p.pass, OAuth: p.oauth, Hints: slices.Clone(p.hints),
	}
	if p.users != nil {
		c.Users = p.users(a)
	}
	if c.Port == 0 {
		c.Port = 993
	}
	if c.TLS == "" {
		c.TLS = Implicit
	}
	return []Candidate{c}
}

// inform adds what the table knows of a server that another source named. What
// it says of passwords wins over autoconfig files.
func (p *provider) inform(c *Candidate) {
	if p.pass != "" {
		c.Password = p.pass
	}
	if p.oauth != "" {
		c.OAuth = p.oauth
	}
	for _, h := range p.hints {
		if !slices.Contains(c.Hints, h) {
			c.Hints = append(c.Hints, h)
		}
	}
}
