package admission

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
)

// key is what the hashes are keyed with; it dies with the process unless saved.
type key [32]byte

func newKey() (k key) {
	rand.Read(k[:]) // never fails
	return k
}

// hash returns the keyed hash of a visitor's network.
func (l *List) hash(visitor netip.Addr) (uint64, bool) {
	visitor = visitor.Unmap().WithZone("")
	family, bits := byte(6), orDefault(l.Bits6, DefaultBits6)
	if visitor.Is4() {
		family, bits = 4, orDefault(l.Bits4, DefaultBits4)
	}
	prefix, err := visitor.Prefix(bits)
	if err != nil || !visitor.IsValid() {
		return 0, false
	}
	addr := prefix.Addr().As16()
	return l.key.mac(family, &addr), true
}

func orDefault(n, normal int) int {
	if n == 0 {
		return normal
	}
	return n
}

// mac is the first 8 bytes of HMAC-SHA256 (RFC 2104) over family and addr.
// crypto/hmac would allocate at every connection. 8 bytes suffice: a stranger's
// network looks like one of 65,536 admitted ones once in 2^48.
func (k *key) mac(family byte, addr *[16]byte) uint64 {
	var inner [sha256.BlockSize + 17]byte
	var outer [sha256.BlockSize + sha256.Size]byte
	for i := range sha256.BlockSize {
		inner[i], outer[i] = 0x36, 0x5c
		if i < len(k) {
			inner[i] ^= k[i]
			outer[i] ^= k[i]
		}
	}
	inner[sha256.BlockSize] = family
	copy(inner[sha256.BlockSize+1:], addr[:])
	sum := sha256.Sum256(inner[:])
	copy(outer[sha256.BlockSize:], sum[:])
	sum = sha256.Sum256(outer[:])
	return binary.BigEndian.Uint64(sum[:])
}
