package system

import (
	"context"
	"net"
	"path/filepath"
	"runtime"
	"testing"
)

func TestStateDir(t *testing.T) {
	for _, c := range []struct {
		name, system string
		uid          int
		env          map[string]string
		want         string
	}{
		{"systemd", "linux", 1000, map[string]string{"STATE_DIRECTORY": "/var/lib/private/causeway", "HOME": "/home/a"}, "/var/lib/private/causeway"},
		{"systemd, two folders", "linux", 0, map[string]string{"STATE_DIRECTORY": "/var/lib/a:/var/lib/b"}, "/var/lib/a"},
		{"root", "linux", 0, map[string]string{"HOME": "/root", "XDG_STATE_HOME": "/x"}, "/var/lib/causeway"},
		{"user", "linux", 1000, map[string]string{"HOME": "/home/a"}, "/home/a/.local/state/causeway"},
		{"user with XDG", "linux", 1000, map[string]string{"HOME": "/home/a", "XDG_STATE_HOME": "/x"}, "/x/causeway"},
		{"relative XDG", "linux", 1000, map[string]string{"HOME": "/home/a", "XDG_STATE_HOME": "x"}, "/home/a/.local/state/causeway"},
		{"no home", "linux", 1000, nil, ""},
		{"FreeBSD", "freebsd", 1000, map[string]string{"HOME": "/home/a", "STATE_DIRECTORY": "/x"}, "/home/a/.local/state/causeway"},
		{"Mac", "darwin", 501, map[string]string{"HOME": "/Users/a"}, "/Users/a/Library/Application Support/causeway"},
		{"Mac, root", "darwin", 0, nil, "/var/lib/causeway"},
		{"Windows", "windows", -1, map[string]string{"LOCALAPPDATA": "/AppData/Local"}, "/AppData/Local/causeway"},
		{"Windows, nothing set", "windows", -1, nil, ""},
	} {
		if runtime.GOOS == "windows" && c.system != "windows" {
			continue // there /x is not absolute
		}
		got := stateDir(c.system, c.uid, func(key string) string { return c.env[key] })
		if filepath.ToSlash(got) != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestRaiseFileLimit(t *testing.T) {
	limit, err := RaiseFileLimit()
	if err != nil || limit < 64 {
		t.Fatalf("got %d, %v", limit, err)
	}
	if again, err := RaiseFileLimit(); err != nil || again != limit {
		t.Errorf("second call: got %d, %v, want %d", again, err, limit)
	}
}

// loopback returns both ends of a connection accepted from lc's listener.
func loopback(t *testing.T, lc net.ListenConfig) (client, server *net.TCPConn) {
	t.Helper()
	l, err := lc.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	near, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { near.Close() })
	far, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { far.Close() })
	return near.(*net.TCPConn), far.(*net.TCPConn)
}

func TestKeepAliveOnAClosedConnection(t *testing.T) {
	client, _ := loopback(t, net.ListenConfig{})
	client.Close()
	if err := KeepAlive(client); err == nil {
		t.Error("got no error")
	}
}
