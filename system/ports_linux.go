package system

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// maxTable bounds what is read of one table in /proc, in bytes: 100,000 sockets.
const maxTable = 16 << 20

// PortHolder returns the process that listens on a TCP port in this network
// namespace. It is not ok when nobody does, and when the process is another
// user's, which only root may look into.
func PortHolder(port uint16) (name string, pid int, ok bool) {
	return portHolder("/proc", port)
}

func portHolder(proc string, port uint16) (name string, pid int, ok bool) {
	sockets := map[string]bool{}
	for _, table := range []string{"tcp", "tcp6"} {
		listening(filepath.Join(proc, "net", table), port, sockets)
	}
	if len(sockets) == 0 {
		return "", 0, false
	}
	processes, err := os.ReadDir(proc)
	if err != nil {
		return "", 0, false
	}
	for _, p := range processes {
		pid, err := strconv.Atoi(p.Name())
		if err != nil || !holds(filepath.Join(proc, p.Name(), "fd"), sockets) {
			continue
		}
		comm, err := os.ReadFile(filepath.Join(proc, p.Name(), "comm"))
		if err != nil {
			continue // it has ended
		}
		return strings.TrimSpace(string(comm)), pid, true
	}
	return "", 0, false
}

// listening adds the sockets that listen on port, as their links under /proc
// read. Its columns are those of proc_pid_net(5).
func listening(table string, port uint16, sockets map[string]bool) {
	const localAddress, state, inode, columns, listen = 1, 3, 9, 10, "0A"
	f, err := os.Open(table)
	if err != nil {
		return // a kernel without IPv6 has no tcp6
	}
	defer f.Close()
	suffix := fmt.Sprintf(":%04X", port)
	lines := bufio.NewScanner(io.LimitReader(f, maxTable))
	for lines.Scan() {
		field := strings.Fields(lines.Text())
		if len(field) >= columns && field[state] == listen && strings.HasSuffix(field[localAddress], suffix) {
			sockets["socket:["+field[inode]+"]"] = true
		}
	}
}

func holds(fds string, sockets map[string]bool) bool {
	entries, err := os.ReadDir(fds)
	if err != nil {
		return false
	}
	for _, e := range entries {
		if link, err := os.Readlink(filepath.Join(fds, e.Name())); err == nil && sockets[link] {
			return true
		}
	}
	return false
}
