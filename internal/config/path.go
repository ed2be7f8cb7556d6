package config

import (
	"path/filepath"
)

// Path is where the account file is: IMAPKNIFE_CONFIG, or config.toml in the
// user's folder for configuration. It is empty where there is no home.
func Path(getenv func(string) (string, bool), goos string) string {
	if path, _ := getenv("IMAPKNIFE_CONFIG"); path != "" {
		return path
	}
	get := func(name string) string {
		value, _ := getenv(name)
		return value
	}
	dir := get("XDG_CONFIG_HOME")
	if !filepath.IsAbs(dir) {
		home := get("HOME")
		switch {
		case goos == "windows":
			dir = get("AppData")
		case home == "":
			dir = ""
		case goos == "darwin":
			dir = filepath.Join(home, "Library", "Application Support")
		default:
			dir = filepath.Join(home, ".config")
		}
	}
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, "imapknife", "config.toml")
}
