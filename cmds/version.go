package cmds

import (
	"context"
	"runtime"
	"runtime/debug"

	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/output"
)

func newVersion() *verb {
	return &verb{
		name: "version", group: groupMeta,
		summary:  "print the version",
		about:    "Prints the version, the commit it was built from and the version of Go.",
		examples: []example{{"for a script", "imapknife version --jq .version"}},
		flags:    inGroup(groupOutput),
		row:      result.Version{},
		single:   true,
		setup: func(in *input) (runner, error) {
			if err := in.noArgs(); err != nil {
				return nil, err
			}
			return func(ctx context.Context) error {
				out, err := in.printer(ctx, output.Spec{Row: result.Version{}, Single: true})
				if err != nil {
					return err
				}
				row := buildVersion()
				if err := out.Row(&row); err != nil {
					return err
				}
				return out.Close(true)
			}, nil
		},
	}
}

// buildVersion reads what the build left in the program.
func buildVersion() result.Version {
	v := result.Version{Version: "devel", Commit: "unknown", Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if info.Main.Version != "" && info.Main.Version != "(devel)" {
		v.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			v.Commit = s.Value
		}
	}
	return v
}
