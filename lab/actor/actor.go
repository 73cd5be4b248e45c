// Package actor runs phones and the messaging service as processes of their
// own, so that each can live in a network of its own, and directs them.
package actor

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"time"
)

// roleVariable tells a process which role to play.
const roleVariable = "CAUSEWAY_LAB_ROLE"

const (
	maxLine  = 8 << 20 // bytes of one request or answer
	killTime = 5 * time.Second
)

// request is one line to an actor. Its fields are those of all operations.
type request struct {
	Op      string          `json:"op"`
	Timeout time.Duration   `json:"timeout"`
	Args    json.RawMessage `json:"args,omitempty"`
}

// answer is one line from an actor.
type answer struct {
	Error  string          `json:"error,omitempty"`
	Result json.RawMessage `json:"result,omitempty"`
}

// handler does one operation of a role.
type handler func(ctx context.Context, args json.RawMessage) (any, error)

// Play plays this process's role and exits, if it has one. Programs that start
// actors call it first thing in main or TestMain.
func Play() {
	role := os.Getenv(roleVariable)
	if role == "" {
		return
	}
	play := map[string]func(*bufio.Reader) (map[string]handler, func(), error){
		"phone":   playPhone,
		"service": playService,
		"program": playProgram,
	}[role]
	if play == nil {
		fmt.Fprintf(os.Stderr, "unknown role %q\n", role)
		os.Exit(2)
	}
	// Ctrl-C at a terminal reaches every process; the director decides.
	signal.Ignore(os.Interrupt)
	lines := bufio.NewReaderSize(os.Stdin, 64<<10)
	handlers, end, err := play(lines)
	if err != nil {
		fmt.Fprintf(os.Stderr, "playing the %s: %v\n", role, err)
		os.Exit(1)
	}
	serve(lines, os.Stdout, handlers)
	end()
	os.Exit(0)
}

// serve answers requests one after the other until the director hangs up.
func serve(lines *bufio.Reader, out io.Writer, handlers map[string]handler) {
	encoder := json.NewEncoder(out)
	for {
		var r request
		if err := readLine(lines, &r); err != nil {
			return
		}
		if err := encoder.Encode(do(r, handlers)); err != nil {
			return
		}
	}
}

func do(r request, handlers map[string]handler) answer {
	handle := handlers[r.Op]
	if handle == nil {
		return answer{Error: fmt.Sprintf("unknown operation %q", r.Op)}
	}
	ctx, cancel := context.WithTimeout(context.Background(), r.Timeout)
	defer cancel()
	result, err := handle(ctx, r.Args)
	if err != nil {
		return answer{Error: err.Error()}
	}
	raw, err := json.Marshal(result)
	if err != nil {
		return answer{Error: err.Error()}
	}
	return answer{Result: raw}
}

func readLine(lines *bufio.Reader, into any) error {
	var line []byte
	for {
		part, err := lines.ReadSlice('\n')
		line = append(line, part...)
		if err == nil {
			return json.Unmarshal(line, into)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
		if len(line) > maxLine {
			return errors.New("line too long")
		}
	}
}

// Actor is a running process that plays a role. Its methods are safe for
// concurrent use; requests are answered one after the other.
type Actor struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader

	mu   sync.Mutex
	done chan struct{} // closed when the process has ended
	err  error         // how it ended; read after done
}

// start runs this same program again in a role.
func start(role string, at Place, setup any) (*Actor, error) {
	a, err := command(role, at)
	if err != nil {
		return nil, fmt.Errorf("preparing the %s: %w", role, err)
	}
	if err := a.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the %s: %w", role, err)
	}
	if err := a.begin(at, setup); err != nil {
		a.Kill()
		return nil, fmt.Errorf("starting the %s: %w", role, err)
	}
	return a, nil
}

func command(role string, at Place) (*Actor, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program: %w", err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	cmd.Stderr = os.Stderr
	if at.Output != nil {
		cmd.Stderr = at.Output
	}
	isolate(cmd, at)
	a := &Actor{cmd: cmd, done: make(chan struct{})}
	if a.in, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if role == "program" { // it answers no requests
		cmd.Stdout = cmd.Stderr
		return a, nil
	}
	out, err := cmd.StdoutPipe()
	a.out = bufio.NewReaderSize(out, 64<<10)
	return a, err
}

// begin moves the process's cable into place and sends the first line.
func (a *Actor) begin(at Place, setup any) error {
	if at.Plug != nil {
		if err := at.Plug(a.cmd.Process.Pid); err != nil {
			return err
		}
	}
	return json.NewEncoder(a.in).Encode(first{Net: at.Net, Setup: mustJSON(setup)})
}

// first is the line that every actor gets first.
type first struct {
	Net   *Net            `json:"net,omitempty"`
	Setup json.RawMessage `json:"setup"`
}

// mustJSON encodes the structs of this package, all of which can be encoded.
func mustJSON(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return raw
}

// readSetup reads the first line and sets up the network that it describes.
func readSetup(lines *bufio.Reader, setup any) error {
	var f first
	if err := readLine(lines, &f); err != nil {
		return fmt.Errorf("reading the setup: %w", err)
	}
	if f.Net != nil {
		if err := f.Net.up(); err != nil {
			return fmt.Errorf("setting up the network: %w", err)
		}
	}
	return json.Unmarshal(f.Setup, setup)
}

// call sends one request and decodes the result into result, which may be nil.
func (a *Actor) call(ctx context.Context, op string, args, result any) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	until, ok := ctx.Deadline()
	if !ok {
		return errors.New("a request to an actor needs a deadline")
	}
	// The actor keeps the deadline itself; the timer is for one that hangs.
	hung := time.AfterFunc(time.Until(until)+killTime, func() { a.cmd.Process.Kill() })
	defer hung.Stop()
	stop := context.AfterFunc(ctx, func() {
		if errors.Is(ctx.Err(), context.Canceled) { // Ctrl-C: nobody waits for an answer
			a.cmd.Process.Kill()
		}
	})
	defer stop()
	r := request{Op: op, Timeout: time.Until(until), Args: mustJSON(args)}
	if err := json.NewEncoder(a.in).Encode(r); err != nil {
		return fmt.Errorf("asking for %s: %w", op, err)
	}
	var got answer
	if err := readLine(a.out, &got); err != nil {
		return fmt.Errorf("waiting for %s: %w", op, err)
	}
	if got.Error != "" {
		return errors.New(got.Error)
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(got.Result, result)
}

// Close asks the process to end by hanging up, and waits for it.
func (a *Actor) Close() error {
	a.in.Close()
	timer := time.AfterFunc(killTime, func() { a.cmd.Process.Kill() })
	defer timer.Stop()
	return a.wait()
}

// Kill ends the process at once and waits for it.
func (a *Actor) Kill() {
	a.cmd.Process.Kill()
	a.wait()
}

func (a *Actor) wait() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	select {
	case <-a.done:
	default:
		a.err = a.cmd.Wait()
		close(a.done)
	}
	return a.err
}
