package proxy_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"causeway/memnet"
	"causeway/messenger"
	"causeway/proxy"
	"causeway/sniff"
	"causeway/stats"
)

func TestAnOutageEndsTheConnectionInTime(t *testing.T) {
	t.Run("refused", func(t *testing.T) {
		inWorld(t, nil, func(t *testing.T, w *world) {
			conn := w.connect(phone, 5222)
			conn.Write(whatsAppHello)
			if _, after, _ := end(conn); after > time.Second {
				t.Errorf("held %v, want at most 1s", after)
			}
			conn.Close()
		})
	})
	t.Run("black-holed", func(t *testing.T) {
		inWorld(t, func(w *world) {
			for _, addr := range []netip.Addr{chatAddr, fallbackAddr} {
				for _, port := range []uint16{5222, 443, 80} {
					w.net.BlackHole(at(addr, port), true)
				}
			}
		}, func(t *testing.T, w *world) {
			conn := w.connect(phone, 5222)
			conn.Write(whatsAppHello)
			if _, after, _ := end(conn); after > 6*time.Second {
				t.Errorf("held %v, want at most 6s", after)
			}
			conn.Close()
		})
	})
}

func TestChatFallsBackToEveryOtherServer(t *testing.T) {
	for _, server := range []netip.AddrPort{at(fallbackAddr, 5222), at(chatAddr, 443), at(fallbackAddr, 443), at(chatAddr, 80), at(fallbackAddr, 80)} {
		t.Run(server.String(), func(t *testing.T) {
			inWorld(t, nil, func(t *testing.T, w *world) {
				got := w.record(server)
				conn := w.connect(phone, 5222)
				conn.Write(whatsAppHello)
				conn.CloseWrite()
				if answer, after, err := end(conn); answer != "answer" || after > time.Second {
					t.Errorf("got %q, %v after %v", answer, err, after)
				}
				conn.Close()
				<-got
			})
		})
	}
}

func TestAServerThatIsBackIsUsedAtOnce(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		for range 5 {
			conn := w.connect(phone, 5222)
			conn.Write(whatsAppHello)
			end(conn)
			conn.Close()
			time.Sleep(15 * time.Second)
		}
		got := w.record(at(chatAddr, 5222))
		conn := w.connect(phone, 5222)
		conn.Write(whatsAppHello)
		conn.CloseWrite()
		if answer, after, err := end(conn); answer != "answer" || after > time.Second {
			t.Errorf("got %q, %v after %v", answer, err, after)
		}
		conn.Close()
		<-got
	})
}

func TestPrivateAnswersOfTheResolverAreNotDialed(t *testing.T) {
	for _, private := range []string{"127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", ownPublic.String()} {
		t.Run(private, func(t *testing.T) {
			addr := netip.MustParseAddr(private)
			inWorld(t, func(w *world) {
				w.hosts.Store("g.whatsapp.net", []netip.Addr{addr})
				w.hosts.Store("g-fallback.whatsapp.net", []netip.Addr{addr})
			}, func(t *testing.T, w *world) {
				conn := w.connect(phone, 5222)
				conn.Write(whatsAppHello)
				end(conn)
				conn.Close()
				for _, port := range []uint16{5222, 443, 80} {
					if n := w.net.Dials(at(addr, port)); n != 0 {
						t.Errorf("%d dials to port %d", n, port)
					}
				}
			})
		})
	}
}

func TestOverTheLimitAConnectionIsClosedAtOnce(t *testing.T) {
	cases := map[string]func(w *world){
		"of the process":  func(w *world) { w.server.Limits.Total = 3 },
		"of one network":  func(w *world) { w.server.Limits.PerNetwork = 3 },
		"of both limits ": func(w *world) { w.server.Limits.Total, w.server.Limits.PerNetwork = 3, 3 },
	}
	for name, change := range cases {
		t.Run(name, func(t *testing.T) {
			inWorld(t, change, func(t *testing.T, w *world) {
				w.echo(at(chatAddr, 5222))
				var held []*memnet.Conn
				for range 3 {
					conn := w.connect(phone, 5222)
					conn.Write(whatsAppHello)
					held = append(held, conn)
				}
				synctest.Wait()
				over := w.connect(phone, 5222)
				if got, after, _ := end(over); got != "" || after > 0 {
					t.Errorf("got %q after %v, want nothing at once", got, after)
				}
				over.Close()
				for _, conn := range held {
					conn.Close()
				}
				synctest.Wait()
				again := w.connect(phone, 5222)
				again.Write(whatsAppHello)
				if _, err := io.ReadFull(again, make([]byte, 4)); err != nil {
					t.Errorf("after the others left: %v", err)
				}
				again.Close()
			})
		})
	}
}

func TestStoppingDrains(t *testing.T) {
	hold := func(t *testing.T, w *world) *memnet.Conn {
		w.echo(at(chatAddr, 5222))
		conn := w.connect(phone, 5222)
		conn.Write(whatsAppHello)
		if _, err := io.ReadFull(conn, make([]byte, 4)); err != nil {
			t.Fatal(err)
		}
		return conn
	}
	t.Run("new connections are refused, open ones go on", func(t *testing.T) {
		inWorld(t, nil, func(t *testing.T, w *world) {
			conn := hold(t, w)
			w.stop()
			synctest.Wait()
			if _, err := w.net.Dial(t.Context(), phone, at(volunteer, 5222)); err == nil {
				t.Error("a new connection was taken")
			}
			time.Sleep(proxy.DefaultDrain - time.Second)
			io.WriteString(conn, "still here")
			if _, err := io.ReadAtLeast(conn, make([]byte, 128), len(whatsAppHello)+10); err != nil {
				t.Errorf("an open connection was cut: %v", err)
			}
			conn.Close()
			<-w.ended
		})
	})
	t.Run("after the drain time the rest is closed", func(t *testing.T) {
		inWorld(t, nil, func(t *testing.T, w *world) {
			conn := hold(t, w)
			began := time.Now()
			w.stop()
			<-w.ended
			if got := time.Since(began); got != proxy.DefaultDrain {
				t.Errorf("stopped after %v, want %v", got, proxy.DefaultDrain)
			}
			conn.Close()
		})
	})
	t.Run("a second signal ends at once", func(t *testing.T) {
		inWorld(t, nil, func(t *testing.T, w *world) {
			conn := hold(t, w)
			began := time.Now()
			w.stop()
			time.Sleep(time.Second)
			w.kill()
			<-w.ended
			if got := time.Since(began); got != time.Second {
				t.Errorf("stopped after %v, want 1s", got)
			}
			conn.Close()
		})
	})
	t.Run("a drain of 0 waits for nobody", func(t *testing.T) {
		inWorld(t, func(w *world) { w.server.Drain = 0 }, func(t *testing.T, w *world) {
			conn := hold(t, w)
			began := time.Now()
			w.stop()
			<-w.ended
			if got := time.Since(began); got > 0 {
				t.Errorf("stopped after %v", got)
			}
			conn.Close()
		})
	})
	t.Run("without connections it ends at once", func(t *testing.T) {
		inWorld(t, nil, func(t *testing.T, w *world) {
			began := time.Now()
			w.stop()
			<-w.ended
			if got := time.Since(began); got > 0 {
				t.Errorf("stopped after %v", got)
			}
		})
	})
}

// tired is a listener whose Accept fails many times first.
type tired struct {
	net.Listener
	failures atomic.Int64
}

func (l *tired) Accept() (net.Conn, error) {
	if l.failures.Add(-1) >= 0 {
		return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
	}
	return l.Listener.Accept()
}

func TestAcceptErrorsBackOffAndNeverEndTheListener(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		inner, err := w.net.Listen("203.0.113.9:9999")
		if err != nil {
			t.Fatal(err)
		}
		l := &tired{Listener: inner}
		l.failures.Store(100)
		second := &proxy.Server{Certificate: w.server.Certificate, Upstream: w.server.Upstream, Site: w.server.Site, Stats: stats.New("test"), Log: w.server.Log}
		done := make(chan struct{})
		go func() {
			second.Run(t.Context(), t.Context(), []proxy.Listener{{Listener: l, Port: w.ports[5222]}})
			close(done)
		}()
		got := w.record(at(chatAddr, 5222))
		began := time.Now()
		conn, err := w.net.Dial(t.Context(), phone, netip.MustParseAddrPort("203.0.113.9:9999"))
		if err != nil {
			t.Fatal(err)
		}
		conn.Write(whatsAppHello)
		conn.CloseWrite()
		if answer, _, err := end(conn); answer != "answer" {
			t.Errorf("got %q, %v", answer, err)
		}
		conn.Close()
		<-got
		if waited := time.Since(began); waited < 4*time.Second || waited > 6*time.Second {
			t.Errorf("100 failures took %v, want about 5s: 50ms each", waited)
		}
		if n := strings.Count(w.logs.String(), "cannot take new connections"); n != 1 {
			t.Errorf("logged %d times in 5s, want once a minute", n)
		}
		inner.Close()
	})
}

func TestACrashEndsOneConnectionAndShowsNoBytes(t *testing.T) {
	for _, number := range []uint16{443, 5222} {
		t.Run(fmt.Sprint(number), func(t *testing.T) {
			inWorld(t, nil, func(t *testing.T, w *world) {
				bad := messenger.Route{Name: "chat", Greeting: func(first []byte) (sniff.Verdict, string) { panic("secret " + string(first)) }}
				port := w.ports[number]
				port.Routes = []proxy.Route{{Messenger: port.Routes[0].Messenger, Route: &bad}}
				conn, err := w.open(phone, number, nil, nil)
				if err != nil {
					t.Fatal(err)
				}
				io.WriteString(conn, "payload")
				end(conn)
				conn.Close()
				synctest.Wait()
				logs := w.logs.String()
				if !strings.Contains(logs, "a connection crashed") || strings.Contains(logs, "payload") || strings.Contains(logs, "secret") {
					t.Errorf("logged %q", logs)
				}
				if n := w.server.Stats.Nobody.Count(stats.Crashed); n != 1 {
					t.Errorf("counted %d crashes, want 1", n)
				}
			})
		})
	}
}

func TestACrashOfTheSitesHandlerShowsNoBytes(t *testing.T) {
	inWorld(t, func(w *world) {
		w.server.Site = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { panic("secret of " + r.URL.Path) })
	}, func(t *testing.T, w *world) {
		conn, err := w.open(phone, 443, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(conn, "GET /payload HTTP/1.1\r\nHost: x\r\n\r\n")
		if got, _, _ := end(conn); got != "" {
			t.Errorf("the stranger got %q", got)
		}
		conn.Close()
		logs := w.logs.String()
		if !strings.Contains(logs, "a connection crashed") || strings.Contains(logs, "payload") || strings.Contains(logs, "secret") {
			t.Errorf("logged %q", logs)
		}
	})
}

func TestAStrangerCannotHoldAPlaceForEver(t *testing.T) {
	for name, sent := range map[string]string{
		"an unread body":      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n",
		"nothing after a GET": "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"an endless header":   "GET / HTTP/1.1\r\nX: " + strings.Repeat("a", 200<<10),
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, nil, func(t *testing.T, w *world) {
				conn, err := w.open(phone, 443, nil, nil)
				if err != nil {
					t.Fatal(err)
				}
				go io.WriteString(conn, sent)
				if _, after, _ := end(conn); after > 3*time.Minute {
					t.Errorf("held for %v", after)
				}
				conn.Close()
			})
		})
	}
}

func TestTheFirstBytesAreCounted(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		got := w.record(at(chatAddr, 5222))
		conn := w.connect(phone, 5222)
		conn.Write(whatsAppHello)
		conn.CloseWrite()
		end(conn)
		conn.Close()
		<-got
		if n := w.server.Stats.Route("whatsapp", "chat").Up.Load(); n != int64(len(whatsAppHello)) {
			t.Errorf("counted %d bytes up, want %d", n, len(whatsAppHello))
		}
	})
}

func TestNoAddressOfAPhoneIsLogged(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		for port := range w.ports {
			for _, sent := range []string{"", "GET / HTTP/1.1\r\n\r\n", string(whatsAppHello), string(tlsHello())} {
				conn := w.connect(phone, port)
				io.WriteString(conn, sent)
				conn.CloseWrite()
				end(conn)
				conn.Close()
			}
		}
		if logs := w.logs.String(); strings.Contains(logs, phone.String()) {
			t.Errorf("the log holds the phone's address:\n%s", logs)
		}
	})
}
