package cli

import (
	"log/slog"
	"net/netip"
	"testing"

	"causeway/admission"
	"causeway/invite"
)

func TestReadingTheInvitationsAgainEndsWhatWasRevoked(t *testing.T) {
	dir := t.TempDir()
	g := &guests{book: &invite.Book{Dir: dir}, list: &admission.List{}, dir: dir, log: slog.New(slog.DiscardHandler)}
	if err := g.load(); err != nil {
		t.Fatal(err)
	}
	made, err := g.book.New(invite.Draft{Label: "family"})
	if err != nil {
		t.Fatal(err)
	}
	visitor := netip.MustParseAddr("198.51.100.7")
	if !g.open(made.Path, visitor) || !g.list.Admitted(visitor) {
		t.Fatal("the visitor is not let in")
	}
	elsewhere := &invite.Book{Dir: dir} // another process changes the file
	if _, err := elsewhere.Load(); err != nil {
		t.Fatal(err)
	}
	if _, err := elsewhere.Revoke("family"); err != nil {
		t.Fatal(err)
	}
	g.reload()
	if g.list.Admitted(visitor) || g.open(made.Path, visitor) {
		t.Error("the visitor is still let in")
	}
}
