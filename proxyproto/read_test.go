package proxyproto

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"net/netip"
	"strings"
	"testing"
	"testing/iotest"
)

var (
	four  = pair("198.51.100.7:40000", "203.0.113.9:443")
	six   = pair("[2001:db8::7]:40000", "[2001:db8::9]:443")
	mixed = pair("[::ffff:198.51.100.7]:40000", "[2001:db8::9]:443")
)

func pair(source, destination string) Header {
	return Header{netip.MustParseAddrPort(source), netip.MustParseAddrPort(destination)}
}

// v2 builds a version 2 header whose length field is that of the parts.
func v2(command, family byte, parts ...string) string {
	rest := strings.Join(parts, "")
	head := []byte(signature + string([]byte{command, family}))
	return string(binary.BigEndian.AppendUint16(head, uint16(len(rest)))) + rest
}

func tlv(kind byte, value string) string {
	return string(binary.BigEndian.AppendUint16([]byte{kind}, uint16(len(value)))) + value
}

// summed fills in the value of the CRC32C field that ends the header.
func summed(header string) string {
	b := []byte(header)
	sum := crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))
	binary.BigEndian.PutUint32(b[len(b)-4:], sum)
	return string(b)
}

const (
	block4 = "\xc6\x33\x64\x07\xcb\x00\x71\x09\x9c\x40\x01\xbb"
	ip6    = "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	block6 = ip6 + "\x07" + ip6 + "\x09\x9c\x40\x01\xbb"
	noSum  = "\x03\x00\x04\x00\x00\x00\x00"
)

var accepted = []struct {
	name, header string
	want         Header
}{
	{"v1 TCP4", "PROXY TCP4 198.51.100.7 203.0.113.9 40000 443\r\n", four},
	{"v1 shortest TCP4", "PROXY TCP4 1.1.1.1 1.1.1.1 0 0\r\n", pair("1.1.1.1:0", "1.1.1.1:0")},
	{"v1 TCP6", "PROXY TCP6 2001:db8::7 2001:db8::9 40000 443\r\n", six},
	{"v1 shortest TCP6", "PROXY TCP6 :: :: 0 0\r\n", pair("[::]:0", "[::]:0")},
	{"v1 longest TCP6", "PROXY TCP6 " + strings.Repeat("FFFF:", 7) + "ffff " + strings.Repeat("ffff:", 7) + "FFFF 65535 65535\r\n",
		pair("[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535", "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535")},
	{"v1 TCP6 with a v4-mapped source", "PROXY TCP6 ::ffff:198.51.100.7 2001:db8::9 40000 443\r\n", mixed},
	{"v1 UNKNOWN", "PROXY UNKNOWN\r\n", Header{}},
	{"v1 UNKNOWN with addresses", "PROXY UNKNOWN 198.51.100.7 203.0.113.9 40000 443\r\n", Header{}},
	{"v1 UNKNOWN with any text", "PROXY UNKNOWN \x00\xff TCP4 PROXY\r\n", Header{}},
	{"v1 UNKNOWN of 107 bytes", "PROXY UNKNOWN " + strings.Repeat("x", 91) + "\r\n", Header{}},
	{"v2 TCP4", v2(0x21, 0x11, block4), four},
	{"v2 TCP6", v2(0x21, 0x21, block6), six},
	{"v2 LOCAL", v2(0x20, 0x00), Header{}},
	{"v2 LOCAL with addresses", v2(0x20, 0x11, block4), Header{}},
	{"v2 LOCAL with a family unknown", v2(0x20, 0x51, "abc"), Header{}},
	{"v2 PROXY AF_UNSPEC", v2(0x21, 0x00), Header{}},
	{"v2 PROXY AF_UNSPEC with a block", v2(0x21, 0x00, block4), Header{}},
	{"v2 ALPN, authority, unique id, netns, 0xE0", v2(0x21, 0x11, block4, tlv(1, "h2"), tlv(2, "example.org"),
		tlv(5, strings.Repeat("u", 128)), tlv(0x30, "ns"), tlv(0xe0, "")), four},
	{"v2 CRC32C right", summed(v2(0x21, 0x11, block4, tlv(4, "pad"), noSum)), four},
	{"v2 CRC32C right, TCP6", summed(v2(0x21, 0x21, block6, noSum)), six},
	{"v2 of 4096 bytes", v2(0x21, 0x11, block4, tlv(4, strings.Repeat("\x00", maxBytes-fixed-tcp4Len-3))), four},
}

var refused = []struct{ name, header string }{
	{"no header, TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 and so on"},
	{"no header, HTTP", "GET / HTTP/1.1\r\nHost: example.org\r\n\r\n"},
	{"POST", "POST / HTTP/1.1\r\n"},
	{"v1 LF only", "PROXY TCP4 198.51.100.7 203.0.113.9 40000 443\n"},
	{"v1 CR only", "PROXY TCP4 198.51.100.7 203.0.113.9 40000 443\rx"},
	{"v1 LF only, UNKNOWN", "PROXY UNKNOWN text\nmore\r\n"},
	{"v1 of 108 bytes", "PROXY UNKNOWN " + strings.Repeat("x", 92) + "\r\n"},
	{"v1 endless", "PROXY TCP4 " + strings.Repeat("1", 5000)},
	{"v1 negative port", "PROXY TCP4 198.51.100.7 203.0.113.9 -1 443\r\n"},
	{"v1 plus sign", "PROXY TCP4 198.51.100.7 203.0.113.9 +80 443\r\n"},
	{"v1 leading zero in a port", "PROXY TCP4 198.51.100.7 203.0.113.9 080 443\r\n"},
	{"v1 port 70000", "PROXY TCP4 198.51.100.7 203.0.113.9 70000 443\r\n"},
	{"v1 port 70000 to", "PROXY TCP4 198.51.100.7 203.0.113.9 40000 70000\r\n"},
	{"v1 hex port", "PROXY TCP4 198.51.100.7 203.0.113.9 ff 443\r\n"},
	{"v1 empty port", "PROXY TCP4 198.51.100.7 203.0.113.9  443\r\n"},
	{"v1 lower case", "proxy TCP4 198.51.100.7 203.0.113.9 40000 443\r\n"},
	{"v1 lower case family", "PROXY tcp4 198.51.100.7 203.0.113.9 40000 443\r\n"},
	{"v1 UDP4", "PROXY UDP4 198.51.100.7 203.0.113.9 40000 443\r\n"},
	{"v1 UNKNOWN without a space", "PROXY UNKNOWNX\r\n"},
	{"v1 word after PROXY", "PROXYX TCP4 198.51.100.7 203.0.113.9 40000 443\r\n"},
	{"v1 TCP4 with IPv6", "PROXY TCP4 2001:db8::7 2001:db8::9 40000 443\r\n"},
	{"v1 TCP6 with IPv4", "PROXY TCP6 198.51.100.7 203.0.113.9 40000 443\r\n"},
	{"v1 families mixed", "PROXY TCP4 198.51.100.7 2001:db8::9 40000 443\r\n"},
	{"v1 octal", "PROXY TCP4 0177.1 203.0.113.9 40000 443\r\n"},
	{"v1 leading zero", "PROXY TCP4 198.051.100.7 203.0.113.9 40000 443\r\n"},
	{"v1 octet 256", "PROXY TCP4 198.51.100.256 203.0.113.9 40000 443\r\n"},
	{"v1 zone", "PROXY TCP6 fe80::1%eth0 2001:db8::9 40000 443\r\n"},
	{"v1 brackets", "PROXY TCP6 [2001:db8::7] 2001:db8::9 40000 443\r\n"},
	{"v1 missing fields", "PROXY TCP4 198.51.100.7 203.0.113.9 40000\r\n"},
	{"v1 nothing after the family", "PROXY TCP4 \r\n"},
	{"v1 no family", "PROXY \r\n"},
	{"v1 seventh field", "PROXY TCP4 198.51.100.7 203.0.113.9 40000 443 1\r\n"},
	{"v1 trailing space", "PROXY TCP4 198.51.100.7 203.0.113.9 40000 443 \r\n"},
	{"v1 two spaces", "PROXY  TCP4 198.51.100.7 203.0.113.9 40000 443\r\n"},
	{"v1 tab", "PROXY\tTCP4 198.51.100.7 203.0.113.9 40000 443\r\n"},
	{"v1 NUL", "PROXY TCP4 198.51.100.7\x00 203.0.113.9 40000 443\r\n"},
	{"v1 cut off", "PROXY TCP4 198.51.100.7 203.0."},
	{"nothing", ""},
	{"v2 version 1", v2(0x11, 0x11, block4)},
	{"v2 version 3", v2(0x31, 0x11, block4)},
	{"v2 command F", v2(0x2f, 0x11, block4)},
	{"v2 AF_UNIX", v2(0x21, 0x31, strings.Repeat("u", 216))},
	{"v2 AF_UNIX datagram", v2(0x21, 0x32, strings.Repeat("u", 216))},
	{"v2 UDP4", v2(0x21, 0x12, block4)},
	{"v2 UDP6", v2(0x21, 0x22, block6)},
	{"v2 family 0x51", v2(0x21, 0x51, block4)},
	{"v2 family 0x10", v2(0x21, 0x10, block4)},
	{"v2 family 0x01", v2(0x21, 0x01, block4)},
	{"v2 TCP4 with length 11", v2(0x21, 0x11, block4[:11])},
	{"v2 TCP4 with length 0", v2(0x21, 0x11)},
	{"v2 TCP6 with the length of TCP4", v2(0x21, 0x21, block4)},
	{"v2 TLV overrun", v2(0x21, 0x11, block4, "\x01\x00\x05h2")},
	{"v2 half a TLV", v2(0x21, 0x11, block4, "\x01\x00")},
	{"v2 CRC32C wrong", v2(0x21, 0x11, block4, "\x03\x00\x04abcd")},
	{"v2 CRC32C of 3 bytes", v2(0x21, 0x11, block4, "\x03\x00\x03abc")},
	{"v2 CRC32C empty", v2(0x21, 0x11, block4, "\x03\x00\x00")},
	{"v2 of 4097 bytes", v2(0x21, 0x11, block4, tlv(4, strings.Repeat("\x00", maxBytes-fixed-tcp4Len-2)))},
	{"v2 length 65535", v2(0x21, 0x11, block4, strings.Repeat("\x00", 65523))},
	{"v2 length 65535, LOCAL", v2(0x20, 0x00, strings.Repeat("\x00", 65535))},
	{"v2 cut off", v2(0x21, 0x11, block4)[:20]},
	{"v2 signature broken at the end", strings.Replace(v2(0x21, 0x11, block4), "QUIT\n", "QUIT\r", 1)},
}

func TestReadAccepts(t *testing.T) {
	// What follows must stay: it may look like more of a header.
	for _, behind := range []string{"", "\x16\x03\x01", "\r\n", "PROXY UNKNOWN\r\n", "\n", "0"} {
		for _, c := range accepted {
			for _, cut := range []struct {
				name string
				wrap func(io.Reader) io.Reader
			}{
				{"whole", func(r io.Reader) io.Reader { return r }},
				{"in 1-byte segments", iotest.OneByteReader},
				{"in halves", iotest.HalfReader},
			} {
				source := strings.NewReader(c.header + behind)
				got, err := Read(cut.wrap(source))
				if err != nil || got != c.want {
					t.Errorf("%s, %s, before %q: got %v, %v, want %v", c.name, cut.name, behind, got, err, c.want)
				}
				if rest, _ := io.ReadAll(source); string(rest) != behind {
					t.Errorf("%s, %s: left %q, want %q", c.name, cut.name, rest, behind)
				}
			}
		}
	}
}

func TestReadRefuses(t *testing.T) {
	for _, c := range refused {
		for _, wrap := range []func(io.Reader) io.Reader{
			func(r io.Reader) io.Reader { return r }, iotest.OneByteReader, iotest.HalfReader,
		} {
			got, err := Read(wrap(strings.NewReader(c.header)))
			if err == nil || got != (Header{}) {
				t.Errorf("%s: got %v, %v, want an error and no addresses", c.name, got, err)
				continue
			}
			if strings.Contains(err.Error(), "198") || strings.Contains(err.Error(), "2001") {
				t.Errorf("%s: the error tells an address: %v", c.name, err)
			}
		}
	}
}

// errHang stands for a peer that says no more: a read that would wait.
var errHang = errors.New("would wait")

func TestReadRefusesAtOnce(t *testing.T) {
	for _, c := range []struct{ name, first string }{
		{"TLS", "\x16"},
		{"WhatsApp", "W"},
		{"POST", "PO"},
		{"HTTP after a newline", "\r\nG"},
		{"CRLF CRLF", "\r\n\r\n\r"},
		{"v1 word", "PROXYX"},
		{"v1 family", "PROXY U" + "D"},
		{"v1 letter in an address", "PROXY TCP4 198.51.100.x"},
		{"v1 CR in the middle", "PROXY TCP4 198.51\r1"},
		{"v1 LF", "PROXY TCP4 198.51\n"},
		{"v1 too long", "PROXY UNKNOWN " + strings.Repeat("x", 93)},
		{"v2 version", signature + "\x11"},
		{"v2 family", signature + "\x21\x31"},
		{"v2 length", signature + "\x21\x11\xff\xff"},
		{"v2 short length", signature + "\x21\x11\x00\x0b"},
	} {
		before := strings.NewReader(c.first[:len(c.first)-1])
		if _, err := Read(io.MultiReader(iotest.OneByteReader(before), iotest.ErrReader(errHang))); !errors.Is(err, errHang) {
			t.Errorf("%s: without the last byte got %v, want to wait for more", c.name, err)
		}
		whole := strings.NewReader(c.first)
		if _, err := Read(io.MultiReader(iotest.OneByteReader(whole), iotest.ErrReader(errHang))); err == nil || errors.Is(err, errHang) {
			t.Errorf("%s: got %v, want a refusal without waiting", c.name, err)
		}
	}
}

func TestReadStopsReadingLongHeaders(t *testing.T) {
	source := strings.NewReader(v2(0x21, 0x11, block4, strings.Repeat("\x00", 65523)))
	size := source.Len()
	if _, err := Read(source); err == nil {
		t.Fatal("got no error for 65,551 bytes")
	}
	if took := size - source.Len(); took > maxBytes {
		t.Errorf("took %d bytes, want at most %d", took, maxBytes)
	}
}

func FuzzRead(f *testing.F) {
	for _, c := range accepted {
		f.Add([]byte(c.header + "GET"))
	}
	for _, c := range refused {
		f.Add([]byte(c.header))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		whole, single := bytes.NewReader(data), bytes.NewReader(data)
		got, err := Read(whole)
		again, errAgain := Read(iotest.OneByteReader(single))
		if got != again || (err == nil) != (errAgain == nil) {
			t.Fatalf("whole %v %v, in 1-byte segments %v %v", got, err, again, errAgain)
		}
		if err != nil {
			return
		}
		if whole.Len() != single.Len() {
			t.Fatalf("left %d bytes, in 1-byte segments %d", whole.Len(), single.Len())
		}
		header := data[:len(data)-whole.Len()]
		if len(header) > maxBytes {
			t.Fatalf("took %d bytes", len(header))
		}
		if shorter, err := Read(bytes.NewReader(header[:len(header)-1])); err == nil {
			t.Fatalf("the header less its last byte is %v", shorter)
		}
		if got.Source.IsValid() != got.Destination.IsValid() || got.Source.Addr().Is4() != got.Destination.Addr().Is4() {
			t.Fatalf("got half a pair: %v", got)
		}
	})
}
