package noise

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"io"
	"time"
)

// Responder is the other side of the round trip, under a root of its own:
// what Prove meets in tests and demonstrations instead of WhatsApp. Whoever
// pins the real root refuses it.
type Responder struct {
	root   [32]byte
	static *ecdh.PrivateKey
	chain  []byte
}

// NewResponder makes a server whose certificates, valid from notBefore to
// notAfter, lead to a new root.
func NewResponder(notBefore, notAfter time.Time) (*Responder, error) {
	root, err := newSigner()
	if err != nil {
		return nil, err
	}
	intermediate, err := newSigner()
	if err != nil {
		return nil, err
	}
	static, err := newKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	middle := newDetails(1, rootSerial, intermediate.key, notBefore, notAfter)
	leaf := newDetails(2, 1, static.PublicKey().Bytes(), notBefore, notAfter)
	chain := appendBytes(nil, 1, intermediate.certificate(leaf))
	chain = appendBytes(chain, 2, root.certificate(middle))
	return &Responder{root: [32]byte(root.key), static: static, chain: chain}, nil
}

// Root returns the public key that vouches for this server.
func (r *Responder) Root() [32]byte { return r.root }

// Answer reads the 43 bytes of a Hello and writes the reply. Deadlines are the
// caller's.
func (r *Responder) Answer(conn io.ReadWriter) error {
	hello := make([]byte, helloSize)
	if _, err := io.ReadFull(conn, hello); err != nil {
		return fmt.Errorf("reading the greeting: %w", err)
	}
	ephemeral, err := newKey(rand.Reader)
	if err != nil {
		return err
	}
	reply, _, err := answer(hello, ephemeral, r.static, r.chain)
	if err != nil {
		return err
	}
	if _, err := conn.Write(frame(reply)); err != nil {
		return fmt.Errorf("sending the reply: %w", err)
	}
	return nil
}

// helloSize is the length of Hello.Bytes; the key fills its end.
const helloSize = 43

// answer makes the body of the server's frame, and the hash that follows it.
func answer(hello []byte, ephemeral, static *ecdh.PrivateKey, payload []byte) ([]byte, [32]byte, error) {
	client, err := ecdh.X25519().NewPublicKey(hello[helloSize-keySize:])
	if err != nil {
		return nil, [32]byte{}, err
	}
	s := newState(client)
	s.mixHash(ephemeral.PublicKey().Bytes())
	if err := s.mixKey(ephemeral, client.Bytes()); err != nil {
		return nil, [32]byte{}, err
	}
	sealedStatic, err := s.encrypt(static.PublicKey().Bytes())
	if err != nil {
		return nil, [32]byte{}, err
	}
	if err := s.mixKey(static, client.Bytes()); err != nil {
		return nil, [32]byte{}, err
	}
	sealedPayload, err := s.encrypt(payload)
	if err != nil {
		return nil, [32]byte{}, err
	}
	server := appendBytes(nil, 1, ephemeral.PublicKey().Bytes())
	server = appendBytes(server, 2, sealedStatic)
	server = appendBytes(server, 3, sealedPayload)
	return appendBytes(nil, 3, server), s.hash, nil
}

// signer signs certificates. The hash of an Ed25519 seed is also an X25519
// private key, of which key is the public one; so an Ed25519 signature with
// the sign of the Edwards key added is an XEdDSA signature of key.
type signer struct {
	edwards ed25519.PrivateKey
	key     []byte
}

func newSigner() (signer, error) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return signer{}, fmt.Errorf("making a signing key: %w", err)
	}
	return signer{edwards: private, key: toMontgomery(public)}, nil
}

func (s signer) certificate(details []byte) []byte {
	signature := ed25519.Sign(s.edwards, details)
	public := s.edwards[ed25519.PublicKeySize:]
	signature[signatureSize-1] |= public[keySize-1] & signBit
	return appendBytes(appendBytes(nil, 1, details), 2, signature)
}

func newDetails(serial, issuer uint32, key []byte, notBefore, notAfter time.Time) []byte {
	details := appendVarint(nil, 1, uint64(serial))
	details = appendVarint(details, 2, uint64(issuer))
	details = appendBytes(details, 3, key)
	details = appendVarint(details, 4, uint64(notBefore.Unix()))
	return appendVarint(details, 5, uint64(notAfter.Unix()))
}
