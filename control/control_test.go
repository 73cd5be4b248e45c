package control

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"causeway/invite"
)

// stateDir is a folder whose path is short enough for a socket.
func stateDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "control")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "state")
}

// serving runs a desk on the state folder's socket.
func serving(t *testing.T, state string) *Desk {
	t.Helper()
	admitted := map[string]int{}
	var mu sync.Mutex
	desk := &Desk{
		Book: &invite.Book{Dir: state},
		Networks: func(id string) int {
			mu.Lock()
			defer mu.Unlock()
			return admitted[id]
		},
		Revoked: func(id string) {
			mu.Lock()
			defer mu.Unlock()
			admitted[id] = 0
		},
		Running: func() Status {
			return Status{"v1", "invited", invite.Address{Host: "proxy.example", Port: 443}, invite.Link{}}
		},
	}
	if _, err := desk.Book.Load(); err != nil {
		t.Fatal(err)
	}
	first, err := desk.Book.New(invite.Draft{Label: "first"})
	if err != nil {
		t.Fatal(err)
	}
	admitted[first.ID] = 3
	serve(t, state, desk)
	return desk
}

func serve(t *testing.T, state string, desk *Desk) {
	t.Helper()
	l, err := Listen(t.Context(), state)
	if err != nil {
		t.Fatal(err)
	}
	server := desk.Server(slog.New(slog.DiscardHandler))
	var running sync.WaitGroup
	running.Go(func() { server.Serve(l) })
	t.Cleanup(func() {
		server.Close()
		running.Wait()
	})
}

func dialed(t *testing.T, state string) *Client {
	t.Helper()
	c, err := Dial(t.Context(), state)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestACommandReachesTheProxy(t *testing.T) {
	state := stateDir(t)
	desk := serving(t, state)
	c, ctx := dialed(t, state), t.Context()

	if got, err := c.Status(ctx); err != nil || got != desk.Running() {
		t.Errorf("got %v, %v", got, err)
	}
	made, err := c.New(ctx, invite.Draft{Label: "دوستان", People: 3})
	if err != nil || made.Path == "" || made.Networks == nil || *made.Networks != 0 {
		t.Fatalf("got %+v, %v", made, err)
	}
	if _, ok := desk.Book.Open(made.Path); !ok {
		t.Error("the new invitation does not open")
	}
	all, err := c.List(ctx)
	if err != nil || len(all) != 2 || all[0].Label != "first" || *all[0].Networks != 8 || all[1].Invitation != made.Invitation {
		t.Errorf("got %+v, %v", all, err)
	}
	if got, err := c.Find(ctx, "دوستان"); err != nil || got.Invitation != made.Invitation {
		t.Errorf("got %+v, %v", got, err)
	}
	gone, err := c.Revoke(ctx, "first")
	if err != nil || !gone.Revoked || *gone.Networks != 0 {
		t.Errorf("got %+v, %v", gone, err)
	}
	if _, err := c.Find(ctx, "nobody"); !errors.Is(err, invite.ErrUnknown) || !strings.Contains(err.Error(), `"nobody"`) {
		t.Errorf("got %v", err)
	}
	if _, err := c.New(ctx, invite.Draft{People: -1}); !errors.Is(err, invite.ErrInvalid) || !strings.Contains(err.Error(), "-1 people") {
		t.Errorf("got %v", err)
	}
}

func TestTheDeskWithoutAProxy(t *testing.T) {
	desk := Desk{Book: &invite.Book{Dir: stateDir(t)}}
	if _, err := desk.New(t.Context(), invite.Draft{}); err != nil {
		t.Fatal(err)
	}
	all, err := desk.List(t.Context())
	if err != nil || len(all) != 1 || all[0].Networks != nil {
		t.Errorf("got %+v, %v", all, err)
	}
	if got, err := desk.Revoke(t.Context(), all[0].ID); err != nil || !got.Revoked {
		t.Errorf("got %+v, %v", got, err)
	}
	if got, err := desk.Status(t.Context()); err != nil || got != (Status{}) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestTheSocketIsItsOwnersAlone(t *testing.T) {
	state := stateDir(t)
	l, err := Listen(t.Context(), state)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(filepath.Join(state, socketName))
	if err != nil || info.Mode().Perm() != 0o600 && runtime.GOOS != "windows" {
		t.Errorf("got mode %v, %v", info.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(state, ".c[0-9]*")); len(left) != 0 {
		t.Errorf("%v is left", left)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(filepath.Join(state, socketName)); !os.IsNotExist(err) {
		t.Errorf("the socket is still there: %v", err)
	}
}

func TestWhoHasTheSocket(t *testing.T) {
	state := stateDir(t)
	if _, err := Dial(t.Context(), state); !errors.Is(err, ErrNotRunning) {
		t.Errorf("nobody: got %v", err)
	}
	if err := os.MkdirAll(state, 0o700); err != nil {
		t.Fatal(err)
	}
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(state, socketName), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	dead.Close()
	if _, err := Dial(t.Context(), state); !errors.Is(err, ErrNotRunning) {
		t.Errorf("a dead process: got %v", err)
	}
	serving(t, state)
	if _, err := Listen(t.Context(), state); !errors.Is(err, ErrRunning) {
		t.Errorf("a second proxy: got %v", err)
	}
	if _, err := Hold(t.Context(), state); !errors.Is(err, ErrRunning) {
		t.Errorf("a command that passes it by: got %v", err)
	}
	if _, err := dialed(t, state).List(t.Context()); err != nil {
		t.Errorf("the first after that: got %v", err)
	}
}

func TestAProxyWaitsForACommand(t *testing.T) {
	state := stateDir(t)
	release, err := Hold(t.Context(), state)
	if err != nil {
		t.Fatal(err)
	}
	var waiting sync.WaitGroup
	waiting.Go(func() {
		l, err := Listen(t.Context(), state)
		if err != nil {
			t.Error(err)
			return
		}
		l.Close()
	})
	release()
	waiting.Wait()
}

func TestAPathThatIsTooLong(t *testing.T) {
	state := filepath.Join(t.TempDir(), strings.Repeat("a", 100))
	if _, err := Listen(t.Context(), state); !errors.Is(err, ErrTooLong) {
		t.Errorf("got %v", err)
	}
	if _, err := Dial(t.Context(), state); !errors.Is(err, ErrNotRunning) {
		t.Errorf("got %v", err)
	}
}

func TestAFolderThatCannotBe(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(t.Context(), name); err == nil {
		t.Error("a socket in a file")
	}
}

func TestOddRequests(t *testing.T) {
	state := stateDir(t)
	serving(t, state)
	client := dialed(t, state).http
	for _, c := range []struct {
		name, method, path, body string
		want                     int
	}{
		{"no body", "POST", "/new", "", http.StatusBadRequest},
		{"no JSON", "POST", "/new", "hello", http.StatusBadRequest},
		{"what a later version may send", "POST", "/new", `{"lang":"fa"}`, http.StatusBadRequest},
		{"too much", "POST", "/new", `{"label":"` + strings.Repeat("a", maxRequest) + `"}`, http.StatusBadRequest},
		{"reading by GET", "GET", "/list", "", http.StatusMethodNotAllowed},
		{"another page", "POST", "/", "{}", http.StatusNotFound},
		{"a number for a name", "POST", "/revoke", `{"name":7}`, http.StatusBadRequest},
		{"a list", "POST", "/list", "{}", http.StatusOK},
	} {
		request, err := http.NewRequest(c.method, "http://causeway"+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(request)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		io.Copy(io.Discard, response.Body)
		response.Body.Close()
		if response.StatusCode != c.want {
			t.Errorf("%s: got %d, want %d", c.name, response.StatusCode, c.want)
		}
	}
}

func TestAskingEndsWithItsContext(t *testing.T) {
	state := stateDir(t)
	l, err := Listen(t.Context(), state) // and nobody serves
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := dialed(t, state)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.List(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
