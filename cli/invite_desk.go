package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"causeway/control"
	"causeway/invite"
	"causeway/system"
)

// desk is where invitations are asked for: at the running proxy, or here.
type desk interface {
	Status(context.Context) (control.Status, error)
	New(context.Context, invite.Draft) (control.Entry, error)
	List(context.Context) ([]control.Entry, error)
	Find(ctx context.Context, name string) (control.Entry, error)
	Revoke(ctx context.Context, name string) (control.Entry, error)
}

const reads, changes = false, true

// place is where the proxy is, as far as is known.
type place struct {
	address invite.Address
	access  string      // of the running proxy; "": none runs
	link    invite.Link // of the running proxy, for the app
}

// with finds the desk and the address and turns what goes wrong into advice.
func (o *inviteOptions) with(cmd *cobra.Command, change bool, do func(context.Context, desk) error) error {
	ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if o.state == "" {
		o.state = system.StateDir()
	}
	if o.state == "" {
		return hint(usagef("this user has no home for a state folder"), "--state DIR")
	}
	d, release, err := o.desk(ctx, change, cmd.ErrOrStderr())
	if err == nil {
		defer release()
		err = do(ctx, d)
	}
	switch {
	case ctx.Err() != nil:
		return &exitError{exitInterrupted}
	case errors.Is(err, invite.ErrUnknown):
		return hint(err, "causeway invite list")
	case errors.Is(err, invite.ErrInvalid):
		return hint(&usageError{err}, "causeway invite new --help")
	case errors.Is(err, control.ErrRunning):
		return hint(err, "again in a moment; or stop the other one")
	case errors.Is(err, fs.ErrPermission):
		return hint(err, "run it as the user that causeway serve runs as, or give its folder with --state")
	}
	return err
}

// desk reaches the running proxy, or works on the files itself while none runs
// and, for a change, keeps one from starting meanwhile.
func (o *inviteOptions) desk(ctx context.Context, change bool, stderr io.Writer) (d desk, release func(), err error) {
	client, err := control.Dial(ctx, o.state)
	if err == nil {
		return client, func() {}, nil
	}
	if !errors.Is(err, control.ErrNotRunning) {
		return nil, nil, err
	}
	release = func() {}
	if change {
		release, err = control.Hold(ctx, o.state)
		if errors.Is(err, control.ErrRunning) { // has it started just now?
			if client, again := control.Dial(ctx, o.state); again == nil {
				return client, func() {}, nil
			}
		}
		if err != nil {
			return nil, nil, err
		}
	}
	book := &invite.Book{Dir: o.state}
	warning, err := book.Load()
	if err != nil {
		release()
		return nil, nil, err
	}
	if warning != nil {
		fmt.Fprintf(stderr, "note: %v\n", warning)
	}
	return &control.Desk{Book: book}, release, nil
}

// place is what the flags say, else the running proxy, else what the last one
// left; errNowhere if none of them says anything.
func (o *inviteOptions) place(ctx context.Context, d desk) (place, error) {
	status, err := d.Status(ctx)
	if err != nil {
		return place{}, err
	}
	at := place{status.Address, status.Access, status.Link}
	if at.access == "" {
		at.address, err = invite.LoadAddress(o.state)
	}
	if err != nil && o.host == "" {
		return place{}, hint(err, "start causeway serve, or give --host")
	}
	if at.address == (invite.Address{}) && o.host == "" {
		return place{}, hint(errNowhere, "--host NAME or --host IP, or start causeway serve first")
	}
	host := cmp.Or(o.host, at.address.Host)
	port := cmp.Or(o.port, at.address.Port, invite.DefaultChatPort)
	if at.address, err = invite.NewAddress(host, port); err != nil {
		return place{}, &usageError{fmt.Errorf("--host: %w", err)}
	}
	return at, nil
}

var errNowhere = errors.New("where this proxy is reached is not known yet, so there is no link")
