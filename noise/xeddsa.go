package noise

import (
	"crypto/ed25519"
	"math/big"
	"slices"
)

const (
	signatureSize = 64

	// signBit, in the last byte of an XEdDSA signature as in that of an Edwards
	// key, is the sign of the key's x coordinate, which X25519 keys leave out.
	signBit = 0x80
)

// verifySignature checks an XEdDSA signature of an X25519 key, as Signal's
// specification has it (https://signal.org/docs/specifications/xeddsa/) but
// with the sign of the key in the signature, as Signal's own libraries do.
func verifySignature(key, message, signature []byte) bool {
	if len(key) != keySize || len(signature) != signatureSize {
		return false
	}
	edwards, ok := toEdwards(key)
	if !ok {
		return false
	}
	plain := slices.Clone(signature)
	edwards[keySize-1] |= plain[signatureSize-1] & signBit
	plain[signatureSize-1] &^= signBit
	return ed25519.Verify(edwards, message, plain)
}

// toEdwards maps the u of a Montgomery key to the y of the Edwards key with
// sign 0: y = (u-1)/(u+1) modulo 2^255-19 (RFC 7748, section 4.1).
func toEdwards(key []byte) (ed25519.PublicKey, bool) {
	p := prime()
	u := fromLittleEndian(key)
	one := big.NewInt(1)
	inverse := new(big.Int).ModInverse(new(big.Int).Add(u, one), p)
	if u.Cmp(p) >= 0 || inverse == nil {
		return nil, false
	}
	y := new(big.Int).Sub(u, one)
	y.Mul(y, inverse).Mod(y, p)
	return littleEndian(y), true
}

// toMontgomery maps an Edwards key back: u = (1+y)/(1-y). A key that someone
// generated is never the neutral element, the only one without a u.
func toMontgomery(edwards ed25519.PublicKey) []byte {
	masked := slices.Clone(edwards)
	masked[keySize-1] &^= signBit
	p := prime()
	y := fromLittleEndian(masked)
	one := big.NewInt(1)
	u := new(big.Int).Sub(one, y)
	u.ModInverse(u.Mod(u, p), p)
	u.Mul(u, y.Add(y, one)).Mod(u, p)
	return littleEndian(u)
}

func prime() *big.Int {
	p := big.NewInt(1)
	return p.Lsh(p, 255).Sub(p, big.NewInt(19))
}

func fromLittleEndian(b []byte) *big.Int {
	reversed := slices.Clone(b)
	slices.Reverse(reversed)
	return new(big.Int).SetBytes(reversed)
}

func littleEndian(n *big.Int) []byte {
	b := n.FillBytes(make([]byte, keySize))
	slices.Reverse(b)
	return b
}
