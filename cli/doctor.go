package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"causeway/doctor"
)

func newDoctor() *cobra.Command {
	here, asJSON := &serveOptions{}, false
	cmd := &cobra.Command{
		Use:   "doctor [HOST | LINK]",
		Short: "Check this machine, or a proxy from outside",
		Long: "Without an argument, checks whether this machine can help: ports, limits, names,\n" +
			"and whether it reaches WhatsApp, proven by the key that WhatsApp's servers hold.\n" +
			"With a host or a wa.me/proxy link, checks that proxy as a phone would use it:\n" +
			"chat and media separately, and what a stranger sees there.\n\n" +
			"Exit code: 0 all well, 1 a warning, 2 broken (or wrong arguments).",
		Example: "  causeway doctor\n" +
			"  causeway doctor proxy.example\n" +
			"  causeway doctor 'https://wa.me/proxy?host=proxy.example&chatPort=8443&mediaPort=8587&chatTLS=true'\n" +
			"  causeway doctor proxy.example --json",
		Args: atMost(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			check, err := checker(here, args)
			if err != nil {
				return err
			}
			return printChecks(ctx, check, asJSON, cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.BoolVar(&asJSON, "json", false, "print one JSON object")
	here.register(f)
	return cmd
}

// checker is what to run: the checks of this machine, or of a proxy.
func checker(here *serveOptions, args []string) (checks, error) {
	if len(args) == 1 {
		target, err := doctor.ParseTarget(args[0])
		if err != nil {
			return nil, hint(&usageError{err}, "causeway doctor proxy.example, an IPv4 address, or a whole wa.me/proxy link in quotes")
		}
		return doctor.Remote{Target: target}.Run, nil
	}
	p, err := here.check()
	if err != nil {
		return nil, err
	}
	local := doctor.Local{
		Messengers: p.carry,
		Ports:      p.open,
		Address:    p.listen,
		CertFile:   p.cert,
		Built:      built(),
	}
	if p.admin != "off" {
		local.Admin = p.admin
	}
	if p.cert == "" {
		local.CertFile = filepath.Join(p.state, "cert.pem")
	}
	return local.Run, nil
}

// checks is a run of doctor's checks, of this machine or of a proxy.
type checks func(context.Context, func(doctor.Check)) doctor.Report

// printChecks runs the checks; lines appear as they are found, JSON at the end.
func printChecks(ctx context.Context, check checks, asJSON bool, stdout io.Writer) error {
	var report doctor.Report
	if asJSON {
		report = check(ctx, nil)
		if err := report.WriteJSON(stdout); err != nil {
			return fmt.Errorf("writing the report: %w", err)
		}
	} else {
		color := colors(stdout)
		report = check(ctx, func(c doctor.Check) { doctor.WriteLine(stdout, c, color) })
	}
	if ctx.Err() != nil {
		return &exitError{exitInterrupted}
	}
	if code := report.ExitCode(); code != exitOK {
		return &exitError{code}
	}
	return nil
}

// built is when this program was built, for judging the clock: the time of its
// file, which no clock was right before.
func built() time.Time {
	name, err := os.Executable()
	if err != nil {
		return time.Time{}
	}
	info, err := os.Stat(name)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}
