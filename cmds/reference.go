package cmds

// Doc describes one verb for the programs that write documents from the table
// of verbs.
type Doc struct {
	Path     string // name, with its group's name in front: "attachments save"
	Group    string // heading
	Args     string
	Summary  string
	About    string
	Examples []ExampleDoc
	Flags    []FlagDoc
	Row      any // the zero value of what it emits, nil for nothing
	Single   bool
}

// ExampleDoc is one example.
type ExampleDoc struct{ What, Line string }

// FlagDoc describes one flag.
type FlagDoc struct {
	Name  string // without hyphens
	Usage string // as help shows it: -m, --mailbox NAME
	Group string // heading
	Env   string // environment variable, empty for none
	Help  string
}

// Docs describes every verb that can be run, in the order of help.
func Docs() []Doc {
	var out []Doc
	for _, v := range leaves() {
		d := Doc{Path: v.path, Group: v.group, Args: v.args, Summary: v.summary, About: v.about, Row: v.row, Single: v.single}
		for _, e := range v.examples {
			d.Examples = append(d.Examples, ExampleDoc{e.what, e.line})
		}
		for _, f := range v.flags {
			fd := FlagDoc{Name: f.name, Usage: f.usage(), Group: f.group, Help: f.help}
			if f.env {
				fd.Env = f.envName()
			}
			d.Flags = append(d.Flags, fd)
		}
		out = append(out, d)
	}
	return out
}
