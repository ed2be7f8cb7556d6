package session

import (
	"strings"
	"testing"
)

// TestQueryFields: the recipients are those that a field names as such, not
// what its names and comments look like.
func TestQueryFields(t *testing.T) {
	for in, want := range map[string]string{
		`To: "qa@example.org" <other@example.org>`:          "other@example.org",
		`To: other@example.org (qa@example.org)`:            "other@example.org",
		`To: qa@example.org <other@example.org>`:            "other@example.org",
		`To: =?utf-8?Q?a=2C_qa=40example.org=2C?= <o@x>`:    "o@x",
		`Cc: Team: a@x, "B, C" <b@x>; d@y (D)`:              "a@x b@x d@y",
		`Delivered-To: 7-qa@example.org`:                    "7-qa@example.org",
		`X-Original-To: root`:                               "root",
		`From: qa@example.org`:                              "",
		`Subject: for qa@example.org`:                       "",
		"To:\r\n \"a@b\"\r\n <c@d>,\r\n undisclosed:(e@f);": "c@d",
	} {
		fields := queryFields([]byte(in + "\r\n"))
		if len(fields) != 1 || strings.Join(fields[0].Addresses, " ") != want {
			t.Errorf("%s: %+v, want %s", in, fields, want)
		}
	}
}
