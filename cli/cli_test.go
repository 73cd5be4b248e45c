package cli

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// patience is how long a script waits for a program that it started.
const patience = 20 * time.Second

// TestMain lets scripts run the real program, with the messengers' servers
// played by a stand-in: no test reaches a real one.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"causeway": func() { os.Exit(standIns().run(context.Background(), os.Args[1:], os.Stdout, os.Stderr)) },
		"standin":  standin,
	})
}

// standIns sends every dial to the script's stand-in, whose address is in the
// file $STANDIN; without one the name service is down.
func standIns() world {
	address, err := os.ReadFile(os.Getenv("STANDIN"))
	return world{
		lookup: func(_ context.Context, host string) ([]netip.Addr, error) {
			if err != nil {
				return nil, &net.DNSError{Err: "server misbehaving", Name: host, IsTemporary: true}
			}
			return []netip.Addr{netip.MustParseAddr("57.144.1.1")}, nil
		},
		dialAddr: func(ctx context.Context, _ netip.AddrPort) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", string(address))
		},
	}
}

// standin answers every connection with what arrived, once that ends.
func standin() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err == nil {
		err = os.WriteFile(os.Getenv("STANDIN"), []byte(l.Addr().String()), 0o600)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for {
		c, err := l.Accept()
		if err != nil {
			os.Exit(1)
		}
		go func() {
			defer c.Close()
			got, _ := io.ReadAll(c)
			c.Write(got)
		}()
	}
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("STANDIN", env.WorkDir+"/standin.address")
			env.Setenv("XDG_STATE_HOME", env.WorkDir+"/xdg")
			for i := 1; i <= 4; i++ {
				port, err := freePort()
				if err != nil {
					return err
				}
				env.Setenv(fmt.Sprintf("PORT%d", i), port)
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"await": await,
			"get":   get,
			"say":   say,
			"names": names,
			"wrong": wrong,
		},
	})
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}

// await waits until a file is there or a port is open: await file NAME, await port N.
func await(ts *testscript.TestScript, _ bool, args []string) {
	ready := func() error {
		_, err := os.Stat(ts.MkAbs(args[1]))
		return err
	}
	if args[0] == "port" {
		ready = func() error {
			c, err := net.Dial("tcp", "127.0.0.1:"+args[1])
			if err == nil {
				c.Close()
			}
			return err
		}
	}
	ts.Check(until(ready))
}

func until(ready func() error) error {
	end := time.After(patience)
	every := time.NewTicker(20 * time.Millisecond)
	defer every.Stop()
	for {
		err := ready()
		if err == nil {
			return nil
		}
		select {
		case <-every.C:
		case <-end:
			return fmt.Errorf("not within %v: %w", patience, err)
		}
	}
}

// get prints what a URL answers, any certificate taken: get URL [Host header].
// It waits for a 200, unless negated: then it wants any other code.
func get(ts *testscript.TestScript, neg bool, args []string) {
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}
	ask := func() error {
		request, err := http.NewRequest(http.MethodGet, args[0], nil)
		ts.Check(err)
		if len(args) > 1 {
			request.Host = args[1]
		}
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			return err
		}
		if (response.StatusCode == http.StatusOK) == neg {
			return errors.New(response.Status)
		}
		fmt.Fprintf(ts.Stdout(), "%s\n%s", response.Status, body)
		return nil
	}
	ts.Check(until(ask))
}

// say sends text to a port and prints what comes back: say plain|tls PORT TEXT.
// The text knows Go's escapes.
func say(ts *testscript.TestScript, _ bool, args []string) {
	var conn net.Conn
	conn, err := net.Dial("tcp", "127.0.0.1:"+args[1])
	ts.Check(err)
	defer conn.Close()
	ts.Check(conn.SetDeadline(time.Now().Add(patience)))
	if args[0] == "tls" {
		conn = tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
	}
	text := strings.NewReplacer(`\r`, "\r", `\n`, "\n", `\x06`, "\x06", `\x03`, "\x03", `\x16`, "\x16", `\x01`, "\x01").Replace(args[2])
	_, err = io.WriteString(conn, text)
	ts.Check(err)
	conn.(interface{ CloseWrite() error }).CloseWrite()
	got, err := io.ReadAll(conn)
	if err != nil && len(got) == 0 {
		got = []byte("closed")
	}
	fmt.Fprintf(ts.Stdout(), "%q\n", bytes.TrimSpace(got))
}

// names prints for whom the certificate of a TLS port is made: names PORT.
func names(ts *testscript.TestScript, _ bool, args []string) {
	conn, err := tls.Dial("tcp", "127.0.0.1:"+args[0], &tls.Config{InsecureSkipVerify: true})
	ts.Check(err)
	defer conn.Close()
	leaf := conn.ConnectionState().PeerCertificates[0]
	var all []string
	for _, ip := range leaf.IPAddresses {
		all = append(all, ip.String())
	}
	all = append(all, leaf.DNSNames...)
	fmt.Fprintln(ts.Stdout(), strings.Join(all, " "))
}

// wrong runs causeway with arguments that it must refuse, with exit code 2.
func wrong(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec("causeway", args...)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitUnusual {
		ts.Fatalf("causeway %s: got %v, want exit code %d", strings.Join(args, " "), err, exitUnusual)
	}
}
