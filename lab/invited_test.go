package lab_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"causeway/lab/actor"
	"causeway/lab/phone"
	"causeway/lab/record"
	"causeway/lab/standin"
	"causeway/lab/volunteer"
)

const (
	numberC = "15550100003"

	// elsewhere is on loopback and in another /24 than 127.0.0.1.
	elsewhere = "127.9.9.9"
)

// from is a dialer at an address of loopback.
func from(address string) func(context.Context, string, string) (net.Conn, error) {
	return (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}).DialContext
}

// needElsewhere skips where loopback has one address only, as on macOS.
func needElsewhere(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", elsewhere+":0")
	if err != nil {
		t.Skipf("%s is skipped: %v", t.Name(), err)
	}
	l.Close()
}

// phoneAt makes a phone that dials from an address of loopback.
func phoneAt(t *testing.T, address string, config phone.Config) *phone.Phone {
	t.Helper()
	config.Dial = from(address)
	p, err := phone.New(config)
	if err != nil {
		t.Fatalf("making the phone of %s: %v", config.Name, err)
	}
	t.Cleanup(p.Disconnect)
	return p
}

// TestOnlyTheInvitedGetIn is an invitation from before its page was opened to
// after it was revoked. Phones A and B are in one network and C is in another.
func TestOnlyTheInvitedGetIn(t *testing.T) {
	needElsewhere(t)
	s, chat, media := service(t)
	v, g, one, page := invited(t, chat, media)
	var tape record.Tape
	a := phoneAt(t, "127.0.0.1", phone.Config{Number: numberA, Name: "A", CA: s.CA(), Tape: &tape})
	b := phoneAt(t, "127.0.0.1", phone.Config{Number: numberB, Name: "B", CA: s.CA(), Tape: &tape})
	c := phoneAt(t, elsewhere, phone.Config{Number: numberC, Name: "C", CA: s.CA(), Tape: &tape})
	out := func(when string, phones map[string]caller) {
		t.Helper()
		before := carried(s.Seen())
		for name, p := range phones {
			refused(t, when+", "+name, p, v.Address, chat)
		}
		if got := carried(s.Seen()) - before; got != 0 {
			t.Errorf("%s: got %d connections at the service, want none", when, got)
		}
	}

	out("before the page was opened", map[string]caller{"A": a, "C": c})
	meetsTheSite(t, v, "127.0.0.1")
	if got, err := a.Preview(deadline(t), page); err != nil || got.Status != http.StatusNotFound {
		t.Errorf("got %d, %v for the preview of the link, want the site's 404", got.Status, err)
	}
	out("after the link was sent in a message", map[string]caller{"A": a})

	settings := open(t, a, page)
	plain := phone.Route{Chat: v.Address(5222), Media: v.Address(7777)}
	for i, routes := range [][2]phone.Route{{settings, settings}, {settings, plain}} {
		for who, err := range map[string]error{"A": a.Connect(deadline(t), routes[0]), "B": b.Connect(deadline(t), routes[1])} {
			if err != nil {
				t.Fatalf("connecting %s after the page was opened: %v", who, err)
			}
		}
		text, file := fmt.Sprintf("the gate is open, %d", i), picture(uint64(20+i))
		exchange(t, a, b, text, file)
		for who, tape := range map[string]*record.Tape{"service": s.Tape, "path": &tape} {
			if text, file := tape.FindText(text), tape.FindPieces(file, 32); !text.Clean() || !file.Clean() {
				t.Errorf("%s: got the text in %v and the picture in %v, want them nowhere", who, text.Hits, file.Hits)
			}
		}
	}
	out("in another network", map[string]caller{"C": c})
	meetsTheSite(t, v, elsewhere)

	if _, err := g.book.Revoke(one.ID); err != nil {
		t.Fatal(err)
	}
	g.list.Revoke(one.ID)
	out("after it was revoked", map[string]caller{"A": a, "B": b, "C": c})
	meetsTheSite(t, v, "127.0.0.1")
	closed(t, a, page)
	out("after its page was opened once more", map[string]caller{"A": a})
}

// caller is a phone, in this process or another.
type caller interface {
	Connect(ctx context.Context, route phone.Route) error
	SendPicture(ctx context.Context, number, caption string, png []byte) error
	Browse(ctx context.Context, address string) (phone.Page, error)
}

// open opens an invitation's page and returns the settings that it gives.
func open(t *testing.T, p caller, page string) phone.Route {
	t.Helper()
	shown, err := p.Browse(deadline(t), page)
	if err != nil || shown.Status != http.StatusOK {
		t.Fatalf("got %d, %v for the invitation's page, want 200", shown.Status, err)
	}
	route, err := shown.Route()
	if err != nil {
		t.Fatal(err)
	}
	return route
}

// closed finds the web site where a page was.
func closed(t *testing.T, p caller, page string) {
	t.Helper()
	if shown, err := p.Browse(deadline(t), page); err != nil || shown.Status != http.StatusNotFound {
		t.Errorf("got %d, %v for the page of a revoked invitation, want the site's 404", shown.Status, err)
	}
}

// refused tries to log in by the volunteer, and to send a picture by it while
// the chat goes to the service directly.
func refused(t *testing.T, who string, p caller, at func(uint16) string, chat string) {
	t.Helper()
	for _, route := range []phone.Route{
		{Chat: at(443), ChatTLS: true, Media: at(587)},
		{Chat: at(443), ChatTLS: true, SNI: "g.whatsapp.net", ALPN: ios, Media: at(587)},
		{Chat: at(443), ChatTLS: true, Routing: []byte{8, 2, 8, 5}, Media: at(587)},
		{Chat: at(5222), Media: at(587)},
	} {
		if err := p.Connect(deadline(t), route); err == nil {
			t.Errorf("%s: logged in by %+v", who, route)
		}
	}
	for _, number := range []uint16{587, 7777} {
		if err := p.Connect(deadline(t), phone.Route{Chat: chat, Media: at(number)}); err != nil {
			t.Fatalf("%s: connecting to the service itself: %v", who, err)
		}
		err := p.SendPicture(deadline(t), numberB, "look", picture(11))
		if err == nil || !strings.Contains(err.Error(), "uploading the picture") {
			t.Errorf("%s: got %v for a picture by %d, want no upload", who, err, number)
		}
	}
}

// carried counts what the volunteer brought to the service: chats with its
// header, and media, to which nothing here goes directly.
func carried(seen []standin.Seen) (count int) {
	for _, one := range seen {
		if !one.Silent && (one.Route == "media" || one.Header != 0) {
			count++
		}
	}
	return count
}

// meetsTheSite sends a phone's first flight to the ports: where TLS is, an HTTP
// server does not understand it, and elsewhere a reset comes.
func meetsTheSite(t *testing.T, v *volunteer.Volunteer, at string) {
	t.Helper()
	flight := append([]byte{'W', 'A', 6, 3, 0, 0, 0x24, 0x12, 0x22, 0x0a, 0x20}, make([]byte, 32)...)
	for _, number := range []uint16{443, 5222, 587, 7777} {
		conn, err := from(at)(deadline(t), "tcp", v.Address(number))
		if number != 443 && errors.Is(err, syscall.ECONNRESET) { // it came while dialing
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if number == 443 {
			session := tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
			session.Write(append(flight, "\r\n\r\n"...))
			if got, err := bufio.NewReader(session).ReadString('\n'); err != nil || got != "HTTP/1.1 400 Bad Request\r\n" {
				t.Errorf("got %q, %v from 443, want the web server's 400", got, err)
			}
			continue
		}
		if got, err := io.ReadAll(conn); len(got) > 0 || !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("got %q, %v from %d, want a reset", got, err, number)
		}
	}
}

// TestInvitedInNamespaces is the same with the built program and its commands.
// Each phone is in a network of its own.
func TestInvitedInNamespaces(t *testing.T) {
	binary := os.Getenv(binaryVariable)
	if binary == "" {
		binary = build(t)
	}
	w, inside := inWorld(t, binaryVariable+"="+binary)
	if !inside {
		return
	}
	c := assemble(t, w)
	v := startBinary(t, w, binary, "--access", "invited")
	v.ready(t, c.a)
	var one struct{ ID, Link string }
	if err := json.Unmarshal(v.command(t, binary, "new", "--json"), &one); err != nil {
		t.Fatal(err)
	}
	out := func(when string, phones map[string]*actor.Phone) {
		t.Helper()
		before := c.carried(t)
		for name, p := range phones {
			refused(t, when+", "+name, p, official, "g.whatsapp.net:5222")
		}
		if got := c.carried(t) - before; got != 0 {
			t.Errorf("%s: got %d connections at the service, want none", when, got)
		}
	}

	out("before the page was opened", map[string]*actor.Phone{"A": c.a, "B": c.b})
	a := open(t, c.a, one.Link)
	out("in another network", map[string]*actor.Phone{"B": c.b})
	b := open(t, c.b, one.Link)
	text, file := "the gate is open", picture(30)
	v.secrets = append(v.secrets, text)
	c.talk(t, a, b, text, file)
	c.nowhere(t, text, file)
	if got := c.carried(t); got < 4 {
		t.Errorf("got %d connections at the service, want 2 of chat and 2 of media", got)
	}
	v.command(t, binary, "revoke", one.ID)
	out("after it was revoked", map[string]*actor.Phone{"A": c.a, "B": c.b})
	closed(t, c.a, one.Link)
	v.end(t)
}

// carried asks the service.
func (c cast) carried(t *testing.T) int {
	t.Helper()
	seen, err := c.service.Seen(deadline(t))
	if err != nil {
		t.Fatal(err)
	}
	return carried(seen)
}

// command runs causeway invite beside the running program.
func (v *running) command(t *testing.T, binary string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(deadline(t), binary, append(append([]string{"invite"}, args...), "--state", v.state)...)
	cmd.Stderr = v.output
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("causeway invite %v: %v\n%s", args, err, v.output)
	}
	return out
}
