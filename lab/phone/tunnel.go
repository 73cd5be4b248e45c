package phone

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"

	"causeway/lab/record"
)

// tunnel is an http.RoundTripper that answers the library's websocket upgrade
// itself. Behind it is what a phone does: a raw TCP or TLS connection to the
// chat port, on which each websocket message becomes the frame it carries.
type tunnel struct {
	route Route
	dial  func(ctx context.Context, network, address string) (net.Conn, error)
	tape  *record.Tape
	name  string
	ended chan struct{} // closed when the first connection has ended

	life context.Context // ends all connections
	wg   sync.WaitGroup
	once sync.Once
}

// RoundTrip connects to the chat port; the response is a websocket.
func (t *tunnel) RoundTrip(request *http.Request) (*http.Response, error) {
	raw, err := t.connect(request.Context())
	if err != nil {
		return nil, err
	}
	near, far := net.Pipe()
	answer := &upgrade{conn: far, header: make(http.Header)}
	ws, err := websocket.Accept(answer, request, nil)
	if err != nil {
		return nil, errors.Join(err, raw.Close(), near.Close(), far.Close())
	}
	ws.SetReadLimit(maxFrame)
	t.wg.Go(func() {
		defer t.once.Do(func() { close(t.ended) })
		carry(t.life, raw, ws, t.route.Routing)
	})
	return &http.Response{
		StatusCode: http.StatusSwitchingProtocols,
		ProtoMajor: 1,
		ProtoMinor: 1,
		Header:     answer.header,
		Body:       near,
		Request:    request,
	}, nil
}

// connect dials the chat port; with TLS any certificate will do, as the app
// accepts any on its chat port. What is inside the TLS goes on the tape.
func (t *tunnel) connect(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	conn, err := t.dial(ctx, "tcp", t.route.Chat)
	if err != nil {
		return nil, fmt.Errorf("connecting to the chat port: %w", err)
	}
	if _, err := conn.Write(t.route.Header); err != nil {
		return nil, errors.Join(fmt.Errorf("sending the PROXY header: %w", err), conn.Close())
	}
	if t.route.ChatTLS {
		secured := tls.Client(conn, &tls.Config{
			InsecureSkipVerify: true,
			ServerName:         t.route.SNI,
			NextProtos:         t.route.ALPN,
		})
		if err := secured.HandshakeContext(ctx); err != nil {
			return nil, errors.Join(fmt.Errorf("shaking hands on the chat port: %w", err), conn.Close())
		}
		conn = secured
	}
	return &record.Conn{
		Conn: conn,
		Tape: t.tape,
		In:   t.name + " chat, to the phone",
		Out:  t.name + " chat, from the phone",
	}, nil
}

// carry moves frames both ways until either side ends or life does.
func carry(life context.Context, raw net.Conn, ws *websocket.Conn, routing []byte) {
	ctx, cancel := context.WithCancel(context.Background())
	stop := context.AfterFunc(life, func() { raw.Close() })
	defer stop()
	var wg sync.WaitGroup
	wg.Go(func() {
		defer cancel()
		if framesIn(ctx, ws, bufio.NewReader(raw)) == 0 {
			giveUp(ctx, ws)
		}
	})
	framesOut(ctx, raw, ws, routing)
	cancel()
	raw.Close()
	wg.Wait()
	ws.CloseNow()
}

// giveUpTime bounds the library's part in giveUp.
const giveUpTime = 5 * time.Second

// giveUp hands the library an empty frame in place of the server's hello, and
// waits until it has closed its websocket. Without the frame it waits 20 s for
// the answer of a closed connection; closed from this side, it races with
// itself.
func giveUp(ctx context.Context, ws *websocket.Conn) {
	ctx, cancel := context.WithTimeout(ctx, giveUpTime)
	defer cancel()
	if err := ws.Write(ctx, websocket.MessageBinary, []byte{0, 0, 0}); err == nil {
		<-ctx.Done()
	}
}

// framesOut writes what each websocket message carries. The first one is the
// 43-byte first flight, preceded by the routing information if there is any. It
// ends when the library closes its websocket, or ctx does; that nobody takes the
// bytes any more is for framesIn to notice.
func framesOut(ctx context.Context, raw net.Conn, ws *websocket.Conn, routing []byte) {
	for {
		_, message, err := ws.Read(ctx)
		if err != nil {
			return
		}
		if routing != nil {
			size := len(routing)
			prefix := append([]byte{'E', 'D', 0, 1, byte(size >> 16), byte(size >> 8), byte(size)}, routing...)
			message = append(prefix, message...)
			routing = nil
		}
		raw.Write(message)
	}
}

// serverHello begins the service's first frame: field 3 of the handshake message.
const serverHello = 3<<3 | 2

// framesIn hands the library whole frames, one per message: it miscounts those
// that come in pieces. It returns how many there were. A first one that is not
// the service's ends it: an HTTP/2 server's settings have a frame's length.
func framesIn(ctx context.Context, ws *websocket.Conn, raw *bufio.Reader) (count int) {
	for ; ; count++ {
		header, err := raw.Peek(3)
		if err != nil {
			return count
		}
		size := int(header[0])<<16 | int(header[1])<<8 | int(header[2])
		if size > maxFrame {
			return count
		}
		frame := make([]byte, 3+size)
		if _, err := io.ReadFull(raw, frame); err != nil {
			return count
		}
		if count == 0 && (size == 0 || frame[3] != serverHello) {
			return 0
		}
		if err := ws.Write(ctx, websocket.MessageBinary, frame); err != nil {
			return count
		}
	}
}

// upgrade is the ResponseWriter of an upgrade that has no HTTP connection: it
// keeps the headers and hands over the pipe.
type upgrade struct {
	conn   net.Conn
	header http.Header
}

func (u *upgrade) Header() http.Header         { return u.header }
func (u *upgrade) Write(p []byte) (int, error) { return len(p), nil }
func (u *upgrade) WriteHeader(int)             {}

func (u *upgrade) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return u.conn, bufio.NewReadWriter(bufio.NewReader(u.conn), bufio.NewWriter(u.conn)), nil
}
