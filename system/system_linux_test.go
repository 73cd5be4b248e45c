package system

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func options(t *testing.T, c *net.TCPConn) map[string]int {
	t.Helper()
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	err = raw.Control(func(fd uintptr) {
		for name, o := range map[string][2]int{
			"keepalive": {unix.SOL_SOCKET, unix.SO_KEEPALIVE},
			"idle":      {unix.IPPROTO_TCP, unix.TCP_KEEPIDLE},
			"interval":  {unix.IPPROTO_TCP, unix.TCP_KEEPINTVL},
			"count":     {unix.IPPROTO_TCP, unix.TCP_KEEPCNT},
		} {
			v, err := unix.GetsockoptInt(int(fd), o[0], o[1])
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			got[name] = v
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestKeepAlive(t *testing.T) {
	client, server := loopback(t, net.ListenConfig{})
	for name, c := range map[string]*net.TCPConn{"client": client, "server": server} {
		if err := KeepAlive(c); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got, want := fmt.Sprint(options(t, c)), "map[count:3 idle:15 interval:5 keepalive:1]"; got != want {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}

// A phone that answers and does not read, because its app pauses, is not gone,
// however long that lasts.
func TestAPausedReaderIsNotGone(t *testing.T) {
	client, server := loopback(t, net.ListenConfig{})
	server.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
	for {
		if _, err := server.Write(make([]byte, 64<<10)); err != nil {
			break
		}
	}
	peer, start := NewPeer(server), time.Now()
	for _, after := range []time.Duration{0, UnansweredFor, 10 * UnansweredFor} {
		gone, waiting := peer.Gone(start.Add(after))
		if gone || !waiting {
			t.Errorf("after %v: got gone %v and waiting %v, want false and true", after, gone, waiting)
		}
	}
	client.Close()
}

const inChild = "CAUSEWAY_TEST_NO_CORE_DUMPS"

func TestNoCoreDumps(t *testing.T) {
	if os.Getenv(inChild) != "" {
		noCoreDumpsHere(t)
		return
	}
	// The setting cannot be taken back, so a process of its own gets it.
	cmd := exec.Command(os.Args[0], "-test.run=^TestNoCoreDumps$", "-test.v")
	cmd.Env = append(os.Environ(), inChild+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "PASS") {
		t.Errorf("got %v: %s", err, out)
	}
}

func noCoreDumpsHere(t *testing.T) {
	if err := NoCoreDumps(); err != nil {
		t.Fatal(err)
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &limit); err != nil || limit != (unix.Rlimit{}) {
		t.Errorf("RLIMIT_CORE: got %v, %v, want 0", limit, err)
	}
	if dumpable, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0); err != nil || dumpable != 0 {
		t.Errorf("PR_GET_DUMPABLE: got %d, %v, want 0", dumpable, err)
	}
}

func TestPortHolder(t *testing.T) {
	comm, err := os.ReadFile("/proc/self/comm")
	if err != nil {
		t.Skip("no /proc here")
	}
	for _, address := range []string{"127.0.0.1:0", "[::1]:0", ":0"} {
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Logf("%s: not on this machine", address)
			continue
		}
		port := uint16(l.Addr().(*net.TCPAddr).Port)
		name, pid, ok := PortHolder(port)
		if name != strings.TrimSpace(string(comm)) || pid != os.Getpid() || !ok {
			t.Errorf("%s: got %q, %d, %v, want %q, %d", address, name, pid, ok, strings.TrimSpace(string(comm)), os.Getpid())
		}
		l.Close()
		if name, _, ok := PortHolder(port); ok {
			t.Errorf("%s: closed, but held by %q", address, name)
		}
	}
}

func TestPortHolderReadsTables(t *testing.T) {
	const head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
	line := func(local, state, inode string) string {
		return "   0: " + local + " 00000000:0000 " + state + " 00000000:00000000 00:00000000 00000000     0        0 " + inode + " 1 0000000000000000 100 0 0 10 0\n"
	}
	v6 := strings.Repeat("0", 32)
	for _, c := range []struct {
		name, tcp, tcp6 string
		fd              string // what the process has open
		ok              bool
	}{
		{"listens", head + line("00000000:01BB", "0A", "77"), head, "socket:[77]", true},
		{"listens on IPv6", head, head + line(v6+":01BB", "0A", "77"), "socket:[77]", true},
		{"connected only", head + line("0100007F:01BB", "01", "77"), head, "socket:[77]", false},
		{"another port", head + line("00000000:11BB", "0A", "77"), head, "socket:[77]", false},
		{"another's socket", head + line("00000000:01BB", "0A", "77"), head, "socket:[7]", false},
		{"no tables", "", "", "socket:[77]", false},
		{"broken tables", ": 01BB 0A\n\x00\n" + strings.Repeat("x", 100000), "0A", "socket:[77]", false},
	} {
		proc := t.TempDir()
		fds := filepath.Join(proc, "42", "fd")
		for _, dir := range []string{filepath.Join(proc, "net"), fds, filepath.Join(proc, "sys")} {
			if err := os.MkdirAll(dir, 0o700); err != nil {
				t.Fatal(err)
			}
		}
		for name, text := range map[string]string{"net/tcp": c.tcp, "net/tcp6": c.tcp6, "42/comm": "nginx\n"} {
			if err := os.WriteFile(filepath.Join(proc, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Symlink(c.fd, filepath.Join(fds, "3")); err != nil {
			t.Fatal(err)
		}
		name, pid, ok := portHolder(proc, 443)
		if ok != c.ok || ok && (name != "nginx" || pid != 42) {
			t.Errorf("%s: got %q, %d, %v, want %v", c.name, name, pid, ok, c.ok)
		}
	}
	if _, _, ok := portHolder(filepath.Join(t.TempDir(), "none"), 443); ok {
		t.Error("no /proc: got ok")
	}
}

func TestAResetThatAWriteWasToldOfIsStillSeen(t *testing.T) {
	client, server := loopback(t, net.ListenConfig{})
	client.SetLinger(0)
	client.Close()
	var err error
	for err == nil { // the first to fail is told of the reset
		_, err = server.Write([]byte("x"))
	}
	if _, err := server.Read(make([]byte, 1)); err != io.EOF {
		t.Skipf("this system tells of a reset twice: %v", err)
	}
	if !WasReset(server) {
		t.Error("the reset looks like an EOF")
	}
}

func TestAnEOFIsNoReset(t *testing.T) {
	client, server := loopback(t, net.ListenConfig{})
	client.CloseWrite()
	if _, err := server.Read(make([]byte, 1)); err != io.EOF {
		t.Fatal(err)
	}
	if WasReset(server) {
		t.Error("an EOF looks like a reset")
	}
}
