package result

// Command is a row of help --json: one command.
type Command struct {
	Command   string           `json:"command" doc:"name, with its group's name in front"`
	Group     string           `json:"group" doc:"heading in help"`
	Arguments string           `json:"arguments" doc:"synopsis of the arguments; empty where it takes none"`
	Summary   string           `json:"summary" doc:"one line"`
	About     string           `json:"about" doc:"more lines"`
	Rows      bool             `json:"rows" doc:"true when it prints rows, and has a schema"`
	Flags     []CommandFlag    `json:"flags" doc:"its flags"`
	Examples  []CommandExample `json:"examples" doc:"examples"`
}

// CommandFlag is a flag of a command.
type CommandFlag struct {
	Name  string `json:"name" doc:"without hyphens"`
	Usage string `json:"usage" doc:"as help shows it: -m, --mailbox NAME"`
	Group string `json:"group" doc:"heading in help"`
	Env   string `json:"env,omitempty" doc:"environment variable that sets it too"`
	Help  string `json:"help" doc:"what it does"`
}

// CommandExample is an example of a command.
type CommandExample struct {
	What string `json:"what" doc:"what it is good for"`
	Line string `json:"line" doc:"the command line"`
}
