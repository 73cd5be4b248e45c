package invite

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"causeway/invite/statefile"
)

const lockTime = 5 * time.Second // that another process may hold the file

// Book is a volunteer's invitations, kept in the state folder. It may be used
// from several goroutines, and by several processes at a time: every change
// reads the file anew, under a lock. Load it first.
type Book struct {
	Dir string           // the state folder
	Now func() time.Time // nil: the clock

	writing sync.Mutex // one change at a time; readers go on meanwhile

	mu     sync.RWMutex
	all    []Invitation // as in the file, oldest first
	pages  map[[sha256.Size]byte]int
	key    []byte         // of the hashes in pages
	before map[string]int // Opened of each invitation when first read
	since  map[string]int // networks admitted since; at most one entry an invitation
}

// New makes an invitation and keeps it. Its error is ErrInvalid where the draft
// is at fault.
func (b *Book) New(d Draft) (Invitation, error) {
	if err := d.check(); err != nil {
		return Invitation{}, err
	}
	var made Invitation
	return made, b.change("keeping the new invitation", func(all []Invitation) ([]Invitation, error) {
		now := b.now()
		named := func(name string) bool {
			i := find(all, name)
			return i >= 0 && !all[i].Revoked
		}
		if d.Label != "" && named(d.Label) {
			return nil, &invalidError{fmt.Sprintf("there is an invitation %q already", d.Label)}
		}
		if len(all) >= MaxInvitations {
			oldest := slices.IndexFunc(all, func(i Invitation) bool { return !i.Open(now) })
			if oldest < 0 {
				return nil, &invalidError{fmt.Sprintf("there are %d invitations already; revoke some", MaxInvitations)}
			}
			all = slices.Delete(all, oldest, oldest+1)
		}
		id := newID(func(id string) bool { return id == d.Label || find(all, id) >= 0 })
		made = d.invitation(id, now)
		return append(all, made), nil
	})
}

// Revoke ends an invitation, found by id or label. Its path is forgotten.
// Revoking it again changes nothing. What it admitted is to be removed from the
// list of admissions.
func (b *Book) Revoke(name string) (Invitation, error) {
	var revoked Invitation
	return revoked, b.change("revoking the invitation", func(all []Invitation) ([]Invitation, error) {
		i := find(all, name)
		if i < 0 {
			return nil, unknown(name)
		}
		all[i].Revoked, all[i].Path = true, ""
		revoked = all[i]
		return all, nil
	})
}

// List returns all invitations, oldest first.
func (b *Book) List() []Invitation {
	b.mu.RLock()
	defer b.mu.RUnlock()
	all := slices.Clone(b.all)
	b.count(all)
	return all
}

// Find returns the invitation with this id or label, else ErrUnknown.
func (b *Book) Find(name string) (Invitation, error) {
	all := b.List()
	i := find(all, name)
	if i < 0 {
		return Invitation{}, unknown(name)
	}
	return all[i], nil
}

// Open returns the invitation whose page has this path, with or without a
// leading slash, in letters of any case, and whether it lets people in now. The
// time that takes says nothing about the paths there are.
func (b *Book) Open(path string) (Invitation, bool) {
	path = strings.ToLower(strings.Trim(path, "/"))
	if len(path) == 0 || len(path) > maxPath {
		return Invitation{}, false
	}
	b.mu.RLock()
	defer b.mu.RUnlock()
	i, known := b.pages[b.page(path)]
	if !known || !b.all[i].Open(b.now()) {
		return Invitation{}, false
	}
	return b.all[i], true
}

// Count notes that an invitation has admitted one network more. Flush keeps it.
func (b *Book) Count(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if slices.ContainsFunc(b.all, func(i Invitation) bool { return i.ID == id }) {
		b.since[id]++
	}
}

// Flush keeps the counts, if they round to others. Call it once an hour and at
// the end, not more often: the time of the file would tell when someone came.
func (b *Book) Flush() error {
	if !b.unsaved() {
		return nil
	}
	return b.change("keeping the counts", func(all []Invitation) ([]Invitation, error) { return all, nil })
}

func (b *Book) unsaved() bool {
	b.mu.RLock()
	defer b.mu.RUnlock()
	counted := slices.Clone(b.all)
	b.count(counted)
	return !slices.Equal(counted, b.all)
}

// change reads the file, changes it and writes it back, while no other process
// does. When that fails nothing has changed.
func (b *Book) change(what string, change func([]Invitation) ([]Invitation, error)) error {
	b.writing.Lock()
	defer b.writing.Unlock()
	unlock, err := b.lock()
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	defer unlock()
	all, err := b.read()
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	b.adopt(all)
	if all, err = change(b.List()); err != nil {
		return err
	}
	if err := b.write(all); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	b.adopt(all)
	return nil
}

// lock keeps other processes from the file.
func (b *Book) lock() (unlock func(), err error) {
	ctx, cancel := context.WithTimeout(context.Background(), lockTime)
	defer cancel()
	return statefile.Lock(ctx, filepath.Join(b.Dir, lockName))
}

// adopt makes all what this process knows.
func (b *Book) adopt(all []Invitation) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.key == nil {
		b.key = make([]byte, sha256.Size)
		rand.Read(b.key) // never fails
		b.before, b.since = map[string]int{}, map[string]int{}
	}
	b.all, b.pages = all, map[[sha256.Size]byte]int{}
	known := map[string]bool{}
	for i, one := range all {
		known[one.ID] = true
		if _, seen := b.before[one.ID]; !seen {
			b.before[one.ID] = one.Opened
		}
		if one.Path != "" {
			b.pages[b.page(one.Path)] = i
		}
	}
	for id := range b.before {
		if !known[id] {
			delete(b.before, id)
			delete(b.since, id)
		}
	}
}

// count fills in how many networks were admitted. It counts from what the file
// said at first: rounding up at each writing would add up.
func (b *Book) count(all []Invitation) {
	for i := range all {
		all[i].Opened = max(all[i].Opened, Rounded(b.before[all[i].ID]+b.since[all[i].ID]))
	}
}

// page is the keyed hash under which a path is looked up, so that the time of
// the look-up depends on nothing that a stranger knows.
func (b *Book) page(path string) [sha256.Size]byte {
	mac := hmac.New(sha256.New, b.key)
	mac.Write([]byte(path))
	return [sha256.Size]byte(mac.Sum(nil))
}

func (b *Book) now() time.Time {
	if b.Now == nil {
		return time.Now()
	}
	return b.Now()
}

// find looks for an id, then for the label of one that is not revoked, then for
// the latest of that label.
func find(all []Invitation, name string) int {
	last := -1
	for i, one := range all {
		switch {
		case strings.EqualFold(one.ID, name):
			return i
		case one.Label == "" || one.Label != name:
		case last < 0 || all[last].Revoked:
			last = i
		}
	}
	return last
}

func unknown(name string) error { return fmt.Errorf("%q: %w", name, ErrUnknown) }
