package system

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestMemoryOfThisMachine(t *testing.T) {
	if got := Memory(); got < 16<<20 || got > 1<<50 {
		t.Errorf("got %d bytes", got)
	}
}

func TestMemoryFilesOfControlGroups(t *testing.T) {
	cases := []struct {
		name, group string
		want        []string
	}{
		{"version 2, with the groups above", "0::/system.slice/causeway.service\n",
			[]string{"/sys/fs/cgroup/system.slice/causeway.service/memory.max", "/sys/fs/cgroup/system.slice/memory.max", "/sys/fs/cgroup/memory.max"}},
		{"version 2, in a container", "0::/\n", []string{"/sys/fs/cgroup/memory.max"}},
		{"version 1", "5:memory:/docker/ab\n3:cpu,cpuacct:/docker/ab\n",
			[]string{"/sys/fs/cgroup/memory/docker/ab/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}},
		{"none", "", nil},
		{"garbage", "::..\nx", nil},
	}
	for _, c := range cases {
		if got := memoryFiles(c.group); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestReadLimit(t *testing.T) {
	for content, want := range map[string]uint64{"536870912\n": 512 << 20, "max\n": 0, "": 0, "-1": 0} {
		file := filepath.Join(t.TempDir(), "memory.max")
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, ok := readLimit(file); got != want || ok != (want > 0) {
			t.Errorf("%q: got %d, %v, want %d", content, got, ok, want)
		}
	}
	if _, ok := readLimit(filepath.Join(t.TempDir(), "none")); ok {
		t.Error("a file that is not there gave a limit")
	}
}
