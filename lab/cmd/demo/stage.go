package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"causeway/lab/actor"
	"causeway/lab/phone"
	"causeway/lab/volunteer"
	"causeway/lab/world"
	"causeway/proxyproto"
)

// stage is where the story happens: in namespaces, or on loopback.
type stage interface {
	// setting says in one sentence where we are.
	setting() string
	// service says where the service lives and listens.
	service() (actor.Place, actor.ServiceSetup)
	// phone says where phone number i (0 or 1) lives.
	phone(i int) actor.Place
	// direct is the way to the service without any proxy.
	direct(actor.Facts) phone.Route
	// block shuts the direct way.
	block(ctx context.Context, phones []*actor.Phone) error
	// volunteer starts the proxy and says how.
	volunteer(ctx context.Context, facts actor.Facts, phones []*actor.Phone) (how string, err error)
	// at is where the volunteer's port with that official number is.
	at(number uint16) string
	// traces returns what the volunteer wrote: output and state folder.
	traces() (string, error)
	// stop ends the volunteer.
	stop() error
}

// namespaces is the stage on which the built program runs on the real ports.
type namespaces struct {
	world    *world.World
	causeway string
	program  *actor.Program
	output   output
	state    string
}

func (n *namespaces) setting() string {
	return "Network namespaces without root: phone A, phone B, the censor's router, the volunteer and the service each have a network of their own"
}

func (n *namespaces) service() (actor.Place, actor.ServiceSetup) {
	return n.world.Place(world.ServiceChat), actor.ServiceSetup{
		Chat:  []string{world.ServiceChat + ":5222"},
		Media: []string{world.ServiceMedia + ":443"},
	}
}

func (n *namespaces) phone(i int) actor.Place {
	return n.world.Place([]string{world.PhoneA, world.PhoneB}[i])
}

func (n *namespaces) direct(actor.Facts) phone.Route {
	return phone.Route{Chat: "g.whatsapp.net:5222", Media: "whatsapp.net:443"}
}

func (n *namespaces) block(context.Context, []*actor.Phone) error {
	return n.world.Block(world.Volunteer)
}

func (n *namespaces) volunteer(ctx context.Context, _ actor.Facts, phones []*actor.Phone) (string, error) {
	state, err := os.MkdirTemp("", "causeway-state-")
	if err != nil {
		return "", err
	}
	n.state = state
	place := n.world.Place(world.Volunteer)
	place.Output = &n.output
	args := []string{"serve", "--ports", "official", "--allow-private-upstreams", "--log-level", "debug",
		"--host", world.Volunteer, "--state", state}
	if n.program, err = actor.StartProgram(place, actor.ProgramSetup{Path: n.causeway, Args: args}); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, openTime)
	defer cancel()
	for ctx.Err() == nil { // the ports open in the order of their list; 7777 is among the last
		if err = phones[0].Dial(ctx, n.at(7777)); err == nil {
			return "the real program: causeway serve --ports official --allow-private-upstreams", nil
		}
	}
	return "", fmt.Errorf("its ports never opened: %w\n%s", err, n.output.String())
}

func (n *namespaces) at(number uint16) string {
	return fmt.Sprintf("%s:%d", world.Volunteer, number)
}

func (n *namespaces) traces() (string, error) {
	left := n.output.String()
	files, err := filepath.Glob(filepath.Join(n.state, "*"))
	for _, file := range files {
		if info, statErr := os.Lstat(file); statErr != nil || !info.Mode().IsRegular() { // the admin socket holds nothing
			err = errors.Join(err, statErr)
			continue
		}
		content, readErr := os.ReadFile(file)
		err = errors.Join(err, readErr)
		left += string(content)
	}
	return left, err
}

func (n *namespaces) stop() error {
	if n.program == nil {
		return nil
	}
	program := n.program
	n.program = nil
	return errors.Join(program.Stop(), os.RemoveAll(n.state))
}

// loopback is the stage where namespaces are forbidden: the same proxy code
// inside this process, and phones whose dialer refuses everything else.
type loopback struct {
	proxy *volunteer.Volunteer
}

func (l *loopback) setting() string {
	return "Loopback: the block is a rule inside the phones' dialers, and the volunteer is the real proxy code inside the demo"
}

func (l *loopback) service() (actor.Place, actor.ServiceSetup) {
	return actor.Place{}, actor.ServiceSetup{Chat: []string{"127.0.0.1:0"}, Media: []string{"127.0.0.1:0"}}
}

func (l *loopback) phone(int) actor.Place { return actor.Place{} }

func (l *loopback) direct(facts actor.Facts) phone.Route {
	return phone.Route{Chat: facts.Chat[0], Media: facts.Media[0]}
}

func (l *loopback) block(ctx context.Context, phones []*actor.Phone) error {
	return refuse(ctx, phones)
}

func refuse(ctx context.Context, phones []*actor.Phone, open ...string) error {
	var errs []error
	for _, p := range phones {
		errs = append(errs, p.Block(ctx, open...))
	}
	return errors.Join(errs...)
}

func (l *loopback) volunteer(ctx context.Context, facts actor.Facts, phones []*actor.Phone) (string, error) {
	proxy, err := volunteer.Start(volunteer.Config{Chat: facts.Chat[0], Media: facts.Media[0], SendHeader: proxyproto.V1})
	if err != nil {
		return "", err
	}
	l.proxy = proxy
	// The volunteer's address is known only now; the block leaves it open.
	err = refuse(ctx, phones, l.at(443), l.at(5222), l.at(587), l.at(7777))
	return "the real proxy code, inside the demo, on ports that the system chose", err
}

func (l *loopback) at(number uint16) string { return l.proxy.Address(number) }

func (l *loopback) traces() (string, error) { return "", nil }

func (l *loopback) stop() error {
	if l.proxy == nil {
		return nil
	}
	proxy := l.proxy
	l.proxy = nil
	return proxy.Close()
}

// output collects what the volunteer's program says.
type output struct {
	mu   sync.Mutex
	text strings.Builder
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.text.Len() < 1<<20 {
		o.text.Write(p)
	}
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// openTime is how long the volunteer's program may take to open its ports.
const openTime = 20 * time.Second

// probeTime is how long a blocked connection is tried before it counts as
// blocked.
const probeTime = 3 * time.Second
