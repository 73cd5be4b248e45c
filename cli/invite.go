package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"causeway/invite"
	"causeway/system"
)

// inviteOptions are the flags that all commands of invite have.
type inviteOptions struct {
	state string
	host  string
	port  uint16
}

func newInvite() *cobra.Command {
	options := &inviteOptions{}
	cmd := &cobra.Command{
		Use:   "invite",
		Short: "Make, list and revoke invitations",
		Long: "An invitation is a link to a page on the proxy's own web site. Whoever opens it is\n" +
			"let in with their network, and is shown how to set up the app. Works while\n" +
			"causeway serve runs and while it does not; everything is made on this machine.",
		Example: "  causeway invite new --label family --people 5 --expires 30d\n" +
			"  causeway invite list\n" +
			"  causeway invite show family --qr png --out family.png\n" +
			"  causeway invite show family --text\n" +
			"  causeway invite revoke family",
		Args: cobra.ArbitraryArgs, // for an error of our own with exit code 2
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return hint(usagef("unknown command %q", "invite "+args[0]), "causeway invite --help")
		},
	}
	f := cmd.PersistentFlags()
	f.SortFlags = false
	f.StringVar(&options.state, "state", "", "state folder of causeway serve (default "+system.StateDir()+")")
	f.StringVar(&options.host, "host", "", "name or IPv4 address for the link (default: as causeway serve has it)")
	f.Uint16Var(&options.port, "port", 0, "port for the link (default: as causeway serve has it, else 443)")
	cmd.AddCommand(newInviteNew(options), newInviteList(options), newInviteShow(options), newInviteRevoke(options))
	return cmd
}

func newInviteNew(options *inviteOptions) *cobra.Command {
	draft, expires, form := invite.Draft{}, "", &inviteForm{}
	cmd := &cobra.Command{
		Use:   "new",
		Short: "Make an invitation and show its link",
		Long: "Makes an invitation and shows its link and QR code. The label stays on this\n" +
			"machine, for you to know it by; whoever takes the machine can read it.\n" +
			"An invitation for N people lets in the networks of N people at a time. One that\n" +
			"expires lets in nobody new from then on; to end what it has let in, revoke it.",
		Example: "  causeway invite new\n  causeway invite new --label family --people 5 --expires 30d",
		Args:    atMost(0),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if draft.For, err = parseExpires(expires); err != nil {
				return err
			}
			if err := form.check(cmd.OutOrStdout()); err != nil {
				return err
			}
			return options.with(cmd, changes, func(ctx context.Context, d desk) error {
				at, err := options.place(ctx, d)
				if err != nil {
					return err
				}
				made, err := d.New(ctx, draft)
				if err != nil {
					return err
				}
				return form.write(cmd.OutOrStdout(), cmd.ErrOrStderr(), shared{made, at}, true)
			})
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&draft.Label, "label", "", "what you call it; best nothing that tells a stranger who it is for")
	f.IntVar(&draft.People, "people", 0, "about how many people it is for (default: no limit)")
	f.StringVar(&expires, "expires", "", "how long it lets people in: 12h, 30d, 8w (default: until revoked)")
	form.register(f)
	return cmd
}

func newInviteShow(options *inviteOptions) *cobra.Command {
	form := &inviteForm{}
	cmd := &cobra.Command{
		Use:     "show ID | LABEL",
		Short:   "Show an invitation again: link, QR code, text",
		Example: "  causeway invite show k7m2\n  causeway invite show family --qr svg --out family.svg\n  causeway invite show family --text",
		Args:    exactlyOne("which invitation?", "causeway invite list"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := form.check(cmd.OutOrStdout()); err != nil {
				return err
			}
			return options.with(cmd, reads, func(ctx context.Context, d desk) error {
				found, err := d.Find(ctx, args[0])
				if err != nil {
					return err
				}
				if found.Revoked {
					return hint(fmt.Errorf("invitation %s is revoked: it has no link any more", found.ID), "causeway invite new")
				}
				at, err := options.place(ctx, d)
				if err != nil {
					return err
				}
				return form.write(cmd.OutOrStdout(), cmd.ErrOrStderr(), shared{found, at}, false)
			})
		},
	}
	form.register(cmd.Flags())
	return cmd
}

func newInviteList(options *inviteOptions) *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the invitations and how many networks they let in",
		Long: "Lists the invitations. Networks are counted, not people, and every count is\n" +
			"rounded up to a multiple of 8.",
		Example: "  causeway invite list\n  causeway invite list --json",
		Args:    atMost(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return options.with(cmd, reads, func(ctx context.Context, d desk) error {
				all, err := d.List(ctx)
				if err != nil {
					return err
				}
				if !asJSON {
					return writeList(cmd.OutOrStdout(), all, time.Now())
				}
				at, err := options.place(ctx, d)
				if err != nil && !errors.Is(err, errNowhere) {
					return err
				}
				return writeListJSON(cmd.OutOrStdout(), all, at)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON array, with the links")
	return cmd
}

func newInviteRevoke(options *inviteOptions) *cobra.Command {
	return &cobra.Command{
		Use:   "revoke ID | LABEL",
		Short: "End an invitation and all that it has let in",
		Long: "Ends an invitation. Its link leads nowhere from now on, and new connections from\n" +
			"networks that only it has let in meet the web site.",
		Example: "  causeway invite revoke k7m2\n  causeway invite revoke family",
		Args:    exactlyOne("which invitation?", "causeway invite list"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return options.with(cmd, changes, func(ctx context.Context, d desk) error {
				gone, err := d.Revoke(ctx, args[0])
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "Invitation %s is revoked.\n", title(gone))
				return err
			})
		},
	}
}

// exactlyOne takes one argument; without it, it says what to try.
func exactlyOne(question, try string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return hint(usagef("%s: %s", cmd.CommandPath(), question), "%s", try)
		}
		return atMost(1)(cmd, args)
	}
}

// parseExpires reads 12h, 30d or 8w; "" is 0.
func parseExpires(s string) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	units := map[string]time.Duration{"h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour}
	number := strings.TrimRight(s, "hdw")
	n, err := strconv.ParseUint(number, 10, 16)
	unit, known := units[s[len(number):]]
	if err != nil || !known || n == 0 {
		return 0, hint(usagef("--expires %q: want a number of hours, days or weeks", s), "--expires 30d")
	}
	return time.Duration(n) * unit, nil
}
