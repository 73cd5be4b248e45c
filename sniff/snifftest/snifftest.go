// Package snifftest makes the first bytes of TLS connections for tests: real
// ones, and ones that no honest client sends.
package snifftest

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"

	"golang.org/x/crypto/cryptobyte"
)

// Hello returns a ClientHello in one TLS record, or as many as it needs. Its
// server name extension has one entry per name, byte for byte as given; there
// is no such extension when no name is given.
func Hello(names ...string) []byte {
	if len(names) == 0 {
		return Records(maxRecord, Message())
	}
	return Records(maxRecord, Message(ServerName(names...)))
}

// Capture returns the ClientHello that crypto/tls sends with config, in one
// TLS record.
func Capture(config *tls.Config) ([]byte, error) {
	client, server := net.Pipe()
	defer server.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = tls.Client(client, config).Handshake() // ends when the pipe is closed
	}()
	defer func() { client.Close(); <-done }()

	header := make([]byte, 5)
	if _, err := io.ReadFull(server, header); err != nil {
		return nil, err
	}
	payload := make([]byte, int(header[3])<<8|int(header[4]))
	_, err := io.ReadFull(server, payload)
	return append(header, payload...), err
}

// Message returns a ClientHello message with these extensions, without TLS
// records around it. The length of the extensions is theirs, even beyond 64 KiB
// where it is cut to 16 bits.
func Message(extensions ...[]byte) []byte {
	all := bytes.Join(extensions, nil)
	body := new(cryptobyte.Builder)
	body.AddUint16(0x0303)
	body.AddBytes(bytes.Repeat([]byte{0xcd}, 32)) // random
	body.AddUint8(0)                              // session id
	body.AddUint16(2)
	body.AddUint16(0x1301) // TLS_AES_128_GCM_SHA256
	body.AddUint8(1)
	body.AddUint8(0) // no compression
	body.AddUint16(uint16(len(all)))
	body.AddBytes(all)

	message := new(cryptobyte.Builder)
	message.AddUint8(1) // client_hello
	message.AddUint24(uint32(len(body.BytesOrPanic())))
	message.AddBytes(body.BytesOrPanic())
	return message.BytesOrPanic()
}

// ServerName returns a server name extension with these entries.
func ServerName(names ...string) []byte {
	list := new(cryptobyte.Builder)
	list.AddUint16LengthPrefixed(func(list *cryptobyte.Builder) {
		for _, name := range names {
			list.AddUint8(0) // host_name
			list.AddUint16LengthPrefixed(func(entry *cryptobyte.Builder) {
				entry.AddBytes([]byte(name))
			})
		}
	})
	return Extension(0, list.BytesOrPanic())
}

// Extension returns one TLS extension, its type and its length in front.
func Extension(kind uint16, body []byte) []byte {
	b := new(cryptobyte.Builder)
	b.AddUint16(kind)
	b.AddUint16(uint16(len(body)))
	b.AddBytes(body)
	return b.BytesOrPanic()
}

const maxRecord = 1 << 14 // bytes of payload

// Records cuts a message into TLS handshake records of at most size bytes.
func Records(size int, message []byte) []byte {
	var records []byte
	for len(message) > 0 {
		n := min(size, len(message))
		records = append(records, 0x16, 0x03, 0x01, byte(n>>8), byte(n))
		records = append(records, message[:n]...)
		message = message[n:]
	}
	return records
}
