package lab_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"fmt"
	"image"
	"image/png"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mau.fi/whatsmeow"

	"causeway/lab/phone"
	"causeway/lab/record"
	"causeway/lab/standin"
)

const (
	numberA = "15550100001"
	numberB = "15550100002"
)

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listening: %v", err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// service starts a stand-in on loopback and makes phones believe it. It returns
// the addresses of its chat and media ports.
func service(t *testing.T) (s *standin.Service, chat, media string) {
	t.Helper()
	s, err := standin.New()
	if err != nil {
		t.Fatalf("making the service: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("closing the service: %v", err)
		}
	})
	c, m := listen(t), listen(t)
	s.Chat(c)
	s.Media(m)
	before := phone.Trust(s.Root())
	t.Cleanup(func() { phone.Trust(before) })
	return s, c.Addr().String(), m.Addr().String()
}

func deadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// connected makes a phone and connects it.
func connected(t *testing.T, number, name string, ca *x509.CertPool, tape *record.Tape, route phone.Route) *phone.Phone {
	t.Helper()
	p, err := phone.New(phone.Config{Number: number, Name: name, CA: ca, Tape: tape})
	if err != nil {
		t.Fatalf("making the phone of %s: %v", name, err)
	}
	t.Cleanup(p.Disconnect)
	if err := p.Connect(deadline(t), route); err != nil {
		t.Fatalf("connecting the phone of %s: %v", name, err)
	}
	return p
}

// picture is a PNG of noise, so that none of its pieces turns up by chance.
func picture(seed uint64) []byte {
	noise := rand.New(rand.NewPCG(seed, seed))
	canvas := image.NewRGBA(image.Rect(0, 0, 48, 48))
	for i := range canvas.Pix {
		canvas.Pix[i] = byte(noise.Uint32())
	}
	var file bytes.Buffer
	png.Encode(&file, canvas)
	return file.Bytes()
}

// exchange sends a text each way and a picture from a to b.
func exchange(t *testing.T, a, b *phone.Phone, text string, file []byte) {
	t.Helper()
	ctx := deadline(t)
	if err := a.SendText(ctx, numberB, text); err != nil {
		t.Fatalf("A sending: %v", err)
	}
	got, err := b.WaitText(ctx)
	if err != nil || got != (phone.Text{From: numberA, Body: text}) {
		t.Fatalf("B got %+v, %v, want %q from A", got, err, text)
	}
	reply := "re: " + text
	if err := b.SendText(ctx, numberA, reply); err != nil {
		t.Fatalf("B sending: %v", err)
	}
	got, err = a.WaitText(ctx)
	if err != nil || got != (phone.Text{From: numberB, Body: reply}) {
		t.Fatalf("A got %+v, %v, want %q from B", got, err, reply)
	}
	if err := a.SendPicture(ctx, numberB, "look", file); err != nil {
		t.Fatalf("A sending the picture: %v", err)
	}
	pic, err := b.WaitPicture(ctx)
	if err != nil || pic.From != numberA || pic.Caption != "look" || !bytes.Equal(pic.Data, file) {
		t.Fatalf("B got a picture of %d bytes from %q, %v, want the %d bytes that A sent", len(pic.Data), pic.From, err, len(file))
	}
}

// forward is the most trivial proxy there is.
func forward(t *testing.T, to string) string {
	t.Helper()
	l := listen(t)
	var wg sync.WaitGroup
	t.Cleanup(func() { l.Close(); wg.Wait() })
	wg.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer client.Close()
				server, err := net.Dial("tcp", to)
				if err != nil {
					return
				}
				defer server.Close()
				wg.Go(func() {
					io.Copy(server, client)
					server.(*net.TCPConn).CloseWrite()
				})
				io.Copy(client, server)
			})
		}
	})
	return l.Addr().String()
}

func TestTwoPhonesWithoutAProxy(t *testing.T) {
	cases := []struct {
		name    string
		through func(t *testing.T, address string) string
		routing []byte
		alpn    []string
	}{
		{"directly", func(_ *testing.T, address string) string { return address }, nil, nil},
		{"directly, as returning users", func(_ *testing.T, address string) string { return address }, []byte{8, 2, 8, 5}, nil},
		{"through a plain forwarder", forward, nil, nil},
		{"through a plain forwarder, media over HTTP/2", forward, nil, []string{"h2", "http/1.1"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s, chat, media := service(t)
			var tape record.Tape
			route := phone.Route{Chat: c.through(t, chat), Media: c.through(t, media), Routing: c.routing, MediaALPN: c.alpn}
			a := connected(t, numberA, "A", s.CA(), &tape, route)
			b := connected(t, numberB, "B", s.CA(), &tape, route)
			text, file := fmt.Sprintf("the tide is out, %s", c.name), picture(1)
			exchange(t, a, b, text, file)

			for who, tape := range map[string]*record.Tape{"service": s.Tape, "path": &tape} {
				if got := tape.FindText(text); !got.Clean() {
					t.Errorf("%s: got the text in %v, want it nowhere", who, got.Hits)
				}
				if got := tape.FindPieces(file, 32); !got.Clean() {
					t.Errorf("%s: got pieces of the picture in %v, want them nowhere", who, got.Hits)
				}
			}
			for _, seen := range s.Seen() {
				if seen.Header != 0 || seen.Problem != "" || seen.Route == "chat" && seen.Routed != (c.routing != nil) {
					t.Errorf("got %+v, want no header and no problem", seen)
				}
			}
		})
	}
}

func TestFirstFlightIsAPhones(t *testing.T) {
	s, _, media := service(t)
	var tape record.Tape
	l := listen(t)
	first := make(chan []byte, 1)
	go func() {
		client, err := l.Accept()
		if err != nil {
			return
		}
		defer client.Close()
		buffer := make([]byte, 4096)
		n, _ := client.Read(buffer)
		first <- buffer[:n]
	}()
	p, err := phone.New(phone.Config{Number: numberA, Name: "A", CA: s.CA(), Tape: &tape})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Disconnect()
	if err := p.Connect(deadline(t), phone.Route{Chat: l.Addr().String(), Media: media}); err == nil {
		t.Errorf("connected to a port that closes at once, want an error")
	}
	got := <-first
	want := []byte{0x57, 0x41, 6, 3, 0, 0, 0x24, 0x12, 0x22, 0x0a, 0x20}
	if len(got) != 43 || !bytes.HasPrefix(got, want) {
		t.Errorf("got a first flight of %d bytes % x, want 43 beginning % x", len(got), got, want)
	}
}

func TestRealRootRefusesTheStandIn(t *testing.T) {
	s, chat, media := service(t)
	standInRoot := phone.Trust(realRoot)
	defer phone.Trust(standInRoot)
	p, err := phone.New(phone.Config{Number: numberA, Name: "A", CA: s.CA()})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Disconnect()
	err = p.Connect(deadline(t), phone.Route{Chat: chat, Media: media})
	if err == nil || !strings.Contains(err.Error(), "verify") {
		t.Errorf("got %v, want the server certificate refused", err)
	}
}

// realRoot is what the library believes when nobody touches it.
var realRoot = whatsmeow.WACertPubKey
