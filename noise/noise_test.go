package noise

import (
	"bytes"
	"crypto/ecdh"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// The deterministic handshake: the client's ephemeral key is 32 x 0x11, the
// server's 32 x 0x22, its static key 32 x 0x33, its payload "cert".
const (
	vectorHello    = "5741060300002412220a207b4e909bbe7ffe44c465a220037d608ee35897d31ef972f07f74892cb0f73f13"
	vectorPrologue = "ffff0c9267310966f1311170c04b38c79504285bf5edf763e5c946492a50a755"
	vectorClient   = "6c9ea30317f933b43ebefedd04d07fa1428b9530c67179ef1189ce3a91089bae"
	vectorReply    = "00006c1a6a0a200faa684ed28867b97f4a6a2dee5df8ce974e76b7018e3f22a1c4cf2678570f20123083be4718bc8739c3ea26ed6075c008d2f47a152fcbe9837641dc39e08b096889d6fa21589c04e73d4ffca99288dea2af1a142f58e1c20952d56d4c4012668aa02bee2b5576a4"
	vectorServer   = "d9badf782fa768e777c6daa346706e05e33b8faf97ce5d6dcd4530eff6bfd2b9"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func vectorKey(t testing.TB, b byte) *ecdh.PrivateKey {
	t.Helper()
	key, err := ecdh.X25519().NewPrivateKey(bytes.Repeat([]byte{b}, keySize))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newVectorHello(t testing.TB) *Hello {
	t.Helper()
	hello, err := NewHello(bytes.NewReader(bytes.Repeat([]byte{0x11}, keySize)))
	if err != nil {
		t.Fatal(err)
	}
	return hello
}

func TestRootIsWhatsAppLongTerm1(t *testing.T) {
	root := Root()
	want := "142375574d0a587166aae71ebe516437c4a28b73e3695c6ce1f7f9545da8ee6b"
	if got := hex.EncodeToString(root[:]); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestVectors(t *testing.T) {
	hello := newVectorHello(t)
	check := func(what string, got []byte, want string) {
		t.Helper()
		if !bytes.Equal(got, unhex(t, want)) {
			t.Errorf("%s: got %x, want %s", what, got, want)
		}
	}
	check("client hello", hello.Bytes(), vectorHello)

	prologueOnly := &state{hash: [32]byte([]byte(protocolName))}
	prologueOnly.mixHash([]byte(prologue))
	check("hash after the prologue", prologueOnly.hash[:], vectorPrologue)
	afterClient := newState(hello.ephemeral.PublicKey())
	check("hash after the client's key", afterClient.hash[:], vectorClient)

	reply, hash, err := answer(hello.Bytes(), vectorKey(t, 0x22), vectorKey(t, 0x33), []byte("cert"))
	if err != nil {
		t.Fatal(err)
	}
	check("server hello", frame(reply), vectorReply)
	check("hash after the server hello", hash[:], vectorServer)
}

func TestVectorReplyOpens(t *testing.T) {
	body, err := readFrame(bytes.NewReader(unhex(t, vectorReply)))
	if err != nil {
		t.Fatal(err)
	}
	server, err := parseServerHello(body)
	if err != nil {
		t.Fatal(err)
	}
	static, payload, err := newVectorHello(t).open(server)
	if err != nil {
		t.Fatal(err)
	}
	if want := vectorKey(t, 0x33).PublicKey().Bytes(); !bytes.Equal(static, want) {
		t.Errorf("static key: got %x, want %x", static, want)
	}
	if string(payload) != "cert" {
		t.Errorf("payload: got %q, want %q", payload, "cert")
	}
}

func TestHelloIsFreshEveryTime(t *testing.T) {
	random := strings.NewReader(strings.Repeat("a", keySize) + strings.Repeat("b", keySize) + "short")
	first, err := NewHello(random)
	if err != nil {
		t.Fatal(err)
	}
	second, err := NewHello(random)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("two hellos are alike")
	}
	if _, err := NewHello(random); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("random bytes ran out: got %v, want %v", err, io.ErrUnexpectedEOF)
	}
}

func newResponder(t testing.TB) *Responder {
	t.Helper()
	responder, err := NewResponder(time.Unix(1_700_000_000, 0), time.Unix(1_900_000_000, 0))
	if err != nil {
		t.Fatal(err)
	}
	return responder
}

// prove runs Prove against serve at the other end of a pipe.
func prove(t *testing.T, root [32]byte, serve func(net.Conn)) (Proof, error) {
	t.Helper()
	client, server := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer server.Close()
		serve(server)
	}()
	proof, err := Prove(client, root)
	client.Close()
	<-done
	return proof, err
}

func TestProve(t *testing.T) {
	responder := newResponder(t)
	proof, err := prove(t, responder.Root(), func(conn net.Conn) {
		if err := responder.Answer(conn); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := proof.NotBefore.Unix(); got != 1_700_000_000 {
		t.Errorf("not before: got %d, want 1700000000", got)
	}
	if got := proof.NotAfter.Unix(); got != 1_900_000_000 {
		t.Errorf("not after: got %d, want 1900000000", got)
	}
}

func TestProveRefuses(t *testing.T) {
	says := func(answer string) func(net.Conn) {
		return func(conn net.Conn) {
			io.ReadFull(conn, make([]byte, helloSize))
			io.WriteString(conn, answer)
		}
	}
	for _, c := range []struct {
		name  string
		serve func(net.Conn)
		want  error
	}{
		{"closed before the hello is read", func(net.Conn) {}, io.ErrClosedPipe},
		{"closed without an answer", says(""), io.EOF},
		{"cut off in the length", says("\x00\x00"), ErrTruncated},
		{"cut off behind the length", says("\x00\x00\x6c"), ErrTruncated},
		{"cut off in the frame", says("\x00\x00\x6c\x1a\x6a"), ErrTruncated},
		{"empty frame", says("\x00\x00\x00"), ErrNotNoise},
		{"frame over the bound", says("\x00\x40\x01"), ErrNotNoise},
		{"HTTP", says("HTTP/1.1 400 Bad Request\r\n\r\n"), ErrNotNoise},
		{"TLS alert", says("\x15\x03\x03\x00\x02\x02\x46"), ErrNotNoise},
		{"frame of rubbish", says("\x00\x00\x03abc"), ErrNotNoise},
		{"another root", func(conn net.Conn) { newResponder(t).Answer(conn) }, ErrForeign},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := prove(t, Root(), c.serve); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestProvePassesOnTheConnectionsError(t *testing.T) {
	client, server := net.Pipe()
	defer server.Close()
	client.SetDeadline(time.Unix(1, 0))
	_, err := Prove(client, Root())
	var timeout net.Error
	if !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("got %v, want a time-out", err)
	}
}
