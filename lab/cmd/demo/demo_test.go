package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"causeway/lab/actor"
)

// demoVariable makes the test program be the demo.
const demoVariable = "CAUSEWAY_LAB_DEMO"

func TestMain(m *testing.M) {
	actor.Play()
	if os.Getenv(demoVariable) != "" {
		flag.CommandLine = flag.NewFlagSet("demo", flag.ExitOnError)
		os.Exit(run())
	}
	os.Exit(m.Run())
}

// demo is a command that runs the demo with a temporary folder of its own.
func demo(t *testing.T, args ...string) (cmd *exec.Cmd, folder string) {
	t.Helper()
	folder = t.TempDir()
	cmd = exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), demoVariable+"=1", "TMPDIR="+folder)
	cmd.WaitDelay = 2 * cleanupTime
	return cmd, folder
}

func build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "causeway")
	cmd := exec.Command("go", "build", "-o", binary, ".")
	cmd.Dir = "../../.."
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building causeway: %v\n%s", err, out)
	}
	return binary
}

func TestDemo(t *testing.T) {
	cases := []struct {
		name string
		args []string
	}{
		{"the built program in namespaces, or on loopback where they are forbidden", []string{"--json", "--causeway", build(t)}},
		{"on loopback", []string{"--json", "--loopback"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			cmd, folder := demo(t, c.args...)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("got %v, want exit code 0:\n%s", err, out)
			}
			steps := 0
			for text := range bytes.Lines(out) {
				var l line
				if err := json.Unmarshal(text, &l); err != nil {
					t.Errorf("got a line that is not JSON: %q", text)
				}
				if l.OK != nil && !*l.OK {
					t.Errorf("got %q failed: %s", l.Step, l.Error)
				}
				if l.OK != nil {
					steps++
				}
			}
			if steps < 25 {
				t.Errorf("got %d steps, want at least 25:\n%s", steps, out)
			}
			empty(t, folder)
		})
	}
}

func TestDemoInterrupted(t *testing.T) {
	binary := build(t)
	for _, after := range []string{"The service runs", "Phone A connects directly", "The volunteer runs", "sends a picture"} {
		t.Run(after, func(t *testing.T) {
			cmd, folder := demo(t, "--causeway", binary)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewReader(out)
			for {
				text, err := lines.ReadString('\n')
				if err != nil {
					t.Fatalf("reading what the demo says: %v", err)
				}
				if strings.Contains(text, after) {
					break
				}
			}
			began := time.Now()
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			rest, _ := io.ReadAll(lines)
			err = cmd.Wait()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != exitInterrupt {
				t.Errorf("got %v, want exit code %d:\n%s", err, exitInterrupt, rest)
			}
			if took := time.Since(began); took > cleanupTime {
				t.Errorf("got an end after %v, want one within %v", took, cleanupTime)
			}
			if strings.Contains(string(rest), "NOT") {
				t.Errorf("got failures reported after Ctrl-C:\n%s", rest)
			}
			empty(t, folder)
		})
	}
}

func TestDemoNeedsABinary(t *testing.T) {
	cmd, _ := demo(t, "--causeway", filepath.Join(t.TempDir(), "none"))
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitUsage || !strings.Contains(string(out), "make build") {
		t.Errorf("got %v and %q, want exit code %d and what to try", err, out, exitUsage)
	}
}

// empty checks that the demo left nothing behind.
func empty(t *testing.T, folder string) {
	t.Helper()
	left, err := os.ReadDir(folder)
	if err != nil || len(left) > 0 {
		t.Errorf("got %v, %v left behind, want nothing", left, err)
	}
}
