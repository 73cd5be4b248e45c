package cli

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"causeway/control"
	"causeway/invite"
)

// invites runs causeway invite with the state folder and returns what it says.
func invites(t *testing.T, state string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := newInvite()
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	cmd.SetArgs(append(args, "--state", state))
	cmd.SetOut(&out)
	cmd.SetErr(&errs)
	err = cmd.ExecuteContext(t.Context())
	return out.String(), errs.String(), err
}

// shortDir is a folder whose path is short enough for a socket.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "invite")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func TestInvitationsOfARunningProxy(t *testing.T) {
	state := shortDir(t)
	l, err := control.Listen(t.Context(), state)
	if err != nil {
		t.Fatal(err)
	}
	book, access := &invite.Book{Dir: state}, "invited"
	if _, err := book.Load(); err != nil {
		t.Fatal(err)
	}
	var revoked []string
	desk := control.Desk{
		Book:     book,
		Networks: func(string) int { return 3 },
		Revoked:  func(id string) { revoked = append(revoked, id) },
		Running: func() control.Status {
			return control.Status{Version: "v1", Access: access, Address: invite.Address{Host: "proxy.example", Port: 8443}}
		},
	}
	server := desk.Server(slog.New(slog.DiscardHandler))
	var running sync.WaitGroup
	running.Go(func() { server.Serve(l) })
	defer running.Wait()
	defer server.Close()

	out, _, err := invites(t, state, "new", "--label", "family")
	if err != nil || !strings.Contains(out, "https://proxy.example:8443/") || strings.Contains(out, "--access") {
		t.Fatalf("got %q, %v", out, err)
	}
	one, err := book.Find("family")
	if err != nil || !strings.Contains(out, one.Path) {
		t.Errorf("the running proxy does not know it: %v", err)
	}
	if out, _, err := invites(t, state, "list"); err != nil || !strings.Contains(out, "up to 8") {
		t.Errorf("got %q, %v", out, err)
	}
	if out, _, err := invites(t, state, "show", "family", "--host", "other.example", "--port", "443", "--text"); err != nil || !strings.HasPrefix(out, "https://other.example/"+one.Path+" ") {
		t.Errorf("got %q, %v", out, err)
	}
	var usage *usageError
	if _, _, err := invites(t, state, "new", "--label", "family"); !errors.As(err, &usage) {
		t.Errorf("a label twice: got %v, want exit code 2", err)
	}
	var hinted *hintError
	if _, _, err := invites(t, state, "show", "nobody"); !errors.As(err, &hinted) || hinted.hint != "causeway invite list" {
		t.Errorf("an unknown one: got %v", err)
	}
	if _, _, err := invites(t, state, "revoke", "family"); err != nil || len(revoked) != 1 || revoked[0] != one.ID {
		t.Errorf("revoked %q, %v", revoked, err)
	}
	if _, ok := book.Open(one.Path); ok {
		t.Error("the revoked invitation opens")
	}
	access = "open"
	if out, _, err := invites(t, state, "new"); err != nil || !strings.Contains(out, "runs with --access open") {
		t.Errorf("got %q, %v", out, err)
	}
}

func TestWhileACommandWorksOnTheFilesNoProxyStarts(t *testing.T) {
	state := shortDir(t)
	options := &inviteOptions{state: state}
	d, release, err := options.desk(t.Context(), changes, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := control.Listen(t.Context(), state); !errors.Is(err, control.ErrRunning) {
		t.Errorf("got %v, want the proxy to be kept waiting", err)
	}
	if _, err := d.New(t.Context(), invite.Draft{}); err != nil {
		t.Error(err)
	}
	release()
	l, err := control.Listen(t.Context(), state)
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}

func TestAFileThatIsWrittenIsItsOwnersAlone(t *testing.T) {
	state := shortDir(t)
	name := filepath.Join(state, "code.png")
	if _, _, err := invites(t, state, "new", "--host", "proxy.example", "--qr", "png", "--out", name); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(name)
	if err != nil || info.Mode().Perm()&0o077 != 0 && os.PathSeparator == '/' || info.Size() < 500 {
		t.Errorf("got %v, %v", info, err)
	}
}

func TestParseExpires(t *testing.T) {
	for _, c := range []struct {
		text string
		want time.Duration // 0 with text: refused
	}{
		{"", 0}, {"12h", 12 * time.Hour}, {"30d", 720 * time.Hour}, {"2w", 336 * time.Hour},
		{"d", 0}, {"30", 0}, {"0d", 0}, {"-1d", 0}, {"1.5d", 0}, {"30dd", 0}, {"d30", 0}, {"70000d", 0}, {"30m", 0}, {"۳۰d", 0},
	} {
		got, err := parseExpires(c.text)
		if got != c.want || (err != nil) != (c.want == 0 && c.text != "") {
			t.Errorf("%q: got %v, %v, want %v", c.text, got, err, c.want)
		}
	}
}
