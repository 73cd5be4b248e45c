package control

import (
	"context"

	"causeway/invite"
)

// Status is what a running proxy says of itself.
type Status struct {
	Version string         `json:"version"`
	Access  string         `json:"access"` // open or invited
	Address invite.Address `json:"address,omitzero"`
	Link    invite.Link    `json:"link,omitzero"` // what the app is given
}

// Entry is an invitation, and what is known of it now.
type Entry struct {
	invite.Invitation
	Networks *int `json:"networks,omitempty"` // admitted now, rounded up; nil while no proxy runs
}

// Desk is where invitations are asked for, in this process or over the socket.
type Desk struct {
	Book     *invite.Book
	Networks func(id string) int // admitted now; nil: no proxy runs here
	Revoked  func(id string)     // removes what the invitation admitted; nil: nothing to do
	Running  func() Status       // nil: the zero Status
}

// Status says how the proxy runs.
func (d *Desk) Status(context.Context) (Status, error) {
	if d.Running == nil {
		return Status{}, nil
	}
	return d.Running(), nil
}

// New makes an invitation.
func (d *Desk) New(_ context.Context, draft invite.Draft) (Entry, error) {
	return d.entry(d.Book.New(draft))
}

// Find returns the invitation with this id or label.
func (d *Desk) Find(_ context.Context, name string) (Entry, error) {
	return d.entry(d.Book.Find(name))
}

// Revoke ends an invitation and what it admitted.
func (d *Desk) Revoke(_ context.Context, name string) (Entry, error) {
	revoked, err := d.Book.Revoke(name)
	if err == nil && d.Revoked != nil {
		d.Revoked(revoked.ID)
	}
	return d.entry(revoked, err)
}

// List returns all invitations, oldest first.
func (d *Desk) List(context.Context) ([]Entry, error) {
	var all []Entry
	for _, one := range d.Book.List() {
		entry, _ := d.entry(one, nil)
		all = append(all, entry)
	}
	return all, nil
}

func (d *Desk) entry(one invite.Invitation, err error) (Entry, error) {
	if err != nil {
		return Entry{}, err
	}
	entry := Entry{Invitation: one}
	if d.Networks != nil {
		entry.Networks = new(invite.Rounded(d.Networks(one.ID)))
	}
	return entry, nil
}
