package noise

import (
	"bytes"
	"crypto/ecdh"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

// stage is a server whose certificates can be spoiled one by one.
type stage struct {
	root, intermediate   signer
	static               *ecdh.PrivateKey
	middle, leaf         []byte // details
	middleCert, leafCert []byte // signed; made from the details where nil
	chain                []byte // made from the certificates where nil
}

func newStage(t testing.TB) *stage {
	t.Helper()
	root, err := newSigner()
	if err != nil {
		t.Fatal(err)
	}
	intermediate, err := newSigner()
	if err != nil {
		t.Fatal(err)
	}
	static := vectorKey(t, 0x33)
	from, to := time.Unix(1000, 0), time.Unix(2000, 0)
	return &stage{
		root: root, intermediate: intermediate, static: static,
		middle: newDetails(7, rootSerial, intermediate.key, from, to),
		leaf:   newDetails(8, 7, static.PublicKey().Bytes(), from, to),
	}
}

func (s *stage) payload() []byte {
	if s.chain != nil {
		return s.chain
	}
	middle, leaf := s.middleCert, s.leafCert
	if middle == nil {
		middle = s.root.certificate(s.middle)
	}
	if leaf == nil {
		leaf = s.intermediate.certificate(s.leaf)
	}
	return appendBytes(appendBytes(nil, 1, leaf), 2, middle)
}

func (s *stage) reply(t testing.TB, hello *Hello) []byte {
	t.Helper()
	reply, _, err := answer(hello.Bytes(), vectorKey(t, 0x22), s.static, s.payload())
	if err != nil {
		t.Fatal(err)
	}
	return reply
}

func TestVerifyChain(t *testing.T) {
	from, to := time.Unix(1000, 0), time.Unix(2000, 0)
	unknown := binary.AppendUvarint(nil, 99<<3|wireFixed64)
	unknown = append(unknown, "12345678"...)
	unknown = binary.AppendUvarint(unknown, 98<<3|wireFixed32)
	unknown = append(unknown, "1234"...)
	unknown = appendVarint(appendBytes(unknown, 97, []byte("more")), 96, 1<<60)

	for _, c := range []struct {
		name  string
		spoil func(*stage)
		want  string // part of the error, "" for a good chain
	}{
		{"good", func(*stage) {}, ""},
		{"unknown fields", func(s *stage) {
			s.middle, s.leaf = append(s.middle, unknown...), append(s.leaf, unknown...)
			s.chain = append(s.payload(), unknown...)
		}, ""},
		{"no issuer in the intermediate, as protobuf writes 0", func(s *stage) {
			s.middle = appendBytes(appendVarint(nil, 1, 7), 3, s.intermediate.key)
		}, ""},
		{"empty", func(s *stage) { s.chain = []byte{} }, "reading the leaf"},
		{"not protobuf", func(s *stage) { s.chain = []byte("cert") }, "reading the certificates"},
		{"no leaf", func(s *stage) { s.chain = appendBytes(nil, 2, s.root.certificate(s.middle)) }, "reading the leaf"},
		{"no intermediate", func(s *stage) { s.chain = appendBytes(nil, 1, s.intermediate.certificate(s.leaf)) },
			"reading the intermediate"},
		{"leaf cut off", func(s *stage) { s.leafCert = s.intermediate.certificate(s.leaf)[:20] }, "reading the leaf"},
		{"leaf without a signature", func(s *stage) { s.leafCert = appendBytes(nil, 1, s.leaf) }, "reading the leaf"},
		{"leaf signed by the root", func(s *stage) { s.leafCert = s.root.certificate(s.leaf) },
			"leaf is not signed"},
		{"intermediate signed by another root", func(s *stage) { s.middleCert = newStage(t).root.certificate(s.middle) },
			"intermediate certificate is not signed"},
		{"intermediate of another issuer", func(s *stage) { s.middle = newDetails(7, 1, s.intermediate.key, from, to) },
			"names issuer 1"},
		{"leaf of another issuer", func(s *stage) { s.leaf = newDetails(8, 6, s.static.PublicKey().Bytes(), from, to) },
			"names issuer 6"},
		{"leaf for another key", func(s *stage) { s.leaf = newDetails(8, 7, s.intermediate.key, from, to) },
			"another key"},
		{"swapped static key", func(s *stage) { s.static = vectorKey(t, 0x44) }, "another key"},
		{"short key", func(s *stage) { s.leaf = newDetails(8, 7, []byte("short"), from, to) }, "reading the leaf"},
		{"certificates in each other's place", func(s *stage) {
			s.chain = appendBytes(appendBytes(nil, 2, s.intermediate.certificate(s.leaf)), 1, s.root.certificate(s.middle))
		}, "names issuer 7"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStage(t)
			root := [32]byte(s.root.key)
			c.spoil(s)
			hello := newVectorHello(t)
			_, err := hello.Verify(s.reply(t, hello), root)
			if c.want == "" {
				if err != nil {
					t.Errorf("got %v, want a proof", err)
				}
				return
			}
			if !errors.Is(err, ErrForeign) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %v with %q", err, ErrForeign, c.want)
			}
		})
	}
}

func TestValidity(t *testing.T) {
	at := func(seconds int64) time.Time { return time.Unix(seconds, 0).UTC() }
	for _, c := range []struct {
		name               string
		leaf, intermediate [2]uint64
		from, to           time.Time
	}{
		{"none", [2]uint64{}, [2]uint64{}, time.Time{}, time.Time{}},
		{"leaf inside the intermediate", [2]uint64{20, 30}, [2]uint64{10, 40}, at(20), at(30)},
		{"intermediate inside the leaf", [2]uint64{10, 40}, [2]uint64{20, 30}, at(20), at(30)},
		{"leaf only", [2]uint64{20, 30}, [2]uint64{}, at(20), at(30)},
		{"intermediate only", [2]uint64{}, [2]uint64{20, 30}, at(20), at(30)},
		{"absurd end", [2]uint64{20, 1<<64 - 1}, [2]uint64{}, at(20), at(endOfTime)},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStage(t)
			s.leaf = withValidity(8, 7, s.static.PublicKey().Bytes(), c.leaf)
			s.middle = withValidity(7, rootSerial, s.intermediate.key, c.intermediate)
			hello := newVectorHello(t)
			proof, err := hello.Verify(s.reply(t, hello), [32]byte(s.root.key))
			if err != nil {
				t.Fatal(err)
			}
			if proof.NotBefore != c.from || proof.NotAfter != c.to {
				t.Errorf("got %v to %v, want %v to %v", proof.NotBefore, proof.NotAfter, c.from, c.to)
			}
		})
	}
}

func withValidity(serial, issuer uint64, key []byte, bounds [2]uint64) []byte {
	details := appendBytes(appendVarint(appendVarint(nil, 1, serial), 2, issuer), 3, key)
	return appendVarint(appendVarint(details, 4, bounds[0]), 5, bounds[1])
}

// shape builds a HandshakeMessage{3 serverHello} of the given three fields,
// leaving out those that are nil.
func shape(fields ...[]byte) []byte {
	var server []byte
	for i, value := range fields {
		if value != nil {
			server = appendBytes(server, uint64(i+1), value)
		}
	}
	return appendBytes(nil, 3, server)
}

func TestVerifyRefusesOtherShapes(t *testing.T) {
	s := newStage(t)
	hello := newVectorHello(t)
	good := s.reply(t, hello)
	parts, err := parseServerHello(good)
	if err != nil {
		t.Fatal(err)
	}
	one, two, three := parts.ephemeral, parts.static, parts.payload
	other, err := NewHello(bytes.NewReader(bytes.Repeat([]byte{0x12}, keySize)))
	if err != nil {
		t.Fatal(err)
	}
	flipped := slices.Clone(three)
	flipped[0] ^= 1

	for _, c := range []struct {
		name  string
		reply []byte
		want  error
	}{
		{"good", good, nil},
		{"unknown fields around it", append(appendVarint(nil, 9, 1), appendBytes(good, 8, []byte("x"))...), nil},
		{"nothing", nil, ErrNotNoise},
		{"no server hello", appendBytes(nil, 2, good), ErrNotNoise},
		{"server hello is a number", appendVarint(nil, 3, 1), ErrNotNoise},
		{"a group", []byte{3<<3 | 3}, ErrNotNoise},
		{"field number 0", []byte{0, 0}, ErrNotNoise},
		{"endless varint", bytes.Repeat([]byte{0xff}, 20), ErrNotNoise},
		{"value missing", []byte{9 << 3}, ErrNotNoise},
		{"fixed64 cut off", []byte{9<<3 | wireFixed64, 1, 2}, ErrNotNoise},
		{"fixed32 cut off", []byte{9<<3 | wireFixed32, 1, 2}, ErrNotNoise},
		{"length past the end", []byte{3<<3 | wireBytes, 5, 1}, ErrNotNoise},
		{"length of 2^63", append([]byte{3<<3 | wireBytes}, binary.AppendUvarint(nil, 1<<63)...), ErrNotNoise},
		{"cut off", good[:len(good)-1], ErrNotNoise},
		{"malformed inside", appendBytes(nil, 3, []byte{0xff}), ErrNotNoise},
		{"no ephemeral key", shape(nil, two, three), ErrNotNoise},
		{"no static key", shape(one, nil, three), ErrNotNoise},
		{"no payload", shape(one, two, nil), ErrNotNoise},
		{"short ephemeral key", shape(one[1:], two, three), ErrNotNoise},
		{"short static key", shape(one, two[1:], three), ErrNotNoise},
		{"payload shorter than its tag", shape(one, two, three[:tagSize-1]), ErrNotNoise},
		{"ephemeral key of low order", shape(make([]byte, keySize), two, three), ErrForeign},
		{"static key altered", shape(one, append(slices.Clone(two[1:]), 0), three), ErrForeign},
		{"payload altered", shape(one, two, flipped), ErrForeign},
		{"recorded answer to another hello", s.reply(t, other), ErrForeign},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := hello.Verify(c.reply, [32]byte(s.root.key))
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

// FuzzVerify holds that no reply but the one the server made is ever accepted
// under its root, and that each refusal has one of the two causes.
func FuzzVerify(f *testing.F) {
	s := newStage(f)
	hello := newVectorHello(f)
	good := s.reply(f, hello)
	parts, err := parseServerHello(good)
	if err != nil {
		f.Fatal(err)
	}
	one, two, three := parts.ephemeral, parts.static, parts.payload
	f.Add(good)
	f.Add(shape(nil, two, three))
	f.Add(shape(one, nil, three))
	f.Add(shape(one, two, nil))
	f.Add(newStage(f).reply(f, hello)) // another root
	swapped := newStage(f)
	swapped.static = vectorKey(f, 0x44)
	f.Add(swapped.reply(f, hello))
	f.Add(good[:len(good)/2])
	f.Add(unhex(f, vectorReply)[3:])
	f.Add([]byte{})

	root := [32]byte(s.root.key)
	f.Fuzz(func(t *testing.T, reply []byte) {
		_, err := hello.Verify(reply, root)
		if err == nil {
			got, parseErr := parseServerHello(reply)
			if parseErr != nil || !bytes.Equal(got.payload, three) || !bytes.Equal(got.static, two) {
				t.Errorf("accepted a reply that the server never made: %x", reply)
			}
			return
		}
		if !errors.Is(err, ErrNotNoise) && !errors.Is(err, ErrForeign) {
			t.Errorf("got %v, want one of the named causes", err)
		}
	})
}

// FuzzChain reaches the certificates, which the encryption hides from FuzzVerify.
func FuzzChain(f *testing.F) {
	s := newStage(f)
	static := s.static.PublicKey().Bytes()
	f.Add(s.payload())
	f.Add(appendBytes(nil, 1, s.intermediate.certificate(s.leaf)))
	f.Add(appendBytes(nil, 2, s.root.certificate(s.middle)))
	f.Add(newStage(f).payload())
	f.Add(s.payload()[:60])
	f.Add([]byte("cert"))

	root := [32]byte(s.root.key)
	f.Fuzz(func(t *testing.T, chain []byte) {
		if _, err := verifyChain(chain, static, root); err != nil {
			return
		}
		leaf, intermediate, err := parseChain(chain)
		if err != nil || !bytes.Equal(leaf.details, s.leaf) || !bytes.Equal(intermediate.details, s.middle) {
			t.Errorf("accepted certificates that were never signed: %x", chain)
		}
	})
}
