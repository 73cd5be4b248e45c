// Package noise proves that a connection ends at WhatsApp's own servers: the
// first round trip of the app's Noise handshake, with the certificates of the
// reply checked against a pinned root key. It needs no account and stops there.
package noise

import (
	"crypto/ecdh"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"time"
)

// What Prove and Verify found instead of a proof. Any other error is one of
// the connection itself; io.EOF says that it was closed without an answer.
var (
	// ErrNotNoise says that the answer is not a server's part of the handshake.
	ErrNotNoise = errors.New("not a Noise reply")
	// ErrForeign says that a Noise server answered, but not one that the root
	// vouches for: a stand-in, or a recording of an earlier answer.
	ErrForeign = errors.New("a foreign server")
	// ErrTruncated says that the connection ended in the middle of the answer.
	ErrTruncated = errors.New("the reply was cut off")
)

// maxReply bounds the server's frame, in bytes. A simulated reply has 333.
const maxReply = 16 << 10

// Root returns the public key of WhatsAppLongTerm1, the Curve25519 key that
// signs WhatsApp's servers: the same in the Android app, whatsmeow and Baileys.
func Root() [32]byte {
	return [32]byte{
		0x14, 0x23, 0x75, 0x57, 0x4d, 0x0a, 0x58, 0x71, 0x66, 0xaa, 0xe7, 0x1e, 0xbe, 0x51, 0x64, 0x37,
		0xc4, 0xa2, 0x8b, 0x73, 0xe3, 0x69, 0x5c, 0x6c, 0xe1, 0xf7, 0xf9, 0x54, 0x5d, 0xa8, 0xee, 0x6b,
	}
}

// Proof is what a verified reply says about itself.
type Proof struct {
	// NotBefore and NotAfter bound the time in which both certificates are
	// valid, zero where neither names a bound. They are not enforced, as no
	// known client does; a caller may hold a clock against them.
	NotBefore, NotAfter time.Time
}

// Prove writes a Hello to conn, reads one frame of at most 16 KiB and verifies
// it. Deadlines are the caller's.
func Prove(conn io.ReadWriter, root [32]byte) (Proof, error) {
	hello, err := NewHello(rand.Reader)
	if err != nil {
		return Proof{}, err
	}
	if _, err := conn.Write(hello.Bytes()); err != nil {
		return Proof{}, fmt.Errorf("sending the greeting: %w", err)
	}
	reply, err := readFrame(conn)
	if err != nil {
		return Proof{}, fmt.Errorf("reading the reply: %w", err)
	}
	return hello.Verify(reply, root)
}

// readFrame reads the body of one frame: 3 bytes of length, big endian, and
// as many bytes. An answer in another protocol shows as an absurd length:
// "HTT" would be 4.7 million.
func readFrame(r io.Reader) ([]byte, error) {
	var head [3]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, cutOff(err)
	}
	length := int(head[0])<<16 | int(head[1])<<8 | int(head[2])
	if length == 0 || length > maxReply {
		return nil, fmt.Errorf("%w: a frame of %d bytes", ErrNotNoise, length)
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(r, body); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF // the head was there
		}
		return nil, cutOff(err)
	}
	return body, nil
}

func cutOff(err error) error {
	if err == io.ErrUnexpectedEOF {
		return ErrTruncated
	}
	return err
}

// frame puts the 3-byte length before a body shorter than 16 MiB.
func frame(body []byte) []byte {
	n := len(body)
	return append([]byte{byte(n >> 16), byte(n >> 8), byte(n)}, body...)
}

// Hello is the client's part of one handshake. It is used once.
type Hello struct {
	ephemeral *ecdh.PrivateKey
}

// NewHello makes a Hello with a fresh X25519 key of 32 bytes from random.
func NewHello(random io.Reader) (*Hello, error) {
	key, err := newKey(random)
	if err != nil {
		return nil, err
	}
	return &Hello{ephemeral: key}, nil
}

// newKey does not use ecdh's GenerateKey, which since Go 1.26 ignores the
// reader that it is given.
func newKey(random io.Reader) (*ecdh.PrivateKey, error) {
	var seed [32]byte
	if _, err := io.ReadFull(random, seed[:]); err != nil {
		return nil, fmt.Errorf("reading random bytes: %w", err)
	}
	return ecdh.X25519().NewPrivateKey(seed[:])
}

// prologue is "WA", protocol 6, dictionary 3.
const prologue = "WA\x06\x03"

// Bytes returns the client's first flight, 43 bytes: the prologue and a frame
// that holds HandshakeMessage{2 clientHello{1 ephemeral}}.
func (h *Hello) Bytes() []byte {
	hello := appendBytes(nil, 1, h.ephemeral.PublicKey().Bytes())
	return append([]byte(prologue), frame(appendBytes(nil, 2, hello))...)
}

// Verify checks the body of the server's frame: it must decrypt with this
// Hello's key, and its certificates must lead from root to the very key that
// the server proved to hold.
func (h *Hello) Verify(reply []byte, root [32]byte) (Proof, error) {
	server, err := parseServerHello(reply)
	if err != nil {
		return Proof{}, err
	}
	static, payload, err := h.open(server)
	if err != nil {
		return Proof{}, fmt.Errorf("%w: %w", ErrForeign, err)
	}
	proof, err := verifyChain(payload, static, root)
	if err != nil {
		return Proof{}, fmt.Errorf("%w: %w", ErrForeign, err)
	}
	return proof, nil
}

// open decrypts the server's static key and its payload.
func (h *Hello) open(server serverHello) (static, payload []byte, err error) {
	state := newState(h.ephemeral.PublicKey())
	state.mixHash(server.ephemeral)
	if err := state.mixKey(h.ephemeral, server.ephemeral); err != nil {
		return nil, nil, err
	}
	static, err = state.decrypt(server.static)
	if err != nil {
		return nil, nil, fmt.Errorf("decrypting the server's key: %w", err)
	}
	if err := state.mixKey(h.ephemeral, static); err != nil {
		return nil, nil, err
	}
	payload, err = state.decrypt(server.payload)
	if err != nil {
		return nil, nil, fmt.Errorf("decrypting the certificates: %w", err)
	}
	return static, payload, nil
}

// serverHello is the message that answers a Hello: 32 bytes of ephemeral key,
// 48 of encrypted static key, and the encrypted certificates.
type serverHello struct {
	ephemeral, static, payload []byte
}

const (
	keySize = 32 // X25519
	tagSize = 16 // AES-GCM
)

func parseServerHello(reply []byte) (serverHello, error) {
	var body []byte
	err := eachField(reply, func(f field) {
		if f.number == 3 {
			body = f.bytes
		}
	})
	if err != nil {
		return serverHello{}, fmt.Errorf("%w: %w", ErrNotNoise, err)
	}
	var server serverHello
	err = eachField(body, func(f field) {
		switch f.number {
		case 1:
			server.ephemeral = f.bytes
		case 2:
			server.static = f.bytes
		case 3:
			server.payload = f.bytes
		}
	})
	if err != nil {
		return serverHello{}, fmt.Errorf("%w: %w", ErrNotNoise, err)
	}
	if len(server.ephemeral) != keySize || len(server.static) != keySize+tagSize || len(server.payload) < tagSize {
		return serverHello{}, fmt.Errorf("%w: keys of %d and %d bytes, payload of %d",
			ErrNotNoise, len(server.ephemeral), len(server.static), len(server.payload))
	}
	return server, nil
}
