package actor

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// ProgramSetup is a program to run in a place.
type ProgramSetup struct {
	Path string   `json:"path"`
	Args []string `json:"args"`
	Env  []string `json:"env"` // added to this process's
}

// Program is some other program, such as the volunteer's, in a place.
type Program struct{ *Actor }

// StartProgram starts a program in a place. Its standard output and error go to
// at.Output.
func StartProgram(at Place, setup ProgramSetup) (*Program, error) {
	a, err := start("program", at, setup)
	if err != nil {
		return nil, err
	}
	return &Program{a}, nil
}

// Signal sends a signal to the program.
func (p *Program) Signal(signal os.Signal) error { return p.cmd.Process.Signal(signal) }

// Stop asks the program to end (SIGTERM) and waits for it; after killTime it is
// killed.
func (p *Program) Stop() error {
	if err := p.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return p.Close()
}

// playProgram sets up the network and becomes the program.
func playProgram(lines *bufio.Reader) (map[string]handler, func(), error) {
	var setup ProgramSetup
	if err := readSetup(lines, &setup); err != nil {
		return nil, nil, err
	}
	args := append([]string{setup.Path}, setup.Args...)
	var env []string
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, roleVariable+"=") {
			env = append(env, variable)
		}
	}
	err := become(setup.Path, args, append(env, setup.Env...))
	return nil, nil, fmt.Errorf("becoming %s: %w", setup.Path, err)
}
