package noise

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/sha256"
)

// protocolName is padded with zeros to 32 bytes, the first value of hash and key.
const protocolName = "Noise_XX_25519_AESGCM_SHA256\x00\x00\x00\x00"

// state is the SymmetricState of the Noise specification, revision 34, as far
// as the first round trip takes it.
type state struct {
	hash  [32]byte // "h"
	chain [32]byte // "ck"
	key   []byte   // "k"
}

// newState has the prologue and the client's ephemeral key mixed in. WhatsApp
// departs from the specification here: the empty payload of the first message
// is not mixed.
func newState(client *ecdh.PublicKey) *state {
	s := &state{hash: [32]byte([]byte(protocolName)), chain: [32]byte([]byte(protocolName))}
	s.mixHash([]byte(prologue))
	s.mixHash(client.Bytes())
	return s
}

func (s *state) mixHash(data []byte) {
	s.hash = sha256.Sum256(append(s.hash[:], data...))
}

// mixKey mixes the secret that two keys share into the key of what follows.
// Each side passes its own private key and the other side's public one.
func (s *state) mixKey(own *ecdh.PrivateKey, other []byte) error {
	public, err := ecdh.X25519().NewPublicKey(other)
	if err != nil {
		return err
	}
	secret, err := own.ECDH(public)
	if err != nil {
		return err
	}
	derived, err := hkdf.Key(sha256.New, secret, s.chain[:], "", 64)
	if err != nil {
		return err
	}
	s.chain, s.key = [32]byte(derived[:32]), derived[32:]
	return nil
}

// newNonce is zero because the counter starts again at every mixKey, and each
// of the two keys of this round trip seals one message.
func newNonce() []byte { return make([]byte, 12) }

func (s *state) decrypt(sealed []byte) ([]byte, error) {
	gcm, err := newGCM(s.key)
	if err != nil {
		return nil, err
	}
	plain, err := gcm.Open(nil, newNonce(), sealed, s.hash[:])
	if err != nil {
		return nil, err
	}
	s.mixHash(sealed)
	return plain, nil
}

func (s *state) encrypt(plain []byte) ([]byte, error) {
	gcm, err := newGCM(s.key)
	if err != nil {
		return nil, err
	}
	sealed := gcm.Seal(nil, newNonce(), plain, s.hash[:])
	s.mixHash(sealed)
	return sealed, nil
}

func newGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
