package cli

import "testing"

func TestWhatFits(t *testing.T) {
	cases := []struct {
		name          string
		files, memory uint64
		most          int
		want          room
	}{
		{"an ordinary limit", 20_000, 24 << 30, 0, room{9936, "20000 file descriptors"}},
		{"memory not known", 20_000, 0, 0, room{9936, "20000 file descriptors"}},
		{"few descriptors", 256, 1 << 30, 0, room{64, "256 file descriptors"}},
		{"very few descriptors", 64, 1 << 30, 0, room{16, "64 file descriptors"}},
		{"a small machine with a large limit", 1 << 20, 512 << 20, 0, room{8192, "512 MiB of memory"}},
		{"the volunteer's own limit", 20_000, 0, 100, room{100, "--max-connections"}},
		{"the volunteer's own limit is beyond", 256, 0, 100, room{64, "256 file descriptors"}},
		{"no limit at all", 1<<63 - 1, 0, 0, room{1<<31 - 1, "9223372036854775807 file descriptors"}},
	}
	for _, c := range cases {
		if got := fit(c.files, c.memory, c.most); got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}
