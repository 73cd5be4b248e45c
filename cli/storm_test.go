package cli

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// carries says whether a phone gets through on the volunteer's TLS port.
func (v *volunteer) carries() error {
	raw, err := net.Dial("tcp", "127.0.0.1:"+v.tls)
	if err != nil {
		return err
	}
	defer raw.Close()
	raw.SetDeadline(time.Now().Add(patience))
	c := tls.Client(raw, &tls.Config{InsecureSkipVerify: true})
	if _, err := io.WriteString(c, "WA\x06\x03hello"); err != nil {
		return err
	}
	c.CloseWrite()
	answer, err := io.ReadAll(c)
	if err == nil && !strings.HasSuffix(string(answer), "hello") {
		err = fmt.Errorf("got %q", answer)
	}
	return err
}

func (v *volunteer) descriptors(t *testing.T) int {
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", v.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	return len(open)
}

func TestAfterAStormEveryDescriptorIsBack(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells a process's descriptors")
	}
	v := startVolunteer(t, t.TempDir())
	if err := v.carries(); err != nil {
		t.Fatal(err)
	}
	calm := v.descriptors(t)
	var held []net.Conn
	for i := range 600 {
		port := []string{v.tls, v.plain, v.header}[i%3]
		c, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err != nil {
			continue // reset before it was noticed to be open
		}
		io.WriteString(c, []string{"", "\x16\x03\x01\x02\x00\x01", "WA\x06\x03", "PROXY UNKNOWN\r\nWA\x06\x03", "x"}[i%5])
		if i%6 == 0 { // a handshake, or a greeting, that does not go on
			held = append(held, c)
			continue
		}
		c.(*net.TCPConn).SetLinger(0)
		c.Close()
	}
	if err := v.carries(); err != nil {
		t.Errorf("in the storm a phone does not get through: %v", err)
	}
	for _, c := range held {
		c.Close()
	}
	if err := until(func() error {
		if now := v.descriptors(t); now > calm {
			return fmt.Errorf("%d descriptors after the storm, %d before", now, calm)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	v.cmd.Process.Signal(syscall.SIGTERM)
	if err := v.cmd.Wait(); err != nil {
		t.Errorf("it did not end cleanly: %v", err)
	}
}

func TestOutOfDescriptorsItServesOnAndRecovers(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells a process's descriptors")
	}
	if _, err := exec.LookPath("prlimit"); err != nil {
		t.Skip("prlimit (Debian: util-linux) is missing")
	}
	v := startVolunteer(t, t.TempDir(), "prlimit", "--nofile=200:200")
	var held []net.Conn
	refused := 0
	for range 150 {
		c, err := net.Dial("tcp", "127.0.0.1:"+v.plain)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(c, "WA\x06\x03")
		c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		if _, err := c.Read(make([]byte, 1)); err != nil && !os.IsTimeout(err) {
			refused++
		}
		held = append(held, c)
	}
	if refused < 90 || refused > 110 {
		t.Errorf("%d of 150 were closed at once, want 100: 200 descriptors have room for 50", refused)
	}
	for _, c := range held {
		c.Close()
	}
	if err := until(v.carries); err != nil {
		t.Errorf("it did not recover: %v", err)
	}
}
