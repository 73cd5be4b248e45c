package system

import (
	"os"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Memory returns how many bytes this process may use: those of the machine, or
// of its control group where that has fewer. 0 means that it is not known.
func Memory() uint64 {
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) != nil {
		return 0
	}
	most := uint64(info.Totalram) * uint64(info.Unit)
	group, _ := os.ReadFile("/proc/self/cgroup")
	for _, file := range memoryFiles(string(group)) {
		if limit, ok := readLimit(file); ok {
			most = min(most, limit)
		}
	}
	return most
}

// memoryFiles lists the files with the limits of a process's control groups, as
// /proc/PID/cgroup names these: version 2 with all groups above, or version 1.
func memoryFiles(group string) []string {
	var files []string
	for line := range strings.Lines(group) {
		_, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
		controllers, dir, _ := strings.Cut(rest, ":")
		if controllers == "memory" {
			files = append(files, path.Join("/sys/fs/cgroup/memory", dir, "memory.limit_in_bytes"), "/sys/fs/cgroup/memory/memory.limit_in_bytes")
		}
		if controllers != "" || !strings.HasPrefix(dir, "/") {
			continue
		}
		for ; dir != "/"; dir = path.Dir(dir) {
			files = append(files, path.Join("/sys/fs/cgroup", dir, "memory.max"))
		}
		files = append(files, "/sys/fs/cgroup/memory.max")
	}
	return files
}

// readLimit reads a number of bytes; "max", and a file that is not there, say
// that there is no limit.
func readLimit(file string) (uint64, bool) {
	b, err := os.ReadFile(file)
	if err != nil {
		return 0, false
	}
	limit, err := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64)
	return limit, err == nil
}
