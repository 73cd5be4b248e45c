package scrub

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

const planted = "203.0.113.45"

type valuer struct{ v any }

func (v valuer) LogValue() slog.Value { return slog.AnyValue(v.v) }

type marshaler struct{ text string }

func (m marshaler) MarshalText() ([]byte, error) { return []byte(m.text), nil }

type panicking struct{}

func (panicking) MarshalText() ([]byte, error) { panic(planted) }

type named string

// withoutTime takes out the clock, whose digits may be those sought.
func withoutTime(groups []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey && len(groups) == 0 {
		return slog.Attr{}
	}
	return a
}

func TestHandlerLetsNoAddressThrough(t *testing.T) {
	addr := netip.MustParseAddr(planted)
	tcp := &net.TCPAddr{IP: net.ParseIP(planted), Port: 40000}
	for _, c := range []struct {
		name string
		attr slog.Attr
	}{
		{"string", slog.String("a", planted)},
		{"key", slog.String(planted, "a")},
		{"error", slog.Any("a", &net.OpError{Op: "read", Net: "tcp", Addr: tcp, Err: io.EOF})},
		{"wrapped error", slog.Any("a", fmt.Errorf("relaying: %w", &net.AddrError{Addr: planted}))},
		{"net.Addr", slog.Any("a", tcp)},
		{"net.IP", slog.Any("a", tcp.IP)},
		{"netip.Addr", slog.Any("a", addr)},
		{"netip.AddrPort", slog.Any("a", netip.AddrPortFrom(addr, 1))},
		{"netip.Prefix", slog.Any("a", netip.PrefixFrom(addr, 32))},
		{"bytes of text", slog.Any("a", []byte(planted))},
		{"raw bytes", slog.Any("a", addr.As4())},
		{"strings", slog.Any("a", []string{"x", planted})},
		{"named string", slog.Any("a", named(planted))},
		{"text marshaler", slog.Any("a", marshaler{planted})},
		{"panicking marshaler", slog.Any("a", panicking{})},
		{"struct with a hidden address", slog.Any("a", struct{ a netip.Addr }{addr})},
		{"struct with an open one", slog.Any("a", struct{ A string }{planted})},
		{"map", slog.Any("a", map[string]string{planted: planted})},
		{"pointer", slog.Any("a", new(planted))},
		{"LogValuer", slog.Any("a", valuer{planted})},
		{"LogValuer of an address", slog.Any("a", valuer{tcp})},
		{"LogValuer of a LogValuer", slog.Any("a", valuer{valuer{addr}})},
		{"group", slog.Group("g", slog.String("a", planted), slog.Group(planted, "b", tcp))},
		{"list of attributes", slog.Any("a", []slog.Attr{slog.Any("b", addr)})},
		{"group in a LogValuer", slog.Any("a", valuer{slog.GroupValue(slog.Any(planted, tcp))})},
	} {
		for _, format := range []string{"text", "json"} {
			var out bytes.Buffer
			options := &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: withoutTime}
			next := slog.Handler(slog.NewTextHandler(&out, options))
			if format == "json" {
				next = slog.NewJSONHandler(&out, options)
			}
			l := slog.New(Handler(next))
			l.LogAttrs(context.Background(), slog.LevelDebug, "from "+planted, c.attr)
			l.With(c.attr).WithGroup(planted).With(c.attr).Info("x", c.attr)
			l.WithGroup("g").Error(planted, c.attr)
			if strings.Count(out.String(), "\n") != 3 {
				t.Errorf("%s, %s: got %q, want three lines", c.name, format, out.String())
			}
			for _, leak := range []string{planted, "203", "113", "MjAz", "3405803"} {
				if strings.Contains(out.String(), leak) {
					t.Errorf("%s, %s: got %q, which tells %q", c.name, format, out.String(), leak)
				}
			}
		}
	}
}

func TestHandlerKeepsTheRest(t *testing.T) {
	var out bytes.Buffer
	h := Handler(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: withoutTime}))
	l := slog.New(h).With("messenger", "whatsapp").WithGroup("chat")
	l.Info("ready", "people", 12, "took", 3*time.Second, "ok", true, "share", 0.5, "err", io.EOF,
		"at", time.Unix(0, 0).UTC(), "nothing", nil, "level", slog.LevelWarn, "flag", named("x"), "n", uint8(7))
	l.Debug("not shown")
	want := "level=INFO msg=ready messenger=whatsapp chat.people=12 chat.took=3s chat.ok=true chat.share=0.5 " +
		"chat.err=EOF chat.at=1970-01-01T00:00:00.000Z chat.nothing=<nil> chat.level=WARN chat.flag=x chat.n=7\n"
	if out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

func TestError(t *testing.T) {
	if err := Error(nil); err != nil {
		t.Errorf("got %v, want nil", err)
	}
	inner := &net.OpError{Op: "read", Net: "tcp", Addr: &net.TCPAddr{IP: net.ParseIP(planted), Port: 443}, Err: fs.ErrClosed}
	err := fmt.Errorf("relaying: %w", Error(inner))
	if got, want := err.Error(), "relaying: read tcp [address]: file already closed"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if !errors.Is(err, fs.ErrClosed) {
		t.Error("errors.Is does not find what is inside")
	}
	var op *net.OpError
	if !errors.As(err, &op) || op != inner {
		t.Error("errors.As does not find what is inside")
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%10v"} {
		got := fmt.Sprintf(verb, Error(inner))
		for _, leak := range []string{planted, "203", fmt.Sprintf("%x", planted)} {
			if strings.Contains(got, leak) {
				t.Errorf("%s: got %q", verb, got)
			}
		}
	}
}
