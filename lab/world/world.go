// Package world makes a small internet out of network namespaces, without root:
// two phones inside a country, its censor's router, a volunteer and a messaging
// service outside.
//
//	phone A 10.66.1.2 --\                         /-- volunteer 198.51.100.20
//	                     router (and its censor) <
//	phone B 10.66.2.2 --/                         \-- service   203.0.113.10, .11
package world

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// Addresses of the world. The service has one for chat and one for media.
const (
	PhoneA       = "10.66.1.2"
	PhoneB       = "10.66.2.2"
	Volunteer    = "198.51.100.20"
	ServiceChat  = "203.0.113.10"
	ServiceMedia = "203.0.113.11"
)

// Hosts is what names mean in the world, as a hosts file.
const Hosts = "127.0.0.1 localhost\n" +
	ServiceChat + " g.whatsapp.net\n" +
	ServiceMedia + " whatsapp.net\n"

// ErrForbidden means that this system does not let us make namespaces.
var ErrForbidden = errors.New("network namespaces are forbidden here")

// ForbiddenExit is the exit code of a process that could not make its world.
const ForbiddenExit = 77

// insideVariable marks a process that was started by Command.
const insideVariable = "CAUSEWAY_LAB_WORLD"

// Inside says whether this process runs in namespaces of its own and may call
// New.
func Inside() bool { return os.Getenv(insideVariable) != "" }

// WaitHangUp returns when the process that called Command has closed our standard
// input or is gone.
func WaitHangUp() { io.Copy(io.Discard, os.Stdin) }

// Command runs this same program again, with args, in new user, network, mount
// and process namespaces. There it has to call New, and to end when
// WaitHangUp returns. Whatever it starts ends with it.
func Command(args ...string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program: %w", err)
	}
	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), insideVariable+"=1", "GODEBUG=netdns=go")
	return cmd, separate(cmd)
}
