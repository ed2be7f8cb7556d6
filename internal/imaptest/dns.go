package imaptest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// DNS is a name server on loopback, UDP and TCP on one port, that knows what
// the lines of a zone say and nothing else:
//
//	# a comment
//	example.org              MX 10 mx.example.org
//	_imaps._tcp.example.org  SRV 0 5 993 imap.example.org
//	imap.example.org         A 127.0.0.1
//	imap.example.org         AAAA ::1
//	www.example.org          CNAME imap.example.org
//	example.org              NS ns.example.org
//	slow.example.org         SILENT      questions about it get no answer
//	bad.example.org          SERVFAIL
//	big.example.org          TRUNCATE    over UDP only: TCP has the answer
//
// Names are absolute and compared in any case; in targets the escapes \r \n
// \t \0 \\ \xHH work, and "." is the root. A name * stands for all that no
// line names. Where nothing is known of a name nor of any below it, the answer
// is NXDOMAIN. CNAMEs are followed within the zone. Answers that do not fit
// into the client's UDP size are truncated.
type DNS struct {
	udp net.PacketConn
	tcp net.Listener
	wg  sync.WaitGroup

	mu    sync.Mutex
	zone  map[string]*dnsName
	asked []string
	conns map[net.Conn]bool
	ended bool
}

// dnsName is what is known of one name.
type dnsName struct {
	records                  []dnsmessage.Resource
	silent, failed, truncate bool
}

// StartDNS serves the lines of zone. The caller must Close the server.
func StartDNS(zone string) (*DNS, error) {
	d := &DNS{conns: map[net.Conn]bool{}}
	if err := d.Set(zone); err != nil {
		return nil, err
	}
	// The port that TCP was given may be taken for UDP.
	var err error
	for range 20 {
		if d.tcp, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return nil, err
		}
		if d.udp, err = net.ListenPacket("udp", d.tcp.Addr().String()); err == nil {
			break
		}
		d.tcp.Close()
	}
	if err != nil {
		return nil, err
	}
	d.wg.Go(d.serveUDP)
	d.wg.Go(d.serveTCP)
	return d, nil
}

// Addr is host and port.
func (d *DNS) Addr() string { return d.tcp.Addr().String() }

// Asked lists the questions so far, such as "udp SRV _imaps._tcp.example.org".
func (d *DNS) Asked() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.asked)
}

// Close ends the server and waits for its connections.
func (d *DNS) Close() error {
	d.mu.Lock()
	d.ended = true
	for c := range d.conns {
		c.Close()
	}
	d.mu.Unlock()
	err := errors.Join(d.udp.Close(), d.tcp.Close())
	d.wg.Wait()
	return err
}

// Set replaces what the server knows.
func (d *DNS) Set(zone string) error {
	names := map[string]*dnsName{}
	for i, line := range strings.Split(zone, "\n") {
		fields := strings.Fields(line)
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		if err := addLine(names, fields); err != nil {
			return fmt.Errorf("zone line %d: %w", i+1, err)
		}
	}
	d.mu.Lock()
	d.zone = names
	d.mu.Unlock()
	return nil
}

func addLine(names map[string]*dnsName, f []string) error {
	if len(f) < 2 {
		return fmt.Errorf("%q has no type", f[0])
	}
	key := strings.ToLower(strings.TrimSuffix(f[0], "."))
	n := names[key]
	if n == nil {
		n = &dnsName{}
		names[key] = n
	}
	switch f[1] {
	case "SILENT":
		n.silent = true
		return nil
	case "SERVFAIL":
		n.failed = true
		return nil
	case "TRUNCATE":
		n.truncate = true
		return nil
	}
	body, err := record(f[1], f[2:])
	if err != nil {
		return err
	}
	owner, err := dnsmessage.NewName(key + ".")
	if err != nil {
		return err
	}
	r := dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: owner, Class: dnsmessage.ClassINET, TTL: 60}, Body: body}
	if _, err := (&dnsmessage.Message{Answers: []dnsmessage.Resource{r}}).Pack(); err != nil {
		return err // such as an empty label
	}
	n.records = append(n.records, r)
	return nil
}

// record reads what stands behind the type of a zone line.
func record(kind string, f []string) (dnsmessage.ResourceBody, error) {
	want := map[string]int{"A": 1, "AAAA": 1, "CNAME": 1, "NS": 1, "MX": 2, "SRV": 4}[kind]
	if want == 0 {
		return nil, fmt.Errorf("unknown type %q", kind)
	}
	if len(f) != want {
		return nil, fmt.Errorf("%s takes %d fields", kind, want)
	}
	if kind == "A" || kind == "AAAA" {
		ip, err := netip.ParseAddr(f[0])
		switch {
		case err != nil:
			return nil, err
		case kind == "A" && ip.Is4():
			return &dnsmessage.AResource{A: ip.As4()}, nil
		case kind == "AAAA" && ip.Is6():
			return &dnsmessage.AAAAResource{AAAA: ip.As16()}, nil
		}
		return nil, fmt.Errorf("%s is no address of type %s", f[0], kind)
	}
	var numbers [3]uint16
	for i, s := range f[:want-1] {
		n, err := strconv.ParseUint(s, 10, 16)
		if err != nil {
			return nil, err
		}
		numbers[i] = uint16(n)
	}
	text, err := unescape(strings.TrimSuffix(f[want-1], "."))
	if err != nil {
		return nil, err
	}
	target, err := dnsmessage.NewName(text + ".")
	if err != nil {
		return nil, err
	}
	switch kind {
	case "CNAME":
		return &dnsmessage.CNAMEResource{CNAME: target}, nil
	case "NS":
		return &dnsmessage.NSResource{NS: target}, nil
	case "MX":
		return &dnsmessage.MXResource{Pref: numbers[0], MX: target}, nil
	}
	return &dnsmessage.SRVResource{Priority: numbers[0], Weight: numbers[1], Port: numbers[2], Target: target}, nil
}

func (d *DNS) serveUDP() {
	buf := make([]byte, 64<<10)
	for {
		n, from, err := d.udp.ReadFrom(buf)
		if err != nil {
			return
		}
		if answer := d.answer(buf[:n], true); answer != nil {
			d.udp.WriteTo(answer, from)
		}
	}
}

func (d *DNS) serveTCP() {
	for {
		c, err := d.tcp.Accept()
		if err != nil {
			return
		}
		d.mu.Lock()
		d.conns[c] = true
		if d.ended {
			c.Close()
		}
		d.mu.Unlock()
		d.wg.Go(func() {
			d.converse(c)
			c.Close()
			d.mu.Lock()
			delete(d.conns, c)
			d.mu.Unlock()
		})
	}
}

// converse answers what comes over one TCP connection: messages behind their
// length (RFC 1035 section 4.2.2).
func (d *DNS) converse(c net.Conn) {
	c.SetDeadline(time.Now().Add(hangLimit))
	for {
		var size [2]byte
		if _, err := io.ReadFull(c, size[:]); err != nil {
			return
		}
		query := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(c, query); err != nil {
			return
		}
		answer := d.answer(query, false)
		if answer == nil {
			continue
		}
		if _, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...)); err != nil {
			return
		}
	}
}

// answer is nil where nothing is to be said.
func (d *DNS) answer(query []byte, udp bool) []byte {
	var m dnsmessage.Message
	if err := m.Unpack(query); err != nil || m.Response || len(m.Questions) != 1 {
		return nil
	}
	limit := 64 << 10
	if udp {
		limit = 512
		for _, extra := range m.Additionals {
			if extra.Header.Type == dnsmessage.TypeOPT { // its class is the size, RFC 6891 section 6.1.2
				limit = max(limit, int(extra.Header.Class))
			}
		}
	}
	reply := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: m.ID, Response: true, Authoritative: true, RecursionDesired: m.RecursionDesired, RecursionAvailable: true},
		Questions: m.Questions,
	}
	cut, silent := d.fill(&reply, udp)
	if silent {
		return nil
	}
	out, err := reply.Pack()
	if err != nil {
		return nil
	}
	if cut || len(out) > limit {
		reply.Answers, reply.Truncated = nil, true
		if out, err = reply.Pack(); err != nil {
			return nil
		}
	}
	return out
}

// fill looks the question up, and notes it.
func (d *DNS) fill(reply *dnsmessage.Message, udp bool) (cut, silent bool) {
	q := reply.Questions[0]
	key := strings.ToLower(strings.TrimSuffix(q.Name.String(), "."))
	way := "tcp "
	if udp {
		way = "udp "
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = append(d.asked, way+strings.TrimPrefix(q.Type.String(), "Type")+" "+key)
	for range 8 { // CNAMEs
		n, known := d.zone[key]
		if !known {
			n, known = d.zone["*"]
		}
		if !known {
			if !d.above(key) {
				reply.RCode = dnsmessage.RCodeNameError
			}
			return false, false
		}
		if n.silent || n.failed {
			if n.failed {
				reply.RCode = dnsmessage.RCodeServerFailure
			}
			return false, n.silent
		}
		cut = cut || n.truncate && udp
		next := ""
		for _, r := range n.records {
			alias, isAlias := r.Body.(*dnsmessage.CNAMEResource)
			if isAlias && q.Type != dnsmessage.TypeCNAME {
				next = strings.ToLower(strings.TrimSuffix(alias.CNAME.String(), "."))
			}
			if r.Header.Name.String() == "*." {
				r.Header.Name = q.Name
			}
			if isAlias || typeOf(r.Body) == q.Type {
				reply.Answers = append(reply.Answers, r)
			}
		}
		if next == "" {
			return cut, false
		}
		key = next
	}
	return cut, false
}

// above tells whether names below key are known: then key exists, too.
func (d *DNS) above(key string) bool {
	for name := range d.zone {
		if strings.HasSuffix(name, "."+key) {
			return true
		}
	}
	return false
}

func typeOf(b dnsmessage.ResourceBody) dnsmessage.Type {
	switch b.(type) {
	case *dnsmessage.AResource:
		return dnsmessage.TypeA
	case *dnsmessage.AAAAResource:
		return dnsmessage.TypeAAAA
	case *dnsmessage.CNAMEResource:
		return dnsmessage.TypeCNAME
	case *dnsmessage.NSResource:
		return dnsmessage.TypeNS
	case *dnsmessage.MXResource:
		return dnsmessage.TypeMX
	}
	return dnsmessage.TypeSRV
}
