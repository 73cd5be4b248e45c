package noise

import (
	"bytes"
	"crypto/ecdh"
	"crypto/sha512"
	"slices"
	"testing"
)

// From the test suite of libsignal (curve.rs, test_signature): an identity key
// signs an ephemeral key with its type byte. The bits were made by Signal's
// own implementation.
const (
	signalKey       = "ab7e717d4a163b7d9a1d8071dfe9dcf8cdcd1cea3339b6356be84d887e322c64"
	signalMessage   = "05edce9d9c415ca78cb7252e72c2c4a554d3eb29485a0e1d503118d1a82d99fb4a"
	signalSignature = "5de88ca9a89b4a115da79109c67c9c7464a3e4180274f1cb8c63c2984e286dfbede82deb9dcd9fae0bfbb821569b3d9001bd8130cd11d486cef047bd60b86e88"
)

func TestSignalsSignatureVerifies(t *testing.T) {
	key, message, signature := unhex(t, signalKey), unhex(t, signalMessage), unhex(t, signalSignature)
	if !verifySignature(key, message, signature) {
		t.Fatal("Signal's own signature is refused")
	}
	for bit := range len(signature) * 8 {
		broken := slices.Clone(signature)
		broken[bit/8] ^= 1 << (bit % 8)
		if verifySignature(key, message, broken) {
			t.Errorf("verifies with bit %d flipped", bit)
		}
	}
}

func TestSignerKeyIsAnX25519Key(t *testing.T) {
	signs := map[byte]int{}
	for range 32 {
		s, err := newSigner()
		if err != nil {
			t.Fatal(err)
		}
		hash := sha512.Sum512(s.edwards.Seed())
		private, err := ecdh.X25519().NewPrivateKey(hash[:keySize])
		if err != nil {
			t.Fatal(err)
		}
		if got := private.PublicKey().Bytes(); !bytes.Equal(got, s.key) {
			t.Fatalf("got key %x, want %x", s.key, got)
		}
		edwards := s.edwards[keySize:]
		signs[edwards[keySize-1]&signBit]++
		cert, err := parseCertificate(s.certificate(appendBytes(nil, 3, s.key)))
		if err != nil {
			t.Fatal(err)
		}
		if !verifySignature(s.key, cert.details, cert.signature) {
			t.Errorf("a signature by %x is refused", s.key)
		}
	}
	if len(signs) != 2 {
		t.Errorf("got only keys of one sign: %v", signs)
	}
}

func TestBadKeysAndSignatures(t *testing.T) {
	key, message, signature := unhex(t, signalKey), unhex(t, signalMessage), unhex(t, signalSignature)
	p := littleEndian(prime())
	minusOne := slices.Clone(p)
	minusOne[0]--
	for _, c := range []struct {
		name                    string
		key, message, signature []byte
	}{
		{"no key", nil, message, signature},
		{"short key", key[1:], message, signature},
		{"key -1, which has no Edwards form", minusOne, message, signature},
		{"key of 2^255-19", p, message, signature},
		{"key of 256 bits", bytes.Repeat([]byte{0xff}, keySize), message, signature},
		{"zero key", make([]byte, keySize), message, signature},
		{"another message", key, message[1:], signature},
		{"no signature", key, message, nil},
		{"long signature", key, message, append(slices.Clone(signature), 0)},
	} {
		if verifySignature(c.key, c.message, c.signature) {
			t.Errorf("%s: verifies", c.name)
		}
	}
}
