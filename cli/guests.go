package cli

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"causeway/admission"
	"causeway/control"
	"causeway/invite"
)

// guests is who was invited, and whose networks are in.
type guests struct {
	book *invite.Book
	list *admission.List
	dir  string
	keep bool // admissions over a restart
	must bool // --access invited: without invitations nobody gets in
	log  *slog.Logger

	private sync.Once // has been said
}

// welcome reads who was invited and answers causeway invite until hangUp.
func (p *plan) welcome(ctx context.Context, log *slog.Logger) (g *guests, hangUp func(), err error) {
	list := &admission.List{Bits4: p.admitPrefix[0], Bits6: p.admitPrefix[1], For: p.admitFor}
	g = &guests{book: &invite.Book{Dir: p.state}, list: list, dir: p.state, keep: p.keepAdmissions, must: p.access == accessInvited, log: log}
	address := p.pageAddress()
	host, _ := p.linkHost()
	link, _ := p.link(host)
	if hangUp, err = g.answer(ctx, func() control.Status {
		return control.Status{Version: version, Access: p.access, Address: address, Link: link}
	}); err != nil {
		return nil, nil, err
	}
	if address == (invite.Address{}) {
		return g, hangUp, nil
	}
	if err := invite.SaveAddress(p.state, address); err != nil {
		log.Warn("causeway invite will have to be told the address", "err", err)
	}
	return g, hangUp, nil
}

// pageAddress is where people open invitations: the host, and the port on which
// the web site is. The zero value if there is no telling.
func (p *plan) pageAddress() invite.Address {
	host, _ := p.linkHost()
	chat := p.bestPort("chat")
	if chat == nil || !chat.TLS {
		return invite.Address{}
	}
	address, err := invite.NewAddress(host, chat.Listen)
	if err != nil {
		return invite.Address{}
	}
	return address
}

// reload reads the invitations again.
func (g *guests) reload() {
	warning, err := g.book.Load()
	if warning = cmp.Or(warning, err); warning != nil {
		g.log.Warn("about the invitations", "warning", warning)
	}
	for _, one := range g.book.List() {
		if one.Revoked {
			g.list.Revoke(one.ID)
		}
	}
}

// open lets a visitor's network in by the invitation of a path.
func (g *guests) open(path string, visitor netip.Addr) bool {
	by, known := g.book.Open(path)
	if !known {
		return false
	}
	if visitor.IsPrivate() || visitor.IsLoopback() {
		g.private.Do(func() {
			g.log.Warn("an invitation was opened from a private address; behind a NAT or a container bridge all visitors look like one, and all are let in")
		})
	}
	outcome := g.list.Admit(visitor, by.ID, by.MostNetworks())
	if outcome == admission.Added {
		g.book.Count(by.ID)
	}
	return outcome != admission.Refused
}

// known says whether a path is that of an invitation that holds.
func (g *guests) known(path string) bool {
	_, known := g.book.Open(path)
	return known
}

// load reads what is kept. Invitations that cannot be read stop a start that
// lets in nobody else.
func (g *guests) load() error {
	warning, err := g.book.Load()
	if err != nil && g.must {
		return hint(err, "look into the state folder, or give another with --state")
	}
	if warning = cmp.Or(warning, err); warning != nil {
		g.log.Warn("about the invitations", "warning", warning)
	}
	if !g.keep {
		err = admission.Forget(g.dir)
	} else {
		err = g.list.Load(g.dir, func(id string) bool { i, err := g.book.Find(id); return err == nil && !i.Revoked })
	}
	if err != nil {
		g.log.Warn("about the admissions", "warning", err)
	}
	return nil
}

// tend keeps counts and admissions once an hour and at the end.
func (g *guests) tend(stop context.Context) {
	hourly := time.NewTicker(time.Hour)
	defer hourly.Stop()
	for stop.Err() == nil {
		select {
		case <-hourly.C:
		case <-stop.Done():
		}
		g.list.Sweep()
		err := g.book.Flush()
		if g.keep {
			err = errors.Join(err, g.list.Save(g.dir))
		}
		if err != nil {
			g.log.Warn("about the state folder", "err", err)
		}
	}
}

// answer answers causeway invite until the returned function is called.
func (g *guests) answer(ctx context.Context, status func() control.Status) (func(), error) {
	listener, err := control.Listen(ctx, g.dir)
	if errors.Is(err, control.ErrRunning) {
		return nil, hint(err, "stop it, or give this one a folder of its own with --state")
	}
	if err != nil {
		g.log.Warn("causeway invite does not reach this proxy, and can change nothing while it runs", "err", err)
		release, err := control.Hold(ctx, g.dir)
		if errors.Is(err, control.ErrRunning) {
			return nil, hint(err, "stop it, or give this one a folder of its own with --state")
		}
		if err != nil {
			release = func() {}
		}
		return sync.OnceFunc(release), g.load()
	}
	if err := g.load(); err != nil {
		listener.Close()
		return nil, err
	}
	desk := &control.Desk{Book: g.book, Networks: g.list.Networks, Revoked: g.list.Revoke, Running: status}
	server := desk.Server(g.log)
	var serving sync.WaitGroup
	serving.Go(func() { server.Serve(listener) })
	return sync.OnceFunc(func() { closeServer(server); serving.Wait() }), nil
}
