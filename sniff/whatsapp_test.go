package sniff_test

import (
	"bytes"
	"testing"

	"causeway/sniff"
	"causeway/sniff/snifftest"
)

func TestWhatsApp(t *testing.T) {
	tests := []struct {
		name  string
		first string
		want  sniff.Verdict
	}{
		{"nothing yet", "", sniff.More},
		{"one letter", "W", sniff.More},
		{"two letters", "WA", sniff.More},
		{"phone", "WA\x06\x03", sniff.Yes},
		{"version without dictionary", "WA\x06", sniff.Yes},
		{"older web client", "WA\x06\x02", sniff.Yes},
		{"older phone", "WA\x05\x02", sniff.Yes},
		{"dictionary of the future", "WA\x06\x09", sniff.Yes},
		{"first flight of a new client", "WA\x06\x03\x00\x00\x24\x12\x22\x0a\x20" + string(make([]byte, 32)), sniff.Yes},
		{"protocol 4", "WA\x04\x03", sniff.No},
		{"protocol 7", "WA\x07\x03", sniff.No},
		{"protocol in ASCII", "WA6", sniff.No},
		{"lower case", "wa\x06\x03", sniff.No},
		{"first letter only", "WB", sniff.No},
		{"returning client, one letter", "E", sniff.More},
		{"returning client, two letters", "ED", sniff.More},
		{"returning client, three bytes", "ED\x00", sniff.More},
		{"returning client", "ED\x00\x01", sniff.Yes},
		{"returning client with routing information", "ED\x00\x01\x00\x00\x02\x08\x01WA\x06\x03", sniff.Yes},
		{"ED with another type", "ED\x01", sniff.No},
		{"ED with another version", "ED\x00\x02", sniff.No},
		{"mail", "EHLO example\r\n", sniff.No},
		{"ED as one byte", "\xed\x00\x01", sniff.Yes},
		{"ED as one byte, two bytes", "\xed\x00", sniff.More},
		{"ED as one byte with another version", "\xed\x00\x02", sniff.No},
		{"UTF-8 of the letter í", "\xc3\xad", sniff.No},
		{"HTTP", "GET / HTTP/1.1\r\n", sniff.No},
		{"HTTP/2", "PRI * HTTP/2.0\r\n", sniff.No},
		{"TLS", "\x16\x03\x01", sniff.No},
		{"NUL", "\x00", sniff.No},
		{"greeting in second place", " WA\x06\x03", sniff.No},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, name := sniff.WhatsApp([]byte(test.first))
			if got != test.want || name != "" {
				t.Errorf("got %v %q, want %v and no name", got, name, test.want)
			}
		})
	}
}

func TestTLSRecord(t *testing.T) {
	tests := []struct {
		name  string
		first string
		want  sniff.Verdict
	}{
		{"nothing yet", "", sniff.More},
		{"handshake", "\x16", sniff.Yes},
		{"a hello", string(snifftest.Hello("mmg.whatsapp.net")), sniff.Yes},
		{"alert", "\x15\x03", sniff.No},
		{"SSLv2", "\x80\x2e\x01", sniff.No},
		{"mail", "EHLO example\r\n", sniff.No},
		{"NUL", "\x00", sniff.No},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, name := sniff.TLSRecord([]byte(test.first))
			if got != test.want || name != "" {
				t.Errorf("got %v %q, want %v and no name", got, name, test.want)
			}
		})
	}
}

func FuzzWhatsApp(f *testing.F) {
	for _, seed := range []string{"", "W", "WA\x06\x03\x00\x00\x24", "WA\x05\x02", "WA\x07", "ED\x00\x01\x00\x00\x02", "ED\x00", "\xed\x00\x01", "GET / HTTP/1.1"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, first []byte) {
		checkMonotone(t, sniff.WhatsApp, first)
		got, _ := sniff.WhatsApp(first)
		want := bytes.HasPrefix(first, []byte("WA\x05")) || bytes.HasPrefix(first, []byte("WA\x06")) ||
			bytes.HasPrefix(first, []byte("ED\x00\x01")) || bytes.HasPrefix(first, []byte{0xed, 0, 1})
		if (got == sniff.Yes) != want {
			t.Errorf("%x: got %v, want Yes: %v", first, got, want)
		}
		if got == sniff.More && len(first) > 3 {
			t.Errorf("%x: undecided after four bytes", first)
		}
	})
}

// checkMonotone fails the test if a verdict on a beginning of first is final
// and the verdict on a longer one differs.
func checkMonotone(t interface {
	Helper()
	Fatalf(string, ...any)
}, greeting sniff.Greeting, first []byte) {
	t.Helper()
	before, beforeName := sniff.More, ""
	for n := range len(first) + 1 {
		got, name := greeting(first[:n:n])
		if before != sniff.More && (got != before || name != beforeName) {
			t.Fatalf("%v %q after %d bytes became %v %q with the next: %x", before, beforeName, n-1, got, name, first)
		}
		if got != sniff.Yes && name != "" {
			t.Fatalf("%v names %q", got, name)
		}
		before, beforeName = got, name
	}
}
