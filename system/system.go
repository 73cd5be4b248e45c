// Package system asks the operating system for what a proxy needs (files, ports,
// an end to dead connections, no core dumps) and says what it allows.
package system

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// StateDir returns the folder for the little that is kept: the first of systemd's
// $STATE_DIRECTORY; /var/lib/causeway for root; otherwise the user's place:
// $XDG_STATE_HOME/causeway or ~/.local/state/causeway, on Windows
// %LOCALAPPDATA%\causeway, on a Mac ~/Library/Application Support/causeway. It
// returns "" if the system names none, and creates nothing.
func StateDir() string {
	return stateDir(runtime.GOOS, os.Geteuid(), os.Getenv)
}

func stateDir(system string, uid int, env func(string) string) string {
	const name = "causeway"
	if given, _, _ := strings.Cut(env("STATE_DIRECTORY"), ":"); given != "" && system == "linux" {
		return given
	}
	under := func(base string, more ...string) string {
		if !filepath.IsAbs(base) {
			return "" // XDG base directory specification: ignore relative paths
		}
		return filepath.Join(append([]string{base}, more...)...)
	}
	switch {
	case system == "windows":
		if base := env("LOCALAPPDATA"); base != "" {
			return filepath.Join(base, name)
		}
		return ""
	case uid == 0:
		return filepath.Join("/var/lib", name)
	case system == "darwin":
		return under(env("HOME"), "Library", "Application Support", name)
	}
	if dir := under(env("XDG_STATE_HOME"), name); dir != "" {
		return dir
	}
	return under(env("HOME"), ".local", "state", name)
}
