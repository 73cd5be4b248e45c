package sniff_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"causeway/sniff"
	"causeway/sniff/snifftest"
)

// Places in snifftest.Hello("chat.signal.org").
const (
	atRecordLength    = 3
	atMessage         = 5
	atMessageLength   = 6
	atVersion         = 9
	atSession         = 43
	atCiphers         = 44
	atCompression     = 48
	atExtensions      = 50
	atExtensionLength = 54
	atList            = 56
	atEntryType       = 58
	atNameLength      = 59
	atName            = 61
)

func TestServerNameByShape(t *testing.T) {
	plain := snifftest.Hello("chat.signal.org")
	set := func(at int, values ...byte) []byte {
		hello := slices.Clone(plain)
		copy(hello[at:], values)
		return hello
	}
	// add changes a big-endian length of two bytes.
	add := func(at, n int) []byte {
		hello := slices.Clone(plain)
		binary.BigEndian.PutUint16(hello[at:], uint16(int(binary.BigEndian.Uint16(hello[at:]))+n))
		return hello
	}
	with := func(extensions ...[]byte) []byte {
		return snifftest.Records(1<<14, snifftest.Message(extensions...))
	}
	name := snifftest.ServerName("chat.signal.org")
	grease := snifftest.Extension(0x0a0a, nil)
	emptyRecord := []byte("\x16\x03\x01\x00\x00")

	tests := []struct {
		name  string
		first []byte
		want  sniff.Verdict
	}{
		{"a plain hello", plain, sniff.Yes},
		{"record version 3.3", set(1, 3, 3), sniff.Yes},
		{"record version 3.0", set(1, 3, 0), sniff.Yes},
		{"name between other extensions", with(grease, name, grease), sniff.Yes},
		{"unknown extensions", with(snifftest.Extension(0xfe0d, make([]byte, 300)), name), sniff.Yes},
		{"16 empty records first", append(bytes.Repeat(emptyRecord, 16), plain...), sniff.Yes},

		{"40 empty records", bytes.Repeat(emptyRecord, 40), sniff.No},
		{"40 empty records first", append(bytes.Repeat(emptyRecord, 40), plain...), sniff.No},
		{"alert", set(0, 0x15), sniff.No},
		{"change of cipher first", append([]byte("\x14\x03\x03\x00\x01\x01"), plain...), sniff.No},
		{"application data", set(0, 0x17), sniff.No},
		{"heartbeat", []byte("\x18\x03\x01\x00\x03\x01\x40\x00"), sniff.No},
		{"SSLv2", []byte("\x80\x2e\x01\x00\x02"), sniff.No},
		{"record version 2", set(1, 2), sniff.No},
		{"record version 4", set(1, 4), sniff.No},
		{"record of 65,535 bytes", set(atRecordLength, 0xff, 0xff), sniff.No},
		{"record of 16,385 bytes", set(atRecordLength, 0x40, 0x01), sniff.No},
		{"a byte more in the record", append(add(atRecordLength, 1), 0), sniff.No},
		{"ServerHello", set(atMessage, 2), sniff.No},
		{"HelloRequest", set(atMessage, 0), sniff.No},
		{"message of 16 MiB", set(atMessageLength, 0xff, 0xff, 0xff), sniff.No},
		{"message of 64 KiB and a byte", set(atMessageLength, 1, 0, 1), sniff.No},
		{"message of 64 KiB, endless", append(set(atMessageLength, 1, 0, 0), make([]byte, 1<<16)...), sniff.No},
		{"empty message", []byte("\x16\x03\x01\x00\x04\x01\x00\x00\x00"), sniff.No},
		{"message one byte short", add(atMessageLength+1, -1), sniff.No},
		{"message one byte long", add(atMessageLength+1, 1), sniff.No},
		{"hello version 2", set(atVersion, 2), sniff.No},
		{"hello version 4", set(atVersion, 4), sniff.No},
		{"session id of 33 bytes", set(atSession, 33), sniff.No},
		{"session id of 255 bytes", set(atSession, 255), sniff.No},
		{"no cipher suites", set(atCiphers, 0, 0), sniff.No},
		{"half a cipher suite", set(atCiphers, 0, 3), sniff.No},
		{"cipher suites beyond the message", set(atCiphers, 0xff, 0xfe), sniff.No},
		{"no compression methods", set(atCompression, 0), sniff.No},
		{"compression methods beyond the message", set(atCompression, 255), sniff.No},
		{"extensions one byte short", add(atExtensions, -1), sniff.No},
		{"extensions one byte long", add(atExtensions, 1), sniff.No},
		{"extensions beyond the message", set(atExtensions, 0xff, 0xff), sniff.No},
		{"extension one byte short", add(atExtensionLength, -1), sniff.No},
		{"extension one byte long", add(atExtensionLength, 1), sniff.No},
		{"extension beyond the others", set(atExtensionLength, 0xff, 0xff), sniff.No},
		{"list one byte short", add(atList, -1), sniff.No},
		{"list one byte long", add(atList, 1), sniff.No},
		{"name one byte short", add(atNameLength, -1), sniff.No},
		{"name one byte long", add(atNameLength, 1), sniff.No},
		{"name without bytes", set(atNameLength, 0, 0), sniff.No},
		{"name type 1", set(atEntryType, 1), sniff.No},
		{"name type 255", set(atEntryType, 255), sniff.No},
		{"empty list", with(snifftest.ServerName()), sniff.No},
		{"empty server name extension", with(snifftest.Extension(0, nil)), sniff.No},
		{"no extensions", with(), sniff.No},
		{"only other extensions", with(grease, grease), sniff.No},
		{"the name in another extension", with(slices.Concat([]byte{0, 1}, name[2:])), sniff.No},
		{"two names in two extensions", with(name, snifftest.ServerName("telegram.org")), sniff.No},
		{"two names, the listed one last", with(snifftest.ServerName("telegram.org"), name), sniff.No},
		{"the same extension twice", with(name, grease, name), sniff.No},
		{"1000 extensions", with(append(slices.Repeat([][]byte{grease}, 1000), name)...), sniff.No},
		{"HTTP", []byte("GET / HTTP/1.1\r\n\r\n"), sniff.No},
		{"zeros", make([]byte, 100), sniff.No},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got, _ := signal(test.first); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
			checkMonotone(t, signal, test.first[:min(len(test.first), 2000)])
		})
	}
}

// What can be ruled out is ruled out by the byte that does so.
func TestServerNameAtOnce(t *testing.T) {
	foreign := snifftest.Records(1<<14, snifftest.Message(
		snifftest.ServerName("telegram.org"), snifftest.Extension(21, make([]byte, 1000))))
	twice := snifftest.Records(1<<14, snifftest.Message(
		snifftest.ServerName("chat.signal.org"), snifftest.ServerName("chat.signal.org")))
	tests := []struct {
		name  string
		first []byte
		want  int // bytes
	}{
		{"content type", []byte("\x17\x03\x01"), 1},
		{"record version", []byte("\x16\x04\x01"), 2},
		{"record length", []byte("\x16\x03\x01\x41\x00"), 4},
		{"message type", []byte("\x16\x03\x01\x00\x40\x02\x00"), 6},
		{"second record", []byte("\x16\x03\x01\x00\x01\x01\x17\x03"), 7},
		{"a name that is not listed", foreign, atName + len("telegram.org")},
		{"second server name", twice, atName + len("chat.signal.org") + 4},
		{"endless session id", []byte("\x16\x03\x01\x01\x00\x01\x00\x00\xfc\x03\x03" + strings.Repeat("r", 32) + "\x21"), 44},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for n := range len(test.first) + 1 {
				if got, _ := signal(test.first[:n]); got != sniff.More {
					if got != sniff.No || n != test.want {
						t.Errorf("got %v after %d bytes, want No after %d", got, n, test.want)
					}
					return
				}
			}
			t.Errorf("still undecided after %d bytes", len(test.first))
		})
	}
}
