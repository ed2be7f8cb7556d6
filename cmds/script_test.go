package cmds_test

import (
	"flag"
	"os"
	"testing"

	"github.com/imapknife/imapknife/internal/imaptest/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

// TestScripts runs every script of the user's view on the sandbox and again on
// each real server. Without one, a line in the log says why; with
// IMAPKNIFE_REQUIRE_ALL=1 that is a failure. Each verb's JSON is held against its
// schema on each server where its scripts run.
func TestScripts(t *testing.T) {
	table := harness.NewTable()
	t.Cleanup(func() { finish(t, table) })
	harness.Each(t, func(t *testing.T, s *harness.Server) {
		t.Run("login-by", func(t *testing.T) { harness.LogIns(t, s, table) })
		harness.Run(t, "../testdata/script", s, table)
	})
}

// finish judges what all scripts together show, and writes it down.
func finish(t *testing.T, table *harness.Table) {
	unseen, seen, err := table.Unseen()
	if err != nil {
		t.Error(err)
	}
	t.Logf("%d JSON documents were as their schemas have them; none of these was looked at: %q", seen, unseen)
	if flag.Lookup("test.run").Value.String() == "" && len(unseen) > 0 {
		t.Error("JSON of every verb has to be looked at on every server where its scripts run")
	}
	if os.Getenv("IMAPKNIFE_WRITE_DOCS") == "1" {
		if err := table.WriteFile("../docs/servers.md"); err != nil {
			t.Error(err)
		}
	}
}

// TestHostile runs the scripts whose servers say wrong, odd or evil things.
func TestHostile(t *testing.T) { harness.Run(t, "../testdata/hostile", nil, nil) }
