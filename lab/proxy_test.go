package lab_test

import (
	"fmt"
	"net/netip"
	"runtime"
	"strings"
	"testing"

	"causeway/lab/phone"
	"causeway/lab/record"
	"causeway/lab/volunteer"
	"causeway/proxyproto"
)

// settings are the app's: chat port, TLS switch, media port, and what the two
// systems are known to do differently.
type settings struct {
	chat, media uint16
	tls         bool
	sni         string
	alpn        []string
	mediaALPN   []string
	routing     []byte
}

func (s settings) route(address func(uint16) string) phone.Route {
	return phone.Route{
		Chat: address(s.chat), ChatTLS: s.tls, SNI: s.sni, ALPN: s.alpn, Routing: s.routing,
		Media: address(s.media), MediaALPN: s.mediaALPN,
	}
}

var ios = []string{"h2", "http/1.1"}

// ways are the pairs of settings that two people may have. The lab's app proves
// what the official proxy is known to carry.
var ways = []struct {
	name string
	a, b settings
}{
	{"both on 443 with TLS, media 587", settings{chat: 443, tls: true, media: 587}, settings{chat: 443, tls: true, media: 587}},
	{"both on 5222, media 7777", settings{chat: 5222, media: 7777}, settings{chat: 5222, media: 7777}},
	{"443 to 5222, 587 to 7777", settings{chat: 443, tls: true, media: 587}, settings{chat: 5222, media: 7777}},
	{"80 to 443, iOS media", settings{chat: 80, media: 587, mediaALPN: ios}, settings{chat: 443, tls: true, media: 7777, mediaALPN: ios}},
	{"SNI of the service, ALPN of a browser", settings{chat: 443, tls: true, sni: "g.whatsapp.net", alpn: ios, media: 587}, settings{chat: 443, tls: true, sni: "proxy.example", alpn: []string{"http/1.1"}, media: 587}},
	{"an ALPN that nobody knows", settings{chat: 443, tls: true, alpn: []string{"foreign"}, media: 587}, settings{chat: 443, tls: true, media: 587}},
	{"returning users", settings{chat: 443, tls: true, media: 587, routing: []byte{8, 2, 8, 5}}, settings{chat: 5222, media: 587, routing: []byte{8, 2, 8, 5}}},
}

func TestTwoPhonesThroughTheProxy(t *testing.T) {
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			testThrough(t, proxyproto.V1, way.a, way.b)
		})
	}
}

func TestHeadersTowardsTheService(t *testing.T) {
	for _, version := range []proxyproto.Version{proxyproto.Off, proxyproto.V1, proxyproto.V2} {
		t.Run(version.String(), func(t *testing.T) {
			testThrough(t, version, settings{chat: 443, tls: true, media: 587}, settings{chat: 5222, media: 7777})
		})
	}
}

func testThrough(t *testing.T, version proxyproto.Version, a, b settings) {
	s, chat, media := service(t)
	v, err := volunteer.Start(volunteer.Config{Chat: chat, Media: media, SendHeader: version})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	})
	var tape record.Tape
	phoneA := connected(t, numberA, "A", s.CA(), &tape, a.route(v.Address))
	phoneB := connected(t, numberB, "B", s.CA(), &tape, b.route(v.Address))
	text, file := "the ferry leaves at noon: "+t.Name(), picture(3)
	exchange(t, phoneA, phoneB, text, file)

	for who, tape := range map[string]*record.Tape{"service": s.Tape, "path": &tape} {
		if got := tape.FindText(text); !got.Clean() {
			t.Errorf("%s: got the text in %v, want it nowhere", who, got.Hits)
		}
		if got := tape.FindPieces(file, 32); !got.Clean() {
			t.Errorf("%s: got pieces of the picture in %v, want them nowhere", who, got.Hits)
		}
	}
	want := map[proxyproto.Version]int{proxyproto.Off: 0, proxyproto.V1: 1, proxyproto.V2: 2}[version]
	chats, medias := 0, 0
	for _, seen := range s.Seen() {
		switch {
		case seen.Silent:
		case seen.Problem != "":
			t.Errorf("got %+v, want no problem", seen)
		case seen.Route == "media":
			medias++
		case seen.Header != want || want > 0 && !strings.HasPrefix(seen.Source, "127.0.0.1:"):
			t.Errorf("got header %d naming %q on chat, want %d naming 127.0.0.1", seen.Header, seen.Source, want)
		default:
			chats++
		}
	}
	if chats != 2 || medias < 2 {
		t.Errorf("got %d chat and %d media connections at the service, want 2 and at least 2", chats, medias)
	}
}

// headerCases are PROXY headers to the three ports that stand behind a balancer.
var headerCases = []struct {
	number uint16
	tls    bool
	header string
	source string // the client's address in it
}{
	{8080, false, "PROXY TCP4 198.51.100.7 203.0.113.9 40000 80\r\n", "198.51.100.7:40000"},
	{8222, false, v2Header, "198.51.100.7:40000"},
	{8443, true, "PROXY TCP6 2001:db8::7 2001:db8::9 40000 443\r\n", "[2001:db8::7]:40000"},
	{8443, true, v2Header, "198.51.100.7:40000"},
}

// TestHeaderPorts goes through the three ports that stand behind a balancer.
func TestHeaderPorts(t *testing.T) {
	for _, c := range headerCases {
		t.Run(fmt.Sprint(c.number, " ", c.source), func(t *testing.T) {
			s, chat, media := service(t)
			v, err := volunteer.Start(volunteer.Config{
				Chat: chat, Media: media, SendHeader: proxyproto.V1,
				Trust: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
			})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { v.Close() })
			route := phone.Route{Chat: v.Address(c.number), Header: []byte(c.header), ChatTLS: c.tls, Media: v.Address(587)}
			connected(t, numberA, "A", s.CA(), nil, route)
			for _, seen := range s.Seen() {
				if !seen.Silent && (seen.Source != c.source || seen.Header != 1) {
					t.Errorf("got %+v, want a v1 header naming %s", seen, c.source)
				}
			}
		})
	}
}

// v2Header is the one in the PROXY protocol specification's shape, without TLVs:
// 198.51.100.7:40000 to 203.0.113.9:443.
const v2Header = "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc6\x33\x64\x07\xcb\x00\x71\x09\x9c\x40\x01\xbb"

// TestPlantedLeakIsFound shows that the search which proves the other tests
// would find a text that really is there.
func TestPlantedLeakIsFound(t *testing.T) {
	s, chat, media := service(t)
	v, err := volunteer.Start(volunteer.Config{Chat: chat, Media: media, SendHeader: proxyproto.V1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Close() })
	var tape record.Tape
	p, err := phone.New(phone.Config{Number: numberA, Name: "A", CA: s.CA(), Tape: &tape})
	if err != nil {
		t.Fatal(err)
	}
	text, file := "this was never encrypted", picture(9)
	route := phone.Route{Chat: v.Address(443), ChatTLS: true, Media: v.Address(587)}
	if err := p.Leak(deadline(t), route, append([]byte(text), file...)); err != nil {
		t.Fatal(err)
	}
	arrived := func() bool {
		return len(s.Tape.FindText(text).Hits) > 0 && len(s.Tape.FindPieces(file[len(file)-64:], 32).Hits) > 0
	}
	for ctx := deadline(t); !arrived() && ctx.Err() == nil; {
		runtime.Gosched()
	}
	for who, tape := range map[string]*record.Tape{"service": s.Tape, "path": &tape} {
		if got := tape.FindText(text); len(got.Hits) == 0 {
			t.Errorf("%s: got no hit for the text, want it found", who)
		}
		if got := tape.FindPieces(file, 32); len(got.Hits) == 0 {
			t.Errorf("%s: got no hit for the picture, want it found", who)
		}
	}
}
