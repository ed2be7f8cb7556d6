package harness

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/itchyny/gojq"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/imapknife/imapknife/internal/imaptest"
	"github.com/imapknife/imapknife/internal/imaptest/limited"
)

type command = func(ts *testscript.TestScript, neg bool, args []string)

func commands() map[string]command {
	return map[string]command{
		"exits": exits, "within": within, "jq": runJQ, "junit": junitFile, "schema": schema, "seed": seed, "witness": witness,
		"memory": memory, "keyring": keyring, "provider": provider, "visit": visit, "secrets": secrets, "dns": nameServer,
		"serve": serve, "delay": delay, "await": await, "fault": faults, "restart": restart, "wire": wire, "absent": absent, "unasked": unasked,
	}
}

// flags takes leading -name and -name=value arguments off. Those that are not
// in known fail the script.
func flags(ts *testscript.TestScript, args []string, known ...string) (map[string]string, []string) {
	out := map[string]string{}
	for len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' {
		name, value, _ := strings.Cut(args[0][1:], "=")
		if !strings.Contains(" "+strings.Join(known, " ")+" ", " "+name+" ") {
			ts.Fatalf("unknown flag -%s", name)
		}
		out[name] = value
		args = args[1:]
	}
	return out, args
}

func positive(ts *testscript.TestScript, neg bool) {
	if neg {
		ts.Fatalf("! is not for this command")
	}
}

func duration(ts *testscript.TestScript, s string) time.Duration {
	d, err := time.ParseDuration(s)
	ts.Check(err)
	return d
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	positive(ts, neg)
	if len(args) < 2 {
		ts.Fatalf("usage: exits status program [args...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	start := time.Now()
	err = ts.Exec(args[1], args[2:]...)
	stateOf(ts).took = time.Since(start)
	got := 0
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		got = e.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
	checkRows(ts, args[1:])
}

func within(ts *testscript.TestScript, neg bool, args []string) {
	positive(ts, neg)
	if len(args) != 1 {
		ts.Fatalf("usage: within duration")
	}
	if took := stateOf(ts).took; took == 0 || took > duration(ts, args[0]) {
		ts.Fatalf("the last exits took %v, want at most %s", took, args[0])
	}
}

// memory bounds the peak of the last run. The race detector's own needs are
// allowed for.
func memory(ts *testscript.TestScript, neg bool, args []string) {
	positive(ts, neg)
	if len(args) != 1 {
		ts.Fatalf("usage: memory megabytes")
	}
	want, err := strconv.ParseInt(args[0], 10, 64)
	ts.Check(err)
	got, err := strconv.ParseInt(ts.ReadFile(ts.Getenv(limited.UsageEnv)), 10, 64)
	ts.Check(err)
	if got > want<<20*raceFactor {
		ts.Fatalf("the last run took %d MB at its peak, want at most %d", got>>20, want)
	}
	ts.Logf("%d MB", got>>20)
}

// documents decodes all JSON texts in a stream.
func documents(ts *testscript.TestScript, text string) []any {
	var out []any
	for d := json.NewDecoder(strings.NewReader(text)); ; {
		d.UseNumber()
		var v any
		if err := d.Decode(&v); err == io.EOF {
			return out
		} else if err != nil {
			ts.Fatalf("stdout is no JSON: %v", err)
		}
		out = append(out, v)
	}
}

func runJQ(ts *testscript.TestScript, neg bool, args []string) {
	set, args := flags(ts, args, "s", "stderr")
	if len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: jq [-s] [-stderr] expression [want]")
	}
	stream := "stdout"
	if _, ok := set["stderr"]; ok {
		stream = "stderr"
	}
	docs := documents(ts, ts.ReadFile(stream))
	var input any = docs
	if _, slurp := set["s"]; !slurp {
		if len(docs) != 1 {
			ts.Fatalf("%s holds %d JSON documents, want 1 (or jq -s)", stream, len(docs))
		}
		input = docs[0]
	}
	query, err := gojq.Parse(args[0])
	ts.Check(err)
	var results []string
	for iter := query.Run(input); ; {
		v, ok := iter.Next()
		if !ok {
			break
		}
		if err, ok := v.(error); ok {
			ts.Fatalf("%s: %v", args[0], err)
		}
		results = append(results, render(ts, v))
	}
	got := strings.Join(results, " ")
	ok := got != "" && got != "false" && got != "null"
	if len(args) == 2 {
		ok = got == args[1]
	}
	if ok == neg {
		ts.Fatalf("%s gives %s", args[0], got)
	}
}

func render(ts *testscript.TestScript, v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	b, err := gojq.Marshal(v)
	ts.Check(err)
	return string(b)
}

func schema(ts *testscript.TestScript, neg bool, args []string) {
	positive(ts, neg)
	set, args := flags(ts, args, "l")
	if len(args) < 1 {
		ts.Fatalf("usage: schema [-l] verb")
	}
	out := ts.ReadFile("stdout")
	ts.Check(ts.Exec("imapknife", append([]string{"schema"}, args...)...))
	text := ts.ReadFile("stdout")
	fmt.Fprint(ts.Stdout(), out) // the next command looks at what was looked at
	docs := documents(ts, out)
	var value any = docs
	if _, lines := set["l"]; !lines {
		if len(docs) != 1 {
			ts.Fatalf("stdout holds %d JSON documents, want 1 (or schema -l)", len(docs))
		}
		value = docs[0]
	}
	s, err := compile([]byte(text))
	ts.Check(err)
	if err := s.compiled.Validate(value); err != nil {
		ts.Fatalf("%v", err)
	}
	at := stateOf(ts)
	at.rows = append(at.rows, strings.Join(args, " "))
}

// theWitness logs in past the proxy, when what went through it is over: imap4d
// renames a session's files after its LOGOUT, and one who looks meanwhile may
// miss some.
func theWitness(ts *testscript.TestScript) *imaptest.Witness {
	if s := stateOf(ts); s.proxy != nil {
		s.proxy.Record().Settle(200*time.Millisecond, settleLimit)
	}
	a, ok := ts.Value(accountKey{}).(account)
	if !ok {
		ts.Fatalf("this script has no server but its own")
	}
	w, err := a.witness()
	ts.Check(err)
	return w
}

func seed(ts *testscript.TestScript, neg bool, args []string) {
	positive(ts, neg)
	set, args := flags(ts, args, "flags", "date")
	if len(args) < 2 {
		ts.Fatalf("usage: seed [-flags=LIST] [-date=TIME] mailbox file...")
	}
	var date time.Time
	if s := set["date"]; s != "" {
		var err error
		date, err = time.Parse(time.RFC3339, s)
		ts.Check(err)
	}
	w := theWitness(ts)
	defer w.Close()
	for _, name := range args[1:] {
		text := strings.ReplaceAll(ts.ReadFile(name), "\r\n", "\n")
		message := []byte(strings.ReplaceAll(text, "\n", "\r\n"))
		ts.Check(w.Append(args[0], set["flags"], date, message))
		ts.Check(stateOf(ts).server.fix(w, args[0], set["flags"]))
	}
}

func witness(ts *testscript.TestScript, neg bool, args []string) {
	positive(ts, neg)
	set, args := flags(ts, args, "c")
	if len(args) < 1 {
		ts.Fatalf("usage: witness mailbox | witness -c command...")
	}
	w := theWitness(ts)
	defer w.Close()
	if _, raw := set["c"]; raw {
		for _, c := range args {
			answer, err := w.Do(c)
			fmt.Fprintln(ts.Stdout(), strings.Join(answer, "\n"))
			ts.Check(err)
		}
		return
	}
	held, err := w.Messages(args[0])
	ts.Check(err)
	for _, h := range held {
		fmt.Fprintln(ts.Stdout(), h)
	}
}

func serve(ts *testscript.TestScript, neg bool, args []string) {
	positive(ts, neg)
	set, args := flags(ts, args, "tls", "starttls", "delay", "deadline", "leaf", "maxtls")
	if len(args) != 2 {
		ts.Fatalf("usage: serve [flags] name file")
	}
	s := stateOf(ts)
	if s.ca == nil {
		var err error
		s.ca, err = imaptest.NewCA()
		ts.Check(err)
		ts.Check(s.ca.WriteFile(ts.MkAbs("ca.pem")))
		ts.Setenv("SSL_CERT_FILE", ts.MkAbs("ca.pem"))
	}
	o := imaptest.Options{CA: s.ca}
	scheme := "imap+insecure"
	if _, ok := set["tls"]; ok {
		o.TLS, scheme = true, "imaps"
	}
	if _, ok := set["starttls"]; ok {
		scheme = "imap"
	}
	if d := set["delay"]; d != "" {
		o.Delay = duration(ts, d)
	}
	if d := set["deadline"]; d != "" {
		o.Deadline = duration(ts, d)
	}
	o.MaxTLS = map[string]uint16{"1.0": tls.VersionTLS10, "1.1": tls.VersionTLS11, "1.2": tls.VersionTLS12}[set["maxtls"]]
	leaf := set["leaf"]
	o.Leaf = imaptest.Leaf{
		Expired: leaf == "expired", NotYet: leaf == "notyet", WrongHost: leaf == "wronghost", SelfSigned: leaf == "selfsigned",
		ClientCert: leaf == "clientcert", ShortChain: leaf == "shortchain", SHA1: leaf == "sha1",
	}
	if o.Leaf.ClientCert {
		cert, key, err := s.ca.Client()
		ts.Check(err)
		ts.Check(os.WriteFile(ts.MkAbs("client.pem"), append(cert, key...), 0o600))
	}
	served, err := imaptest.Start(ts.ReadFile(args[1]), o)
	ts.Check(err)
	s.served, s.delayed = served, o.Delay > 0
	s.all = append(s.all, served)
	ts.Setenv(args[0], served.Addr())
	ts.Setenv("IMAPKNIFE_URL", urlOf(scheme, "alice", served.Addr()))
	ts.Setenv("IMAPKNIFE_PASSWORD", "secret")
}

func delay(ts *testscript.TestScript, neg bool, args []string) {
	positive(ts, neg)
	s := stateOf(ts)
	if len(args) != 1 || s.proxy == nil {
		ts.Fatalf("usage: delay duration, with a proxy")
	}
	d := duration(ts, args[0])
	s.proxy.SetDelay(d)
	s.delayed = d > 0
}

func absent(ts *testscript.TestScript, neg bool, args []string) {
	positive(ts, neg)
	s := stateOf(ts)
	s.absent = append(s.absent, strings.Join(args, " "))
}

// unasked notes that the script asks no server, and is run once, on the sandbox.
func unasked(ts *testscript.TestScript, neg bool, args []string) {
	positive(ts, neg)
	stateOf(ts).unasked = true
}
