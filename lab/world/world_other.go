//go:build !linux

package world

import (
	"fmt"
	"os/exec"

	"causeway/lab/actor"
)

// World is a network that this system cannot make.
type World struct{}

func separate(*exec.Cmd) error {
	return fmt.Errorf("%w: this system is not Linux", ErrForbidden)
}

// New returns ErrForbidden.
func New() (*World, error) { return nil, ErrForbidden }

// Close does nothing.
func (w *World) Close() error { return nil }

// Place returns the machine's own network.
func (w *World) Place(string) actor.Place { return actor.Place{} }

// Block returns ErrForbidden.
func (w *World) Block(...string) error { return ErrForbidden }
