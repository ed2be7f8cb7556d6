package config

import "path/filepath"

// Folder is a kind of folder that a user has.
type Folder int

const (
	ConfigFolder Folder = iota // what a person edits
	DataFolder                 // what the program keeps
	CacheFolder                // what can be lost
	StateFolder                // what one run leaves for another
)

// folders says where they are: the variable of the XDG base directory
// specification and what it stands for below the home, the place below it on
// macOS, and the variable of Windows.
var folders = [...]struct{ xdg, below, darwin, windows string }{
	{"XDG_CONFIG_HOME", ".config", "Library/Application Support", "AppData"},
	{"XDG_DATA_HOME", ".local/share", "Library/Application Support", "LocalAppData"},
	{"XDG_CACHE_HOME", ".cache", "Library/Caches", "LocalAppData"},
	{"XDG_STATE_HOME", ".local/state", "Library/Application Support", "LocalAppData"},
}

// In is the path of the file name in imapknife's own folder, empty where there
// is no home.
func (f Folder) In(getenv func(string) (string, bool), goos, name string) string {
	x := folders[f]
	get := func(name string) string {
		value, _ := getenv(name)
		return value
	}
	dir := get(x.xdg)
	if !filepath.IsAbs(dir) {
		home := get("HOME")
		switch {
		case goos == "windows":
			dir = get(x.windows)
		case home == "":
			dir = ""
		case goos == "darwin":
			dir = filepath.Join(home, filepath.FromSlash(x.darwin))
		default:
			dir = filepath.Join(home, filepath.FromSlash(x.below))
		}
	}
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, "imapknife", name)
}

// Path is where the account file is: IMAPKNIFE_CONFIG, or config.toml in the
// user's folder for configuration. It is empty where there is no home.
func Path(getenv func(string) (string, bool), goos string) string {
	if path, _ := getenv("IMAPKNIFE_CONFIG"); path != "" {
		return path
	}
	return ConfigFolder.In(getenv, goos, "config.toml")
}
