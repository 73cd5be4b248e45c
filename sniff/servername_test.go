package sniff_test

import (
	"crypto/tls"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"causeway/sniff"
	"causeway/sniff/snifftest"
)

var signal = sniff.ServerName("chat.signal.org", "cdn.signal.org", "grpc.chat.signal.org")

func TestServerNameByName(t *testing.T) {
	label63 := strings.Repeat("a", 63)
	longest := strings.Join([]string{label63, label63, label63, label63[:61]}, ".")
	greeting := sniff.ServerName("chat.signal.org", longest, "xn--e1afmkfd.example", "UPPER.example.",
		"192.0.2.1", "2001:db8::1", "", ".", "a..b", "-a.example", "a_b.example", label63+"a.example", "a."+longest)
	tests := []struct {
		name  string
		names []string
		want  string // "" means refused
	}{
		{"as listed", []string{"chat.signal.org"}, "chat.signal.org"},
		{"upper case", []string{"CHAT.Signal.ORG"}, "chat.signal.org"},
		{"trailing dot", []string{"chat.signal.org."}, "chat.signal.org"},
		{"listed in upper case with a dot", []string{"upper.example"}, "upper.example"},
		{"253 bytes", []string{longest}, longest},
		{"253 bytes and a dot", []string{longest + "."}, longest},
		{"punycode, listed", []string{"xn--e1afmkfd.example"}, "xn--e1afmkfd.example"},

		{"no server name", nil, ""},
		{"another name", []string{"telegram.org"}, ""},
		{"two trailing dots", []string{"chat.signal.org.."}, ""},
		{"leading dot", []string{".chat.signal.org"}, ""},
		{"only a dot", []string{"."}, ""},
		{"empty name", []string{""}, ""},
		{"listed as a suffix", []string{"xchat.signal.org"}, ""},
		{"a host below", []string{"x.chat.signal.org"}, ""},
		{"the domain above", []string{"signal.org"}, ""},
		{"listed as a prefix", []string{"chat.signal.org.evil.com"}, ""},
		{"with a port", []string{"chat.signal.org:443"}, ""},
		{"with a path", []string{"chat.signal.org/.."}, ""},
		{"with a user", []string{"evil.com@chat.signal.org"}, ""},
		{"with a query", []string{"evil.com?chat.signal.org"}, ""},
		{"with a fragment", []string{"evil.com#chat.signal.org"}, ""},
		{"a URL", []string{"https://chat.signal.org"}, ""},
		{"per cent escape", []string{"chat%2esignal.org"}, ""},
		{"NUL at the end", []string{"chat.signal.org\x00"}, ""},
		{"NUL and more", []string{"chat.signal.org\x00.evil.com"}, ""},
		{"NUL in front", []string{"\x00chat.signal.org"}, ""},
		{"space at the end", []string{"chat.signal.org "}, ""},
		{"space in front", []string{" chat.signal.org"}, ""},
		{"tab", []string{"chat.signal.org\t"}, ""},
		{"line feed", []string{"chat.signal.org\r\n"}, ""},
		{"wildcard", []string{"*.signal.org"}, ""},
		{"underscore", []string{"a_b.example"}, ""},
		{"backslash", []string{`chat\.signal.org`}, ""},
		{"raw UTF-8", []string{"чат.signal.org"}, ""},
		{"a letter that Unicode folds to s", []string{"chat.ſignal.org"}, ""},
		{"full-width letters", []string{"ｃhat.signal.org"}, ""},
		{"ideographic dot", []string{"chat。signal.org"}, ""},
		{"soft hyphen", []string{"chat.sig\u00adnal.org"}, ""},
		{"bytes that are no UTF-8", []string{"chat.\xff\xfe.org"}, ""},
		{"punycode of a look-alike", []string{"xn--hat-jed.signal.org"}, ""},
		{"IPv4 literal", []string{"192.0.2.1"}, ""},
		{"IPv6 literal", []string{"2001:db8::1"}, ""},
		{"IPv6 literal in brackets", []string{"[::1]"}, ""},
		{"IPv4 as one number", []string{"2130706433"}, ""},
		{"localhost", []string{"localhost"}, ""},
		{"label of 64 bytes", []string{label63 + "a.example"}, ""},
		{"255 bytes", []string{"a." + longest}, ""},
		{"12,000 bytes", []string{strings.Repeat("a.", 6000)}, ""},
		{"hyphen in front", []string{"-a.example"}, ""},
		{"empty label", []string{"a..b"}, ""},
		{"two names, the listed one first", []string{"chat.signal.org", "telegram.org"}, ""},
		{"two names, the listed one last", []string{"telegram.org", "chat.signal.org"}, ""},
		{"the same name twice", []string{"chat.signal.org", "chat.signal.org"}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			checkName(t, greeting, snifftest.Hello(test.names...), test.want)
		})
	}
}

// checkName checks that greeting says Yes to hello and names want, or if want
// is empty that it says No, and that nothing changes in small records.
func checkName(t *testing.T, greeting sniff.Greeting, hello []byte, want string) {
	t.Helper()
	verdict := sniff.Yes
	if want == "" {
		verdict = sniff.No
	}
	message := payload(hello)
	for _, size := range []int{1 << 14, 100, 16} {
		got, name := greeting(snifftest.Records(size, message))
		if got != verdict || name != want {
			t.Errorf("in records of %d bytes: got %v %q, want %v %q", size, got, name, verdict, want)
		}
	}
}

// payload takes the TLS record headers away.
func payload(records []byte) []byte {
	var message []byte
	for len(records) > 0 {
		end := 5 + int(records[3])<<8 + int(records[4])
		message = append(message, records[5:end]...)
		records = records[end:]
	}
	return message
}

func TestServerNameOfRealHellos(t *testing.T) {
	tests := []struct {
		name   string
		config *tls.Config
	}{
		{"TLS 1.2", &tls.Config{MaxVersion: tls.VersionTLS12}},
		{"TLS 1.3", &tls.Config{MinVersion: tls.VersionTLS13, CurvePreferences: []tls.CurveID{tls.X25519}}},
		{"post-quantum with ALPN", &tls.Config{
			CurvePreferences: []tls.CurveID{tls.X25519MLKEM768},
			NextProtos:       []string{"h2", "http/1.1"},
		}},
		{"60 names of protocols", &tls.Config{NextProtos: slices.Repeat([]string{strings.Repeat("p", 200)}, 60)}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.config.ServerName = "grpc.chat.signal.org"
			hello, err := snifftest.Capture(test.config)
			if err != nil {
				t.Fatal(err)
			}
			checkName(t, signal, hello, "grpc.chat.signal.org")
			if len(hello) > 4000 {
				return
			}
			for _, size := range []int{1, 16, 100, 1 << 14} {
				checkPrefixes(t, snifftest.Records(size, payload(hello)), "grpc.chat.signal.org")
			}
		})
	}
}

// checkPrefixes checks that only the last byte of hello makes it a greeting,
// and that what follows makes no difference.
func checkPrefixes(t *testing.T, hello []byte, want string) {
	t.Helper()
	for n := range hello {
		if got, name := signal(hello[:n:n]); got != sniff.More || name != "" {
			t.Fatalf("after %d of %d bytes: got %v %q, want More", n, len(hello), got, name)
		}
	}
	for _, after := range []string{"", "\x14\x03\x03\x00\x01\x01", "GET /", string(hello), strings.Repeat("x", 1<<16)} {
		if got, name := signal(append(slices.Clip(hello), after...)); got != sniff.Yes || name != want {
			t.Errorf("with %d bytes after it: got %v %q, want Yes %q", len(after), got, name, want)
		}
	}
}

func TestServerNameSizes(t *testing.T) {
	padded := func(n int) []byte {
		return snifftest.Message(snifftest.ServerName("chat.signal.org"), snifftest.Extension(21, make([]byte, n)))
	}
	overhead := len(padded(0))
	limit := 64<<10 - 4*5 - overhead // in four records
	tests := []struct {
		name    string
		padding int
		record  int
		want    string
	}{
		{"15 KiB", 15 << 10, 1 << 14, "chat.signal.org"},
		{"60 KiB", 60 << 10, 1 << 14, "chat.signal.org"},
		{"60 KiB in records of 100 bytes", 60 << 10, 100, "chat.signal.org"},
		{"2000 bytes in records of one", 2000 - overhead, 1, "chat.signal.org"},
		{"64 KiB with its headers", limit, 1 << 14, "chat.signal.org"},
		{"a byte more", limit + 1, 1 << 14, ""},
		{"3000 records", 3000 - overhead, 1, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			first := snifftest.Records(test.record, padded(test.padding))
			want := sniff.Yes
			if test.want == "" {
				want = sniff.No
			}
			if got, name := signal(first); got != want || name != test.want {
				t.Errorf("got %v %q, want %v %q", got, name, want, test.want)
			}
		})
	}
}

func TestServerNameMonotone(t *testing.T) {
	kinds := []uint16{0, 10, 16, 21, 0x0a0a, 0xfe0d}
	names := []string{"chat.signal.org", "CDN.signal.org.", "telegram.org", "", "a\x00b"}
	rapid.Check(t, func(t *rapid.T) {
		var extensions [][]byte
		for range rapid.IntRange(0, 5).Draw(t, "extensions") {
			kind := rapid.SampledFrom(kinds).Draw(t, "kind")
			if kind != 0 {
				extensions = append(extensions, snifftest.Extension(kind, rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "body")))
				continue
			}
			listed := rapid.SliceOfN(rapid.SampledFrom(names), 0, 2).Draw(t, "names")
			extensions = append(extensions, snifftest.ServerName(listed...))
		}
		first := snifftest.Records(rapid.IntRange(1, 200).Draw(t, "record size"), snifftest.Message(extensions...))
		for range rapid.IntRange(0, 3).Draw(t, "wrong bytes") {
			first[rapid.IntRange(0, len(first)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
		}
		first = append(first, rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "after")...)
		checkMonotone(t, signal, first)
	})
}

func FuzzServerName(f *testing.F) {
	f.Add([]byte(nil))
	f.Add(snifftest.Hello())
	f.Add(snifftest.Hello("chat.signal.org"))
	f.Add(snifftest.Hello("CHAT.signal.org."))
	f.Add(snifftest.Hello("chat.signal.org", "telegram.org"))
	f.Add(snifftest.Records(16, snifftest.Message(snifftest.Extension(0x0a0a, nil), snifftest.ServerName("cdn.signal.org"))))
	f.Add(snifftest.Records(1, snifftest.Message(snifftest.ServerName("cdn.signal.org"), snifftest.ServerName("cdn.signal.org"))))
	f.Fuzz(func(t *testing.T, first []byte) {
		if len(first) > 2000 {
			first = first[:2000] // every beginning is tried
		}
		checkMonotone(t, signal, first)
		verdict, name := signal(first)
		if verdict != sniff.Yes {
			return
		}
		if !strings.HasSuffix(name, ".signal.org") {
			t.Errorf("%q is on no list", name)
		}
	})
}

// A client sends the longest hello byte by byte, and never finishes it.
func BenchmarkServerNameByteByByte(b *testing.B) {
	extensions := [][]byte{snifftest.ServerName("chat.signal.org")}
	for range 120 {
		extensions = append(extensions, snifftest.Extension(0x0a0a, make([]byte, 530)))
	}
	message := snifftest.Message(extensions...)
	for _, size := range []int{1, 16, 100, 1 << 14} {
		b.Run(fmt.Sprintf("records of %d", size), func(b *testing.B) {
			hello := snifftest.Records(size, message)
			hello = hello[:min(len(hello), 1<<16)-1]
			for b.Loop() {
				for n := 0; n < len(hello); n++ {
					if verdict, _ := signal(hello[:n]); verdict != sniff.More {
						break
					}
				}
			}
		})
	}
}
