package cli

import (
	"bytes"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"causeway/system"
)

// The addresses that must be found nowhere: of a socket, and from PROXY headers.
var secrets = []netip.Addr{
	netip.MustParseAddr("127.77.66.55"),
	netip.MustParseAddr("198.51.100.213"),
	netip.MustParseAddr("2001:db8:77:1::abcd"),
}

// leaks lists where addr stands in b: as text, hexadecimal or raw bytes.
func leaks(b []byte, addr netip.Addr) []string {
	raw := addr.AsSlice()
	reversed := bytes.Clone(raw)
	for i := range raw {
		reversed[len(raw)-1-i] = raw[i]
	}
	lower := bytes.ToLower(b)
	var found []string
	for form, needle := range map[string][]byte{
		"text":         []byte(addr.String()),
		"long text":    []byte(addr.StringExpanded()),
		"raw bytes":    raw,
		"hex":          []byte(hex.EncodeToString(raw)),
		"reversed hex": []byte(hex.EncodeToString(reversed)),
	} {
		if bytes.Contains(lower, needle) || bytes.Contains(b, needle) {
			found = append(found, form)
		}
	}
	return found
}

func TestTheSearchFindsAnAddressThatIsThere(t *testing.T) {
	for _, addr := range secrets {
		for _, planted := range []string{"from " + addr.String() + ":40000", "0x" + hex.EncodeToString(addr.AsSlice()), strings.ToUpper(addr.String()), string(addr.AsSlice())} {
			if len(leaks([]byte(planted), addr)) == 0 {
				t.Errorf("%v is not found in %q", addr, planted)
			}
		}
	}
}

func TestAPhonesAddressIsFoundNowhere(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux lets a test call from any address of 127.0.0.0/8")
	}
	dir := t.TempDir()
	v := startVolunteer(t, dir)
	v.callFromEverywhere(t)
	places := map[string][]byte{"metrics": v.metrics(t)}

	// It is made to crash with connections open and their addresses in memory.
	v.cmd.Process.Signal(syscall.SIGABRT)
	v.cmd.Wait()
	places["output, and what a crash prints"] = v.output.Bytes()
	if strings.Contains(v.output.String(), "goroutine ") {
		t.Errorf("a crash prints stacks:\n%s", v.output.String())
	}
	state := filepath.Join(dir, "state")
	err := filepath.WalkDir(state, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		places[name], err = os.ReadFile(name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(places) < 4 || !strings.Contains(v.output.String(), "level=INFO") {
		t.Fatalf("too little to search: %d places, output %q", len(places), v.output.String())
	}
	for place, content := range places {
		for _, addr := range secrets {
			for _, form := range leaks(content, addr) {
				t.Errorf("%v stands as %s in %s:\n%s", addr, form, place, content)
			}
		}
	}
}

func TestNoSignalMakesItPrintStacks(t *testing.T) {
	for _, signal := range system.StackSignals() {
		v := startVolunteer(t, t.TempDir())
		v.cmd.Process.Signal(signal)
		if err := v.cmd.Wait(); err != nil {
			t.Errorf("%v: %v", signal, err)
		}
		if strings.Contains(v.output.String(), "goroutine ") {
			t.Errorf("%v prints stacks:\n%s", signal, v.output.String())
		}
	}
}

func TestAnOutputThatNobodyReadsIsNoReasonToStop(t *testing.T) {
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	v := startVolunteerTo(t, t.TempDir(), writer)
	reader.Close()
	writer.Close()
	v.cmd.Process.Signal(syscall.SIGHUP) // which is answered by a line of log
	if err := v.carries(); err != nil {
		t.Error(err)
	}
	v.cmd.Process.Signal(syscall.SIGTERM)
	if err := v.cmd.Wait(); err != nil {
		t.Errorf("it did not end cleanly: %v", err)
	}
}

// volunteer is a running causeway serve.
type volunteer struct {
	cmd                     *exec.Cmd
	output                  bytes.Buffer
	tls, plain, header, adm string // ports
}

// startVolunteer starts causeway serve beside a stand-in for the messengers'
// servers, behind the command of prefix if one is given.
func startVolunteer(t *testing.T, dir string, prefix ...string) *volunteer {
	return startVolunteerTo(t, dir, nil, prefix...)
}

// startVolunteerTo is the same with the output going to a file, if not nil.
func startVolunteerTo(t *testing.T, dir string, output *os.File, prefix ...string) *volunteer {
	standin := exec.Command("standin")
	standin.Env = append(os.Environ(), "STANDIN="+dir+"/standin")
	if err := standin.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		standin.Process.Kill()
		standin.Wait()
	})
	if err := until(func() error { _, err := os.Stat(dir + "/standin"); return err }); err != nil {
		t.Fatal(err)
	}
	v := &volunteer{}
	for _, port := range []*string{&v.tls, &v.plain, &v.header, &v.adm} {
		var err error
		if *port, err = freePort(); err != nil {
			t.Fatal(err)
		}
	}
	command := append(prefix, "causeway", "serve", "--listen", "127.0.0.1", "--state", dir+"/state", "--log-level", "debug",
		"--ports", fmt.Sprintf("%s:443,%s:5222,%s:8222", v.tls, v.plain, v.header),
		"--trust-proxy", "127.0.0.1", "--admin", "127.0.0.1:"+v.adm)
	v.cmd = exec.Command(command[0], command[1:]...)
	v.cmd.Env = append(os.Environ(), "STANDIN="+dir+"/standin", "GOTRACEBACK=")
	v.cmd.Stdout, v.cmd.Stderr = &v.output, &v.output
	if output != nil {
		v.cmd.Stdout, v.cmd.Stderr = output, output
	}
	if err := v.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.cmd.Process.Kill() })
	if err := until(func() error {
		c, err := net.Dial("tcp", "127.0.0.1:"+v.tls)
		if err == nil {
			c.Close()
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return v
}

// callFromEverywhere makes every kind of connection, good and bad, and leaves
// some of them open.
func (v *volunteer) callFromEverywhere(t *testing.T) {
	odd := &net.Dialer{LocalAddr: &net.TCPAddr{IP: secrets[0].AsSlice()}}
	greeting := "WA\x06\x03 and more"
	for _, port := range []string{v.tls, v.plain, v.header} {
		for _, sent := range []string{greeting, "", "GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01garbage", strings.Repeat("x", 2000)} {
			c, err := odd.Dial("tcp", "127.0.0.1:"+port)
			if err != nil {
				continue // reset before it was noticed to be open
			}
			io.WriteString(c, sent)
			c.(*net.TCPConn).SetLinger(0)
			c.Close()
		}
	}
	for _, sent := range []string{greeting, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\r\n\r\n", "PRI * HTTP/2.0\r\n\r\n"} {
		raw, err := odd.Dial("tcp", "127.0.0.1:"+v.tls)
		if err != nil {
			t.Fatal(err)
		}
		c := tls.Client(raw, &tls.Config{InsecureSkipVerify: true})
		io.WriteString(c, sent)
		raw.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		io.ReadAll(c)
		t.Cleanup(func() { raw.Close() })
	}
	for _, header := range []string{
		"PROXY TCP4 198.51.100.213 203.0.113.9 40000 443\r\n",
		"PROXY TCP6 2001:db8:77:1::abcd 2001:db8::9 40000 443\r\n",
		"PROXY TCP4 198.51.100.213 203.0.113.9 99999 443\r\n",
		"PROXY TCP6 198.51.100.213 2001:db8:77:1::abcd 1 2\r\n",
	} {
		c, err := net.Dial("tcp", "127.0.0.1:"+v.header)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(c, header+greeting)
		t.Cleanup(func() { c.Close() })
	}
	if err := until(func() error {
		if n := strings.Count(string(v.metrics(t)), `causeway_connections_current{messenger="whatsapp",route="chat"} 3`); n != 1 {
			return fmt.Errorf("the connections to be left open are not there yet")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func (v *volunteer) metrics(t *testing.T) []byte {
	response, err := http.Get("http://127.0.0.1:" + v.adm + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return body
}
