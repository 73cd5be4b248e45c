// Package control is how commands reach a running proxy: a socket in the state
// folder, for the folder's owner alone.
package control

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"causeway/invite/statefile"
)

const (
	socketName = "control.sock"
	lockName   = ".control.lock"

	// maxPath is how long a socket's path may be, in bytes, less a margin for
	// the one that it is made under: macOS has 104, Linux 108.
	maxPath = 100

	takeoverTime = 2 * time.Second // for the one that holds the folder to leave
)

// ErrRunning says that a proxy uses this state folder, or a command does.
var ErrRunning = errors.New("another causeway works with this state folder")

// ErrTooLong says that the state folder's path is too long for a socket in it.
var ErrTooLong = errors.New("the state folder's path is too long for a socket")

// Listen opens the socket in the state folder. One that a dead process left
// there is replaced; where one is alive it returns ErrRunning.
func Listen(ctx context.Context, state string) (net.Listener, error) {
	path, err := socketPath(state)
	if err != nil {
		return nil, err
	}
	unlock, err := Hold(ctx, state)
	if err != nil {
		return nil, err
	}
	l, err := open(state, path)
	if err != nil {
		unlock()
		return nil, fmt.Errorf("opening the control socket: %w", err)
	}
	l.SetUnlinkOnClose(false)
	return &listener{UnixListener: l, end: sync.OnceFunc(func() {
		os.Remove(path)
		unlock()
	})}, nil
}

// Hold keeps a proxy from starting with the state folder until release is
// called, so that a command can work on its files; where one runs already it
// returns ErrRunning.
func Hold(ctx context.Context, state string) (release func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, takeoverTime)
	defer cancel()
	release, err = statefile.Lock(ctx, filepath.Join(state, lockName))
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, ErrRunning
	}
	if err != nil {
		return nil, fmt.Errorf("opening the state folder: %w", err)
	}
	return release, nil
}

// open makes the socket inside a folder of mode 0700 and moves it to its place,
// so that nobody else reaches it before it has mode 0600. (Changing the umask
// would change it for every file that is made in that moment.)
func open(state, path string) (*net.UnixListener, error) {
	if runtime.GOOS == "windows" { // a socket has the folder's permissions there
		os.Remove(path)
		return net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	}
	private, err := os.MkdirTemp(state, ".c")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(private)
	first := filepath.Join(private, "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: first, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false)
	if err = os.Chmod(first, 0o600); err == nil {
		err = os.Rename(first, path)
	}
	if err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// listener removes its socket when it is closed.
type listener struct {
	*net.UnixListener
	end func()
}

func (l *listener) Close() error {
	err := l.UnixListener.Close()
	l.end()
	return err
}

func socketPath(state string) (string, error) {
	path := filepath.Join(state, socketName)
	if len(path) > maxPath {
		return "", fmt.Errorf("%s has %d bytes, %d more than fit: %w", state, len(state), len(path)-maxPath, ErrTooLong)
	}
	return path, nil
}
