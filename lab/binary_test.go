package lab_test

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"causeway/lab/actor"
	"causeway/lab/phone"
	"causeway/lab/world"
)

// insideCountry is the network of both phones.
const insideCountry = "10.66.0.0/16"

// TestBinaryInNamespaces runs the built program on the official ports. The
// phones reach nothing else, and g.whatsapp.net and whatsapp.net are the
// stand-in by /etc/hosts.
func TestBinaryInNamespaces(t *testing.T) {
	binary := os.Getenv(binaryVariable)
	if binary == "" {
		binary = build(t)
	}
	w, inside := inWorld(t, binaryVariable+"="+binary)
	if !inside {
		return
	}
	c := assemble(t, w)
	if err := w.Block(world.Volunteer); err != nil {
		t.Fatal(err)
	}
	blocked, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if err := c.a.Dial(blocked, "g.whatsapp.net:5222"); err == nil {
		t.Fatal("reached the service in spite of the block")
	}

	v := startBinary(t, w, binary, "--trust-proxy", insideCountry)
	v.ready(t, c.a)
	for i, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			text, file := fmt.Sprintf("the bridge is open again, %s", way.name), picture(uint64(100+i))
			v.secrets = append(v.secrets, text)
			c.talk(t, way.a.route(official), way.b.route(official), text, file)
			c.nowhere(t, text, file)
		})
	}
	for _, h := range headerCases {
		t.Run(fmt.Sprint("PROXY header on ", h.number, " for ", h.source), func(t *testing.T) {
			route := phone.Route{Chat: official(h.number), ChatTLS: h.tls, Header: []byte(h.header), Media: official(587)}
			if err := c.a.Connect(deadline(t), route); err != nil {
				t.Error(err)
			}
		})
	}
	checkSeen(t, c)
	for _, p := range []*actor.Phone{c.a, c.b} {
		if err := p.Disconnect(deadline(t)); err != nil {
			t.Error(err)
		}
	}
	v.end(t)
}

// official is an address at the volunteer's.
func official(number uint16) string { return fmt.Sprintf("%s:%d", world.Volunteer, number) }

// checkSeen looks at what arrived at the service: every chat with a v1 header
// naming the phone (or whom the trusted header named), media with none.
func checkSeen(t *testing.T, c cast) {
	t.Helper()
	seen, err := c.service.Seen(deadline(t))
	if err != nil {
		t.Fatal(err)
	}
	sources := []string{world.PhoneA + ":", world.PhoneB + ":", "198.51.100.7:40000", "[2001:db8::7]:40000"}
	for _, one := range seen {
		known := false
		for _, source := range sources {
			known = known || strings.HasPrefix(one.Source, source)
		}
		switch {
		case one.Silent:
		case one.Problem != "":
			t.Errorf("got %+v at the service, want no problem", one)
		case one.Route == "chat" && (one.Header != 1 || !known):
			t.Errorf("got %+v at the service, want a v1 header naming one of %v", one, sources)
		}
	}
}

// build makes the program as the Makefile does.
func build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "causeway")
	cmd := exec.Command("go", "build", "-trimpath", "-o", binary, ".")
	cmd.Dir = ".."
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building causeway: %v\n%s", err, out)
	}
	return binary
}

// running is a volunteer's program.
type running struct {
	*actor.Program
	output  *output
	state   string
	secrets []string
}

// output collects what the program says.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// startBinary runs the program with the options of every test here and more.
func startBinary(t *testing.T, w *world.World, binary string, more ...string) *running {
	t.Helper()
	state, err := os.MkdirTemp("", "state") // short enough for a socket in it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(state) })
	v := &running{output: &output{}, state: state}
	place := w.Place(world.Volunteer)
	place.Output = v.output
	v.Program, err = actor.StartProgram(place, actor.ProgramSetup{
		Path: binary,
		Args: append([]string{"serve", "--ports", "official", "--allow-private-upstreams",
			"--state", v.state, "--host", world.Volunteer, "--log-level", "debug"}, more...),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Kill)
	return v
}

// ready waits until a phone can open a connection to the last port.
func (v *running) ready(t *testing.T, p *actor.Phone) {
	t.Helper()
	ctx := deadline(t)
	for {
		err := p.Dial(ctx, official(7777))
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("the volunteer never opened its ports: %v\n%s", err, v.output)
		}
	}
}

// end stops the program with SIGTERM, once nobody is connected, and looks for people in what it left.
func (v *running) end(t *testing.T) {
	t.Helper()
	if err := v.Stop(); err != nil {
		t.Errorf("stopping the volunteer: %v\n%s", err, v.output)
	}
	left := v.output.String()
	err := filepath.WalkDir(v.state, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		left += string(content)
		return err
	})
	if err != nil {
		t.Error(err)
	}
	for _, secret := range append(v.secrets, world.PhoneA, world.PhoneB, numberA, numberB) {
		if strings.Contains(left, secret) {
			t.Errorf("the volunteer's output or state holds %q:\n%s", secret, v.output)
		}
	}
}
