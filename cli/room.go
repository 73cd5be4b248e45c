package cli

import (
	"fmt"
	"log/slog"
	"math"
	"os"
	"runtime/debug"

	"causeway/system"
)

const (
	// reservedFiles are descriptors for what is no connection yet: 64 attempts
	// to reach a server, name look-ups, listeners, state and figures.
	reservedFiles = 128

	// filesEach and memoryEach are what a connection takes: both its sockets,
	// and (measured, TLS at rest) 23 KiB here and 9 KiB in the kernel, with as
	// much again for those that are busy.
	filesEach  = 2
	memoryEach = 64 << 10 // bytes

	// fewConnections is where a volunteer should know that more people could be
	// helped: some 200 phones.
	fewConnections = 1000
)

// room is how many connections fit, and what sets the limit.
type room struct {
	connections int
	why         string
}

// room raises the limits that this process may raise, and says what fits.
func (p *plan) room(log *slog.Logger) room {
	files, err := system.RaiseFileLimit()
	if err != nil {
		log.Warn("cannot raise the file descriptor limit", "err", err)
	}
	memory := system.Memory()
	if memory > 0 && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(int64(min(memory, math.MaxInt64) / 10 * 9))
	}
	return fit(files, memory, p.maxConnections)
}

// fit counts the connections that fit into so many descriptors and so many
// bytes of memory (0: not known), and no more than most (0: no limit).
func fit(files, memory uint64, most int) room {
	reserved := min(reservedFiles, files/2)
	r := room{int(min((files-reserved)/filesEach, math.MaxInt32)), fmt.Sprintf("%d file descriptors", files)}
	if inMemory := memory / memoryEach; memory > 0 && inMemory < uint64(r.connections) {
		r = room{int(inMemory), fmt.Sprintf("%d MiB of memory", memory>>20)}
	}
	if most > 0 && most < r.connections {
		r = room{most, "--max-connections"}
	}
	return r
}

// harden keeps what passes through memory from reaching a disk or a screen: no
// core dumps, and no stack traces, whose arguments can hold an address.
func harden(log *slog.Logger) {
	if err := system.QuietCrashes(); err != nil {
		log.Warn("a crash may print stacks", "err", err)
	}
	if err := system.NoCoreDumps(); err != nil {
		log.Warn("core dumps could not be turned off", "err", err)
	}
}

// warn says what the volunteer should know even when nothing else is printed.
func (p *plan) warn(log *slog.Logger, fits room) {
	if p.allowPrivate {
		log.Warn("--allow-private-upstreams is on: names may lead into private networks; for tests only")
	}
	if fits.connections < fewConnections && fits.connections != p.maxConnections {
		log.Warn("there is room for few people; raise the limit to help more", "connections", fits.connections, "limit", fits.why)
	}
	if p.quiet && len(p.closed) > 0 {
		log.Warn("ports that take PROXY headers stay closed: --trust-proxy names nobody who may send them", "ports", portList(p.closed))
	}
}
