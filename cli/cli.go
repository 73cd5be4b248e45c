// Package cli is the command line: one file per command, and one way to say
// what went wrong and what to try next.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime"

	"github.com/spf13/cobra"
)

// version is set when a release is built.
var version = "dev"

// Exit codes, the same for every command.
const (
	exitOK          = 0
	exitFailed      = 1   // doctor: a warning
	exitUnusual     = 2   // wrong arguments; doctor: something is broken
	exitInterrupted = 130 // Ctrl-C, as shells count it
)

// Main runs the program and returns its exit code.
func Main(args []string) int {
	return world{}.run(context.Background(), args, os.Stdout, os.Stderr)
}

// world is what the commands reach outside this machine; nil is the real one.
type world struct {
	lookup   func(ctx context.Context, host string) ([]netip.Addr, error)
	dialAddr func(ctx context.Context, addr netip.AddrPort) (net.Conn, error)
}

func (w world) run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRoot(w)
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	var done *exitError
	if errors.As(err, &done) {
		return done.code
	}
	fmt.Fprintf(stderr, "causeway: %v\n", err)
	var hinted *hintError
	if errors.As(err, &hinted) {
		fmt.Fprintf(stderr, "  try: %s\n", hinted.hint)
	}
	var usage *usageError
	if errors.As(err, &usage) {
		return exitUnusual
	}
	return exitFailed
}

func newRoot(w world) *cobra.Command {
	root := &cobra.Command{
		Use:   "causeway",
		Short: "Keeps WhatsApp and Signal reachable where they are blocked",
		Long: "Causeway keeps WhatsApp and Signal reachable where they are blocked. A volunteer\n" +
			"runs it on any machine with a public address; people in the block point the\n" +
			"official app at it. Messages stay end-to-end encrypted.",
		Example:       "  causeway serve                 run a proxy on this machine\n  causeway doctor                is this machine fit to help?\n  causeway doctor proxy.example  does that proxy really work?",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.ArbitraryArgs, // for an error of our own with exit code 2
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return hint(usagef("unknown command %q", args[0]), "%s", suggestion(cmd, args[0]))
		},
	}
	root.SuggestionsMinimumDistance = 2
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return hint(&usageError{err}, "%s --help", cmd.CommandPath())
	})
	root.AddCommand(newServe(w), newInvite(), newDoctor(), newVersion())
	return root
}

// suggestion is the command that was probably meant.
func suggestion(root *cobra.Command, typed string) string {
	if meant := root.SuggestionsFor(typed); len(meant) > 0 {
		return "causeway " + meant[0]
	}
	return "causeway --help"
}

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print which build this is",
		Args:  atMost(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "causeway %s %s %s/%s\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}

// atMost takes so many arguments and no more.
func atMost(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) <= n {
			return nil
		}
		return hint(usagef("%s: do not know what to do with %q", cmd.CommandPath(), args[n]), "%s --help", cmd.CommandPath())
	}
}

// usageError is the caller's mistake, exit code 2.
type usageError struct{ error }

func (e *usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// hintError says on the next line what to try.
type hintError struct {
	error
	hint string
}

func (e *hintError) Unwrap() error { return e.error }

func hint(err error, format string, args ...any) error {
	return &hintError{err, fmt.Sprintf(format, args...)}
}

// exitError ends with a code; everything has been said already.
type exitError struct{ code int }

func (e *exitError) Error() string { return fmt.Sprintf("exit code %d", e.code) }
