package harness

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// fake stands in for imapknife: "send" logs in and sends lines in one flight,
// "schema" prints a schema, or those of no verb at all, "exit" and "sleep" do what they say.
func fake() int {
	switch os.Args[1] {
	case "schema":
		if len(os.Args) == 2 || strings.HasPrefix(os.Args[2], "--") { // of all verbs
			fmt.Println("{}")
			return 0
		}
		fmt.Println(`{"type":"array","items":{"type":"object","required":["uid"],"properties":{"uid":{"type":"integer"}}}}`)
	case "exit":
		n, _ := strconv.Atoi(os.Args[2])
		return n
	case "sleep":
		d, _ := time.ParseDuration(os.Args[2])
		time.Sleep(d)
	case "send":
		if err := send(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 3
		}
	}
	return 0
}

func send(lines []string) error {
	u, err := url.Parse(os.Getenv("IMAPKNIFE_URL"))
	if err != nil {
		return err
	}
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(hangLimit))
	r := bufio.NewReader(conn)
	if _, err := r.ReadString('\n'); err != nil {
		return err
	}
	fmt.Fprintf(conn, "L LOGIN %s %s\r\n%s\r\nE NOOP\r\n", u.User.Username(), os.Getenv("IMAPKNIFE_PASSWORD"), strings.Join(lines, "\r\n"))
	for {
		line, err := r.ReadString('\n')
		fmt.Print(line)
		if err != nil {
			return err
		}
		if strings.HasPrefix(line, "E ") {
			_, err = io.WriteString(conn, "O LOGOUT\r\n")
			return err
		}
	}
}

func TestMain(m *testing.M) { MainWith(m, fake) }

func TestCommands(t *testing.T) { Run(t, "testdata", NewServer(t, Sandbox), NewTable()) }

func TestServed(t *testing.T) { Run(t, "testdata/served", nil, nil) }

func TestTable(t *testing.T) {
	table := NewTable()
	t.Run("inner", func(t *testing.T) { Run(t, "testdata", NewServer(t, Sandbox), table) })
	if got := table.String(); !strings.Contains(got, "| commands | yes, no SORT | – | – | – | – |\n") {
		t.Error(got)
	}
}

func TestServers(t *testing.T) {
	Each(t, func(t *testing.T, s *Server) { Run(t, "testdata/servers", s, nil) })
}
