package lab_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"testing"

	"causeway/admission"
	"causeway/invite"
	"causeway/lab/volunteer"
	"causeway/proxyproto"
	"causeway/web"
)

// guests is who was invited and let in, put together as causeway serve does.
type guests struct {
	book *invite.Book
	list *admission.List
}

func (g *guests) known(path string) bool {
	_, known := g.book.Open(path)
	return known
}

func (g *guests) open(path string, visitor netip.Addr) bool {
	by, known := g.book.Open(path)
	return known && g.list.Admit(visitor, by.ID, by.MostNetworks()) != admission.Refused
}

// site is the built-in web site with the invitation pages on it.
func (g *guests) site(address func(uint16) string) http.Handler {
	at := func(number uint16) netip.AddrPort { return netip.MustParseAddrPort(address(number)) }
	return &web.Invitation{
		Site:  web.SiteBuiltIn([]byte("lab")),
		Known: g.known,
		Open:  g.open,
		Link: func() invite.Link {
			return invite.Link{Host: at(443).Addr().String(), ChatPort: at(443).Port(), MediaPort: at(587).Port(), ChatTLS: true}
		},
	}
}

// invited starts a proxy for guests, and makes an invitation and its address.
func invited(t *testing.T, chat, media string) (v *volunteer.Volunteer, g *guests, one invite.Invitation, page string) {
	t.Helper()
	g = &guests{book: &invite.Book{Dir: t.TempDir()}, list: &admission.List{}}
	if _, err := g.book.Load(); err != nil {
		t.Fatal(err)
	}
	one, err := g.book.New(invite.Draft{})
	if err != nil {
		t.Fatal(err)
	}
	v, err = volunteer.Start(volunteer.Config{
		Chat: chat, Media: media, SendHeader: proxyproto.V1, Admitted: g.list.Admitted, Site: g.site,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	})
	return v, g, one, fmt.Sprintf("https://%s/%s", v.Address(443), one.Path)
}
