//go:build unix && !linux

package cmds

// adopt is for Linux: elsewhere process 1 waits for what children leave behind.
func adopt() {}

func bystanders() map[int]bool { return nil }

// endAdopted is for Linux: elsewhere nothing tells what a child has left in
// this process's own group from the group's other members.
func endAdopted(map[int]bool) {}
