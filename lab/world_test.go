package lab_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"causeway/lab/actor"
	"causeway/lab/phone"
	"causeway/lab/record"
	"causeway/lab/world"
)

func TestMain(m *testing.M) {
	actor.Play()
	os.Exit(m.Run())
}

// binaryVariable carries the path of the causeway binary into the namespaces;
// set outside, it names one to test in place of a fresh build.
const binaryVariable = "CAUSEWAY_LAB_BINARY"

// inWorld runs the test t again in namespaces of its own and reports how it
// went there. It returns true in that second process, with the world made.
func inWorld(t *testing.T, env ...string) (*world.World, bool) {
	t.Helper()
	if world.Inside() {
		go func() {
			world.WaitHangUp()
			os.Exit(1)
		}()
		w, err := world.New()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(world.ForbiddenExit)
		}
		t.Cleanup(func() { w.Close() })
		return w, true
	}
	cmd, err := world.Command("-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=100s")
	if err != nil {
		t.Skipf("%s is skipped: %v", t.Name(), err)
	}
	cmd.Env = append(cmd.Env, "TMPDIR="+t.TempDir())
	cmd.Env = append(cmd.Env, env...)
	hold, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer hold.Close()
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && exit.ExitCode() == world.ForbiddenExit:
		t.Skipf("%s is skipped: %s", t.Name(), lastLine(out))
	case err != nil && exit == nil:
		t.Skipf("%s is skipped: %v: %v", t.Name(), world.ErrForbidden, err)
	case err != nil:
		t.Errorf("in the namespaces:\n%s", out)
	default:
		t.Logf("in the namespaces:\n%s", out)
	}
	return nil, false
}

func lastLine(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return lines[len(lines)-1]
}

// cast is everybody in the world but the volunteer.
type cast struct {
	service *actor.Service
	a, b    *actor.Phone
}

func assemble(t *testing.T, w *world.World) cast {
	t.Helper()
	ctx := deadline(t)
	service, err := actor.StartService(ctx, w.Place(world.ServiceChat), actor.ServiceSetup{
		Chat:  []string{world.ServiceChat + ":5222", world.ServiceChat + ":443", world.ServiceChat + ":80"},
		Media: []string{world.ServiceMedia + ":443"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { service.Close() })
	c := cast{service: service}
	for place, p := range map[string]**actor.Phone{world.PhoneA: &c.a, world.PhoneB: &c.b} {
		setup := actor.PhoneSetup{Number: numberA, Name: "A", Root: service.Facts.Root, CA: service.Facts.CA}
		if place == world.PhoneB {
			setup.Number, setup.Name = numberB, "B"
		}
		if *p, err = actor.StartPhone(w.Place(place), setup); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { (*p).Close() })
	}
	return c
}

// talk connects both phones and sends a text each way and a picture.
func (c cast) talk(t *testing.T, a, b phone.Route, text string, file []byte) {
	t.Helper()
	ctx := deadline(t)
	for who, err := range map[string]error{"A": c.a.Connect(ctx, a), "B": c.b.Connect(ctx, b)} {
		if err != nil {
			t.Fatalf("connecting %s: %v", who, err)
		}
	}
	if err := c.a.SendText(ctx, numberB, text); err != nil {
		t.Fatalf("A sending: %v", err)
	}
	if got, err := c.b.WaitText(ctx); err != nil || got.Body != text || got.From != numberA {
		t.Fatalf("B got %+v, %v, want %q from A", got, err, text)
	}
	if err := c.b.SendPicture(ctx, numberA, "look", file); err != nil {
		t.Fatalf("B sending the picture: %v", err)
	}
	if got, err := c.a.WaitPicture(ctx); err != nil || !bytes.Equal(got.Data, file) {
		t.Fatalf("A got a picture of %d bytes, %v, want the %d bytes that B sent", len(got.Data), err, len(file))
	}
}

// nowhere proves that text and file were not seen by anybody on the way.
func (c cast) nowhere(t *testing.T, text string, file []byte) {
	t.Helper()
	ctx := deadline(t)
	for who, searcher := range map[string]interface {
		searchText
		searchPieces
	}{"the way of A": c.a, "the way of B": c.b, "the service": c.service} {
		got, err := searcher.FindText(ctx, text)
		if err != nil || !got.Clean() {
			t.Errorf("%s: got the text in %v, %v, want it nowhere", who, got.Hits, err)
		}
		got, err = searcher.FindPieces(ctx, file, 32)
		if err != nil || !got.Clean() {
			t.Errorf("%s: got pieces of the picture in %v, %v, want them nowhere", who, got.Hits, err)
		}
	}
}

func TestWorldBlocks(t *testing.T) {
	w, inside := inWorld(t)
	if !inside {
		return
	}
	c := assemble(t, w)
	direct := phone.Route{Chat: "g.whatsapp.net:5222", Media: "whatsapp.net:443"}
	text, file := "before the block", picture(7)
	c.talk(t, direct, direct, text, file)
	c.nowhere(t, text, file)

	if err := w.Block(world.Volunteer); err != nil {
		t.Fatal(err)
	}
	for _, p := range []*actor.Phone{c.a, c.b} {
		if err := p.Disconnect(deadline(t)); err != nil {
			t.Error(err)
		}
		for _, address := range []string{"g.whatsapp.net:5222", "g.whatsapp.net:443", "whatsapp.net:443"} {
			if err := p.Dial(deadline(t), address); err == nil {
				t.Errorf("connected to %s in spite of the block", address)
			}
		}
		if err := p.Connect(deadline(t), direct); err == nil {
			t.Errorf("logged in in spite of the block")
		}
	}
}

type searchText interface {
	FindText(ctx context.Context, text string) (record.Answer, error)
}

type searchPieces interface {
	FindPieces(ctx context.Context, data []byte, size int) (record.Answer, error)
}
