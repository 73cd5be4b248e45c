// Command demo tells the whole story on one machine, without root and without
// touching any network: a messaging service, a censor, a volunteer who runs
// causeway, and two people whose message gets through.
//
// Exit codes: 0 every step held, 1 a step failed, 2 wrong use, 130 Ctrl-C.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"causeway/lab/actor"
	"causeway/lab/world"
)

const (
	maxTime       = 2 * time.Minute
	cleanupTime   = 10 * time.Second
	exitFailed    = 1
	exitUsage     = 2
	exitInterrupt = 130
)

func main() {
	actor.Play()
	os.Exit(run())
}

func run() int {
	causeway := flag.String("causeway", "../causeway", "the causeway binary that the volunteer runs")
	asJSON := flag.Bool("json", false, "one JSON object per line")
	loopback := flag.Bool("loopback", false, "do not use network namespaces even where they are allowed")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "unexpected argument %q\n", flag.Arg(0))
		return exitUsage
	}
	// With the reader gone (demo | head) the story goes on unheard and cleans up.
	signal.Ignore(syscall.SIGPIPE)
	teller := newTeller(os.Stdout, *asJSON)
	ctx, cancel := context.WithTimeout(context.Background(), maxTime)
	defer cancel()
	if world.Inside() {
		return inside(ctx, teller, *causeway)
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	folder, err := os.MkdirTemp("", "causeway-demo-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitFailed
	}
	defer os.RemoveAll(folder)

	code, why := world.ForbiddenExit, "--loopback was given"
	if !*loopback {
		code, why = inNamespaces(ctx, folder, *causeway)
	}
	if code == world.ForbiddenExit && ctx.Err() == nil {
		code = onLoopback(ctx, teller, why)
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		fmt.Fprintf(os.Stderr, "the demo took longer than %v\n", maxTime)
		return exitFailed
	}
	if ctx.Err() != nil {
		fmt.Fprintln(os.Stderr, "interrupted; everything that the demo started is stopped and removed")
		return exitInterrupt
	}
	return code
}

// inNamespaces runs this program again in namespaces of its own. The exit code
// is world.ForbiddenExit, and why says so, where the system forbids that.
func inNamespaces(ctx context.Context, folder, causeway string) (code int, why string) {
	binary, err := filepath.Abs(causeway)
	if err != nil {
		return exitFailed, err.Error()
	}
	if info, err := os.Stat(binary); err != nil || info.IsDir() {
		fmt.Fprintf(os.Stderr, "no causeway binary at %s\ntry: make build\n", causeway)
		return exitUsage, ""
	}
	args := []string{"--causeway", binary}
	for _, arg := range os.Args[1:] {
		if arg == "--json" || arg == "-json" {
			args = append(args, arg)
		}
	}
	cmd, err := world.Command(args...)
	if err != nil {
		return world.ForbiddenExit, err.Error()
	}
	cmd.Env = append(cmd.Env, "TMPDIR="+folder)
	said := &lastWords{}
	cmd.Stdout, cmd.Stderr = os.Stdout, said
	hold, err := cmd.StdinPipe()
	if err != nil {
		return exitFailed, err.Error()
	}
	if err := cmd.Start(); err != nil {
		return world.ForbiddenExit, err.Error()
	}
	hangUp := context.AfterFunc(ctx, func() { hold.Close() })
	defer hangUp()
	cmd.WaitDelay = cleanupTime
	kill := context.AfterFunc(ctx, func() { time.AfterFunc(cleanupTime, func() { cmd.Process.Kill() }) })
	defer kill()
	err = cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == world.ForbiddenExit {
		return world.ForbiddenExit, said.String()
	}
	if words := said.String(); words != "" {
		fmt.Fprintln(os.Stderr, words)
	}
	if err != nil {
		return exitFailed, ""
	}
	return 0, ""
}

// lastWords keeps the end of what was said.
type lastWords struct{ text []byte }

const maxWords = 8 << 10 // bytes

func (l *lastWords) Write(p []byte) (int, error) {
	l.text = append(l.text, p...)
	if len(l.text) > maxWords {
		l.text = l.text[len(l.text)-maxWords:]
	}
	return len(p), nil
}

func (l *lastWords) String() string { return strings.TrimSpace(string(l.text)) }

// inside is the demo in the namespaces.
func inside(ctx context.Context, teller *teller, causeway string) int {
	signal.Ignore(os.Interrupt) // whoever started us hears it too, and hangs up
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		world.WaitHangUp()
		cancel()
	}()
	w, err := world.New()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return world.ForbiddenExit
	}
	defer w.Close()
	return tell(ctx, teller, &namespaces{world: w, causeway: causeway})
}

func onLoopback(ctx context.Context, teller *teller, why string) int {
	teller.note("Without network namespaces: " + why + ".")
	return tell(ctx, teller, &loopback{})
}
