package standin

import (
	"bufio"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"go.mau.fi/whatsmeow/proto/waWa6"
	"go.mau.fi/whatsmeow/socket"
	"go.mau.fi/whatsmeow/util/gcmutil"
	"go.mau.fi/whatsmeow/util/keys"
	"golang.org/x/crypto/curve25519"
	"google.golang.org/protobuf/proto"
)

const (
	maxFrame         = 1 << 20 // bytes; the largest real one is the first key upload, ~40 kB
	maxRouting       = 1 << 10 // bytes of routing information before the greeting
	handshakeTimeout = 20 * time.Second
	writeTimeout     = 10 * time.Second
)

// errGreeting means that the first bytes are not those of a WhatsApp client.
var errGreeting = errors.New("not a WhatsApp greeting")

// frames is an established, encrypted chat connection.
type frames struct {
	conn  net.Conn
	read  *bufio.Reader
	opens cipher.AEAD
	seals cipher.AEAD

	received uint64

	mu   sync.Mutex
	sent uint64
}

// responder is the server's half of the handshake. socket.NoiseHandshake keeps
// its chaining key to itself and hands out the client's view of the final keys,
// so the chaining key is followed here as well.
type responder struct {
	*socket.NoiseHandshake
	chain []byte
}

func (r *responder) mix(secret []byte) error {
	next, err := hkdf.Key(sha256.New, secret, r.chain, "", 64)
	if err != nil {
		return fmt.Errorf("mixing a secret: %w", err)
	}
	r.chain = next[:32]
	return r.MixIntoKey(secret)
}

func (r *responder) agree(private *keys.KeyPair, public []byte) error {
	secret, err := curve25519.X25519(private.Priv[:], public)
	if err != nil {
		return fmt.Errorf("agreeing on a secret: %w", err)
	}
	return r.mix(secret)
}

// greet reads the optional routing prefix and the four bytes of the greeting.
func greet(read *bufio.Reader) (routed bool, err error) {
	first, err := read.Peek(4)
	if err != nil {
		return false, err
	}
	if first[0] == 'E' && first[1] == 'D' {
		var prefix [7]byte
		if _, err := io.ReadFull(read, prefix[:]); err != nil {
			return false, err
		}
		size := int(prefix[4])<<16 | int(prefix[5])<<8 | int(prefix[6])
		if prefix[2] != 0 || prefix[3] != 1 || size > maxRouting {
			return false, errGreeting
		}
		if _, err := read.Discard(size); err != nil {
			return false, err
		}
		routed = true
	}
	var greeting [4]byte
	if _, err := io.ReadFull(read, greeting[:]); err != nil {
		return routed, err
	}
	if greeting != [4]byte(socket.WAConnHeader) {
		return routed, errGreeting
	}
	return routed, nil
}

// shake is the responder's side of Noise_XX_25519_AESGCM_SHA256 as WhatsApp
// runs it (the empty payload of the first message is not hashed). It returns
// the client's static key and login payload.
func (s *Service) shake(conn net.Conn, read *bufio.Reader) (*frames, []byte, *waWa6.ClientPayload, error) {
	noise := &responder{NoiseHandshake: socket.NewNoiseHandshake(), chain: []byte(socket.NoiseStartPattern)}
	noise.Start(socket.NoiseStartPattern, socket.WAConnHeader)

	hello, err := readHandshake(read)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("reading the client's hello: %w", err)
	}
	clientKey := hello.GetClientHello().GetEphemeral()
	if len(clientKey) != 32 {
		return nil, nil, nil, fmt.Errorf("client key of %d bytes, want 32", len(clientKey))
	}
	ephemeral := keys.NewKeyPair()
	answer, err := s.serverHello(noise, ephemeral, clientKey)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("answering the client's hello: %w", err)
	}
	if err := writeHandshake(conn, answer); err != nil {
		return nil, nil, nil, fmt.Errorf("sending the server's hello: %w", err)
	}

	finish, err := readHandshake(read)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("reading the client's finish: %w", err)
	}
	static, err := noise.Decrypt(finish.GetClientFinish().GetStatic())
	if err != nil {
		return nil, nil, nil, fmt.Errorf("opening the client's static key: %w", err)
	}
	if err := noise.agree(ephemeral, static); err != nil {
		return nil, nil, nil, err
	}
	login, err := noise.Decrypt(finish.GetClientFinish().GetPayload())
	if err != nil {
		return nil, nil, nil, fmt.Errorf("opening the client's login: %w", err)
	}
	var payload waWa6.ClientPayload
	if err := proto.Unmarshal(login, &payload); err != nil {
		return nil, nil, nil, fmt.Errorf("decoding the client's login: %w", err)
	}
	f, err := noise.frames(conn, read)
	return f, static, &payload, err
}

// serverHello mixes both ephemeral keys and returns the second message: our
// ephemeral key, our static key sealed, the certificate chain sealed.
func (s *Service) serverHello(noise *responder, ephemeral *keys.KeyPair, clientKey []byte) (*waWa6.HandshakeMessage, error) {
	noise.Authenticate(clientKey)
	noise.Authenticate(ephemeral.Pub[:])
	if err := noise.agree(ephemeral, clientKey); err != nil {
		return nil, err
	}
	static := noise.Encrypt(s.noise.static.Pub[:])
	if err := noise.agree(s.noise.static, clientKey); err != nil {
		return nil, err
	}
	return &waWa6.HandshakeMessage{ServerHello: &waWa6.HandshakeMessage_ServerHello{
		Ephemeral: ephemeral.Pub[:],
		Static:    static,
		Payload:   noise.Encrypt(s.noise.chain),
	}}, nil
}

// frames derives the transport keys; the client's writing key comes first.
func (r *responder) frames(conn net.Conn, read *bufio.Reader) (*frames, error) {
	final, err := hkdf.Key(sha256.New, nil, r.chain, "", 64)
	if err != nil {
		return nil, fmt.Errorf("deriving the transport keys: %w", err)
	}
	opens, err := gcmutil.Prepare(final[:32])
	if err != nil {
		return nil, fmt.Errorf("preparing the reading key: %w", err)
	}
	seals, err := gcmutil.Prepare(final[32:])
	if err != nil {
		return nil, fmt.Errorf("preparing the writing key: %w", err)
	}
	return &frames{conn: conn, read: read, opens: opens, seals: seals}, nil
}

// next reads and opens one frame.
func (f *frames) next() ([]byte, error) {
	sealed, err := readFrame(f.read)
	if err != nil {
		return nil, err
	}
	plain, err := f.opens.Open(nil, nonce(f.received), sealed, nil)
	f.received++
	if err != nil {
		return nil, fmt.Errorf("opening a frame: %w", err)
	}
	return plain, nil
}

// send seals and writes one frame. It is safe for concurrent use.
func (f *frames) send(plain []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	sealed := f.seals.Seal(nil, nonce(f.sent), plain, nil)
	f.sent++
	if err := f.conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	return writeFrame(f.conn, sealed)
}

func nonce(count uint64) []byte {
	return binary.BigEndian.AppendUint64(make([]byte, 4, 12), count)
}

func readHandshake(read *bufio.Reader) (*waWa6.HandshakeMessage, error) {
	raw, err := readFrame(read)
	if err != nil {
		return nil, err
	}
	var message waWa6.HandshakeMessage
	if err := proto.Unmarshal(raw, &message); err != nil {
		return nil, fmt.Errorf("decoding a handshake message: %w", err)
	}
	return &message, nil
}

func writeHandshake(conn net.Conn, message *waWa6.HandshakeMessage) error {
	raw, err := proto.Marshal(message)
	if err != nil {
		return fmt.Errorf("encoding a handshake message: %w", err)
	}
	return writeFrame(conn, raw)
}

// readFrame reads a 3-byte big-endian length and that many bytes.
func readFrame(read *bufio.Reader) ([]byte, error) {
	var header [3]byte
	if _, err := io.ReadFull(read, header[:]); err != nil {
		return nil, err
	}
	size := int(header[0])<<16 | int(header[1])<<8 | int(header[2])
	if size > maxFrame {
		return nil, fmt.Errorf("frame of %d bytes, at most %d are taken", size, maxFrame)
	}
	frame := make([]byte, size)
	_, err := io.ReadFull(read, frame)
	return frame, err
}

func writeFrame(conn net.Conn, frame []byte) error {
	size := len(frame)
	whole := append([]byte{byte(size >> 16), byte(size >> 8), byte(size)}, frame...)
	_, err := conn.Write(whole)
	return err
}
