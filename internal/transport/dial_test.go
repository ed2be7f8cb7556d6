package transport

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"io"
	"math/big"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
)

// accept serves each connection of a listener on loopback with handle until
// the test ends, and returns its address.
func accept(t *testing.T, l net.Listener, handle func(net.Conn)) string {
	t.Helper()
	if l == nil {
		var err error
		if l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				handle(c)
			}()
		}
	}()
	return l.Addr().String()
}

// httpProxy answers every CONNECT with answer, and what it is asked goes to
// asked. Then it is an echo.
func httpProxy(answer string, asked chan<- string) func(net.Conn) {
	return func(c net.Conn) {
		r := bufio.NewReader(c)
		var head strings.Builder
		for !strings.HasSuffix(head.String(), "\r\n\r\n") {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			head.WriteString(line)
		}
		asked <- head.String()
		io.WriteString(c, answer)
		io.Copy(c, r)
	}
}

// echoes checks that nc has first been said to us, and echoes.
func echoes(t *testing.T, nc net.Conn, first string) {
	t.Helper()
	defer nc.Close()
	nc.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(nc, "ping\r\n"); err != nil {
		t.Error(err)
	}
	got := make([]byte, len(first)+len("ping\r\n"))
	if _, err := io.ReadFull(nc, got); err != nil || string(got) != first+"ping\r\n" {
		t.Errorf("got %q, %v", got, err)
	}
}

// The server's first octets come with the proxy's answer, and are not lost.
func TestHTTPProxy(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 1)
	addr := accept(t, nil, httpProxy("HTTP/1.1 100 Wait\r\n\r\nHTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n* OK hi\r\n", asked))
	nc, err := Dial(t.Context(), Config{Host: "mail.example.org", Port: 993, Proxy: "http://bob:s3cret@" + addr})
	if err != nil {
		t.Fatal(err)
	}
	echoes(t, nc, "* OK hi\r\n")
	want := "CONNECT mail.example.org:993 HTTP/1.1\r\nHost: mail.example.org:993\r\nProxy-Authorization: Basic " +
		base64.StdEncoding.EncodeToString([]byte("bob:s3cret")) + "\r\n\r\n"
	if got := <-asked; got != want {
		t.Errorf("asked %q", got)
	}
}

func TestHTTPProxyRefuses(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]struct{ user, text, hint string }{
		"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n": {"", "refuses to connect to h:993: 407 Proxy Authentication Required", "IMAPKNIFE_PROXY or ALL_PROXY"},
		"HTTP/1.0 407 No\r\n\r\n":                            {"bob:s3cret@", "407 No", "check the proxy's user name and password"},
		"HTTP/1.1 403 Forbidden\r\n\r\n":                     {"", "403 Forbidden", "port 443"},
		"HTTP/1.1 502\r\n\r\n":                               {"", "h:993: 502", "cannot reach the server"},
		"* OK IMAP ready\r\n":                                {"", `does not speak HTTP: "* OK "`, "scheme"},
		"HTTP/2 200 OK\r\n\r\n":                              {"", "does not speak HTTP", "scheme"},
		"HTTP/1.1 200 OK\r\n":                                {"", "closed the connection before it had answered", "scheme"},
	} {
		asked := make(chan string, 1)
		addr := accept(t, nil, func(c net.Conn) {
			httpProxy(answer, asked)(closing{c})
		})
		_, err := Dial(t.Context(), Config{Host: "h", Port: 993, Proxy: "http://" + want.user + addr})
		if fault.KindOf(err) != fault.Connect || !strings.Contains(err.Error(), want.text) || !strings.Contains(err.Error(), "http://127.0.0.1:") || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: %v", answer, err)
		}
		if hints := strings.Join(fault.Hints(err), " "); !strings.Contains(hints, want.hint) {
			t.Errorf("%q: hints %q", answer, hints)
		}
	}
	_, err := Dial(t.Context(), Config{Host: "h\r\nX: y", Port: 993, Proxy: "http://" + accept(t, nil, func(net.Conn) {})})
	if fault.KindOf(err) != fault.Usage {
		t.Errorf("a line end in the host name: %v", err)
	}
}

// closing ends the connection when it has been written to.
type closing struct{ net.Conn }

func (c closing) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.Conn.(*net.TCPConn).CloseWrite()
	return n, err
}

func TestHTTPSProxy(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}})
	if err != nil {
		t.Fatal(err)
	}
	addr := accept(t, l, httpProxy("HTTP/1.1 200 OK\r\n\r\n* OK hi\r\n", make(chan string, 1)))
	c := Config{Host: "h", Port: 993, Proxy: "https://bob:s3cret@" + addr, roots: x509.NewCertPool()}
	if _, err := Dial(t.Context(), c); fault.KindOf(err) != fault.Connect || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("an unknown proxy: %v", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	c.roots.AddCert(cert)
	nc, err := Dial(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	echoes(t, nc, "* OK hi\r\n")
}

// A SOCKS5 proxy that connects: nothing but it is dialled.
func TestSOCKSProxy(t *testing.T) {
	t.Parallel()
	server := accept(t, nil, func(c net.Conn) {
		io.WriteString(c, "* OK hi\r\n")
		io.Copy(c, c)
	})
	addr := accept(t, nil, func(c net.Conn) {
		head := make([]byte, 3+4+1+len("mail.invalid")+2)
		io.ReadFull(c, head[:3])
		c.Write([]byte{5, 0})
		io.ReadFull(c, head[3:])
		up, err := net.Dial("tcp", server)
		if err != nil {
			return
		}
		defer up.Close()
		c.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
		go io.Copy(up, c)
		io.Copy(c, up)
	})
	for _, c := range []Config{{Proxy: "socks5://" + addr}, {Environ: []string{"ALL_PROXY=socks5h://" + addr}}} {
		c.Host, c.Port = "mail.invalid", 993
		var steps []string
		c.Step = func(name string) func() {
			steps = append(steps, name)
			return func() { steps = append(steps, "/"+name) }
		}
		nc, err := Dial(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		echoes(t, nc, "* OK hi\r\n")
		if got := strings.Join(steps, " "); got != "proxy /proxy" {
			t.Errorf("steps %s", got)
		}
	}
}

func TestDialFails(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := l.Addr().(*net.TCPAddr)
	l.Close()
	silent := accept(t, nil, func(c net.Conn) { io.Copy(io.Discard, c) })
	for name, tt := range map[string]struct {
		c          Config
		text, hint string
	}{
		"a closed port":         {Config{Host: "127.0.0.1", Port: closed.Port}, "cannot connect to " + closed.String() + ": connection refused", "993"},
		"no such host":          {Config{Host: "mail.invalid", Port: 993}, "cannot connect to mail.invalid:993: ", "host name in the URL"},
		"a proxy that is not":   {Config{Host: "h", Proxy: "http://" + closed.String()}, "cannot connect to the proxy http://" + closed.String() + ": connection refused", "port of the proxy"},
		"no such proxy":         {Config{Host: "h", Proxy: "socks5://proxy.invalid"}, "cannot connect to the proxy socks5://proxy.invalid:1080: ", "name"},
		"the environment's":     {Config{Host: "h", Environ: []string{"ALL_PROXY=http://" + closed.String()}}, "the proxy", "ALL_PROXY in the environment"},
		"a silent proxy":        {Config{Host: "h", Proxy: "http://" + silent, Timeout: 77 * time.Millisecond}, "no answer within 77ms", "--connect-timeout"},
		"a silent SOCKS proxy":  {Config{Host: "h", Proxy: "socks5://" + silent, Timeout: 77 * time.Millisecond}, "no answer within 77ms", "--connect-timeout"},
		"a silent https proxy":  {Config{Host: "h", Proxy: "https://" + silent, Timeout: 77 * time.Millisecond}, "no answer within 77ms", "--connect-timeout"},
		"no such socket":        {Config{UnixSocket: filepath.Join(t.TempDir(), "s")}, "/s: no such file or directory", "when it starts"},
		"no such host, in step": {Config{Host: "mail.invalid", Port: 993, Step: func(string) func() { return func() {} }}, "cannot connect to mail.invalid:993: ", "host name in the URL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			if tt.c.Timeout > 0 {
				var cancel func()
				ctx, cancel = context.WithTimeout(ctx, tt.c.Timeout)
				defer cancel()
			}
			_, err := Dial(ctx, tt.c)
			if fault.KindOf(err) != fault.Connect || !strings.Contains(err.Error(), tt.text) || !strings.Contains(strings.Join(fault.Hints(err), " "), tt.hint) {
				t.Errorf("%v, hints %q", err, fault.Hints(err))
			}
		})
	}
}

// An interruption is the error, whatever was waited for.
func TestDialInterrupted(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"socks5", "http", "https"} {
		ctx, cancel := context.WithCancelCause(t.Context())
		addr := accept(t, nil, func(c net.Conn) {
			c.Read(make([]byte, 1))
			cancel(fault.Interrupt)
			io.Copy(io.Discard, c)
		})
		if _, err := Dial(ctx, Config{Host: "h", Proxy: scheme + "://" + addr}); !errors.Is(err, fault.Interrupt) {
			t.Errorf("%s: %v", scheme, err)
		}
	}
}

// A name that the given resolver knows is looked up there, and timed.
func TestUnixSocketAndSteps(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "imap.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	accept(t, l, func(c net.Conn) { io.Copy(c, c) })
	nc, err := Dial(t.Context(), Config{UnixSocket: path, Host: "never.invalid"})
	if err != nil {
		t.Fatal(err)
	}
	echoes(t, nc, "")

	addr := accept(t, nil, func(c net.Conn) { io.Copy(c, c) })
	_, port, _ := net.SplitHostPort(addr)
	for host, want := range map[string]string{"127.0.0.1": "tcp /tcp", "localhost": "dns /dns tcp /tcp"} {
		var steps []string
		c := Config{Host: host, Step: func(name string) func() {
			steps = append(steps, name)
			return func() { steps = append(steps, "/"+name) }
		}}
		if c.Port, err = net.LookupPort("tcp", port); err != nil {
			t.Fatal(err)
		}
		nc, err := Dial(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		nc.Close()
		if got := strings.Join(steps, " "); got != want {
			t.Errorf("%s: %s", host, got)
		}
	}
}
