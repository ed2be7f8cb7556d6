package oauth

import (
	"context"
	"html/template"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
)

const (
	headerLimit  = 10 * time.Second // for a browser to send its request
	farewell     = 2 * time.Second  // for the last page to reach it
	maxHeader    = 64 << 10
	loopbackHost = "127.0.0.1"
)

// door is the loopback address that the provider sends the browser to. It takes
// one answer, and only one with the right state: anything on this machine, and
// any page in the browser, can knock.
type door struct {
	redirect string // as the provider is told
	state    string
	host     string // of the redirect, with the port
	port     string
	path     string

	listeners []net.Listener
	server    *http.Server
	arrivals  chan arrival

	mu       sync.Mutex
	answered bool
	strays   int // answers to another question
}

// listen opens the door; one where the person pastes has an address only.
func (c *Config) listen(state string, paste bool) (*door, error) {
	redirect := c.Provider.Redirect
	if redirect == "" {
		redirect = plainRedirect
	}
	u, err := url.Parse(redirect)
	if err != nil || u.Scheme != "http" || !loopback(u.Hostname()) || u.Port() != "" {
		return nil, fault.New(fault.Usage, "%q is no loopback address without a port", redirect)
	}
	first, err := net.Listen("tcp", net.JoinHostPort(loopbackHost, strconv.Itoa(c.Port)))
	if err != nil {
		return nil, fault.Wrap(fault.Auth, err, "cannot listen for the browser").Hint("--paste does without")
	}
	d := &door{listeners: []net.Listener{first}, arrivals: make(chan arrival, 1), state: state, path: u.Path}
	_, d.port, _ = net.SplitHostPort(first.Addr().String())
	u.Host = net.JoinHostPort(u.Hostname(), d.port)
	d.redirect, d.host = u.String(), u.Host
	if d.path == "" {
		d.path = "/"
	}
	if paste { // the port is only to be one where nothing else answers
		first.Close()
		d.listeners = nil
		return d, nil
	}
	if u.Hostname() == "localhost" { // which a browser may look for at ::1 first
		if second, err := net.Listen("tcp", net.JoinHostPort("::1", d.port)); err == nil {
			d.listeners = append(d.listeners, second)
		}
	}
	d.server = &http.Server{
		Handler: d, ReadHeaderTimeout: headerLimit, ReadTimeout: headerLimit, WriteTimeout: headerLimit, MaxHeaderBytes: maxHeader,
		ErrorLog: log.New(io.Discard, "", 0),
	}
	d.server.SetKeepAlivesEnabled(false)
	for _, l := range d.listeners {
		go d.server.Serve(l)
	}
	return d, nil
}

// wait blocks until the answer is there or ctx ends.
func (d *door) wait(ctx context.Context) (arrival, error) {
	select {
	case got := <-d.arrivals:
		return got, nil
	case <-ctx.Done():
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	err := context.Cause(ctx)
	if d.strays > 0 && fault.KindOf(err) == fault.Auth {
		return arrival{}, fault.Wrap(fault.Auth, err, "%d answers had another state and were ignored", d.strays).
			Hint("use the page that was shown last")
	}
	return arrival{}, err
}

// close lets the last page be read and closes the listeners.
func (d *door) close() {
	if d.server == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	if d.server.Shutdown(ctx) != nil {
		d.server.Close()
	}
}

// page is all that a browser ever sees. Nothing in it is from elsewhere.
var page = template.Must(template.New("page").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>imapknife</title></head>
<body><h1>imapknife</h1><p>{{.}}</p></body></html>
`))

func say(w http.ResponseWriter, status int, words string) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer") // the address has the code
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = page.Execute(w, words)
}

// ServeHTTP answers whoever knocks.
func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// Another name that resolves to this machine is an attack from a page
	// (DNS rebinding).
	if r.Host != d.host && r.Host != net.JoinHostPort(loopbackHost, d.port) {
		say(w, http.StatusForbidden, "This address is for the sign-in only.")
		return
	}
	if r.URL.Path != d.path {
		say(w, http.StatusNotFound, "There is nothing here.")
		return
	}
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", http.MethodGet)
		say(w, http.StatusMethodNotAllowed, "This address is for the sign-in only.")
		return
	}
	values := r.URL.Query()
	d.mu.Lock()
	defer d.mu.Unlock()
	got, ok := arrived(values)
	switch {
	case d.answered:
		say(w, http.StatusGone, "The sign-in has been answered already. You can close this page.")
	case !ok:
		say(w, http.StatusBadRequest, "There is no answer of a provider in this address.")
	case !same(values.Get("state"), d.state):
		d.strays++
		say(w, http.StatusBadRequest, "This is not the answer to the sign-in that imapknife waits for. Use the page that it showed last.")
	case got.refusal != nil:
		d.answered = true
		say(w, http.StatusOK, "The provider refused: "+clean(string(got.refusal.Error), 60)+". The terminal says more. You can close this page.")
		d.arrivals <- got
	default:
		d.answered = true
		say(w, http.StatusOK, "The answer has arrived: look at the terminal. You can close this page.")
		d.arrivals <- got
	}
}
