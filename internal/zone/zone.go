// Package zone finds the time zone that the variable TZ names, in every form
// that POSIX has and on machines without a database of zones: Go's own reading
// takes what it does not know for UTC, in silence. It must not look at the
// environment or change the process's zone.
package zone

import (
	"encoding/binary"
	"os"
	"regexp"
	"strings"
	"time"
	_ "time/tzdata" // for machines without a database
)

// Find returns the zone that a value of TZ stands for: a name (Europe/Berlin),
// a file, or a rule of POSIX (CET-1CEST,M3.5.0,M10.5.0/3). builtin reports that
// Go's runtime finds it by itself; ok is false for what is neither.
func Find(tz string) (loc *time.Location, builtin, ok bool) {
	name := strings.TrimPrefix(tz, ":")
	switch {
	case name == "":
		return time.UTC, true, true
	case strings.HasPrefix(name, "/"):
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, false, false
		}
		loc, err = time.LoadLocationFromTZData(name, data)
		return loc, true, err == nil
	}
	if loc, err := time.LoadLocation(name); err == nil && !strings.EqualFold(name, "local") {
		return loc, true, true
	}
	if !rule().MatchString(name) {
		return nil, false, false
	}
	loc, err := time.LoadLocationFromTZData(name, data(name))
	if err != nil {
		return nil, false, false
	}
	return loc, false, true
}

// rule matches a TZ of POSIX (IEEE 1003.1, section 8.3), with the hours up to
// 167 of RFC 8536 section 3.3.1.
func rule() *regexp.Regexp {
	const (
		name   = `([A-Za-z]{3,}|<[A-Za-z0-9+-]{3,}>)`
		offset = `[+-]?\d{1,2}(:[0-5]\d){0,2}`
		date   = `(M\d{1,2}\.[1-5]\.[0-6]|J?\d{1,3})(/[+-]?\d{1,3}(:[0-5]\d){0,2})?`
	)
	return regexp.MustCompile(`^` + name + offset + `(` + name + `(` + offset + `)?(,` + date + `,` + date + `)?)?$`)
}

// data is a file of a time zone (RFC 8536) that holds nothing but the rule, in
// its footer, which Go applies from the beginning of time. The one type of time
// that a file must have is never used.
func data(rule string) []byte {
	const version = '2'
	header := func(types, octets uint32) []byte {
		h := append([]byte("TZif"), version)
		h = append(h, make([]byte, 15)...)
		for _, n := range []uint32{0, 0, 0, 0, types, octets} {
			h = binary.BigEndian.AppendUint32(h, n)
		}
		return h
	}
	var out []byte
	for range 2 { // the block of version 1, and that of version 2
		out = append(out, header(1, 4)...)
		out = append(out, 0, 0, 0, 0, 0, 0) // UTC, not daylight saving, the name at 0
		out = append(out, "UTC\x00"...)
	}
	return append(out, "\n"+rule+"\n"...)
}
