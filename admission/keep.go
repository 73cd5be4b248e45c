package admission

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"causeway/invite/statefile"
)

const (
	listName = "admissions.json"
	keyName  = "admissions.key"

	version  = 1
	maxBytes = 16 << 20      // of the list; 65,536 networks take about 6 MiB
	maxBy    = 1024          // invitations of one network in the file
	maxID    = 64            // bytes of an invitation's id
	dayForm  = time.DateOnly // in UTC, so that the file tells days and no times
)

// kept is the list as it is in its file.
type kept struct {
	Version  int           `json:"version"`
	Bits4    int           `json:"ipv4_bits"`
	Bits6    int           `json:"ipv6_bits"`
	Networks []keptNetwork `json:"networks"`
}

type keptNetwork struct {
	Hash  string   `json:"hash"`
	Until string   `json:"until"` // the day on which it has expired
	By    []string `json:"by"`
}

// Save keeps the list in dir over a restart: hashes and days, and the key in a
// file beside it. Who takes both files can test for any network whether it is
// in the list, so save only if the volunteer asks for it.
func (l *List) Save(dir string) error {
	l.ready()
	data, err := json.Marshal(l.snapshot())
	if err != nil {
		return fmt.Errorf("saving the admissions: %w", err)
	}
	// The key first: without it the list is worthless, while a key without a
	// list is an empty list.
	for _, file := range []struct {
		name string
		data []byte
	}{{keyName, []byte(hex.EncodeToString(l.key[:]) + "\n")}, {listName, data}} {
		if err := statefile.Write(filepath.Join(dir, file.name), file.data); err != nil {
			return fmt.Errorf("saving the admissions: %w", err)
		}
	}
	return nil
}

// snapshot sorts by hash: in the order of admission, or with times finer than a
// day, the file would tell when someone came.
func (l *List) snapshot() kept {
	l.mu.Lock()
	defer l.mu.Unlock()
	since := l.since()
	l.sweepAfter(0, since)
	all := kept{Version: version, Bits4: orDefault(l.Bits4, DefaultBits4), Bits6: orDefault(l.Bits6, DefaultBits6), Networks: []keptNetwork{}}
	start := l.now().Add(-since)
	for _, n := range l.networks {
		until := start.Add(time.Duration(n.expires.Load()) + 24*time.Hour - 1).UTC()
		one := keptNetwork{Hash: fmt.Sprintf("%016x", n.hash), Until: until.Format(dayForm)}
		for _, by := range n.by {
			one.By = append(one.By, by.id)
		}
		slices.Sort(one.By)
		one.By = one.By[:min(len(one.By), maxBy)]
		all.Networks = append(all.Networks, one)
	}
	slices.SortFunc(all.Networks, func(a, b keptNetwork) int { return strings.Compare(a.Hash, b.Hash) })
	return all
}

// Load reads what Save kept in dir, less what invitations admitted that valid
// does not know. Call it before anything else. The list can be used whatever it
// returns: an error says what was lost, and a broken file is kept aside.
func (l *List) Load(dir string, valid func(invitationID string) bool) error {
	l.ready()
	k, err := loadKey(filepath.Join(dir, keyName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return l.aside(dir, keyName, err)
	}
	l.key = k
	data, err := statefile.Read(filepath.Join(dir, listName), maxBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return l.aside(dir, listName, err)
	}
	all, err := parse(data)
	if err != nil {
		return l.aside(dir, listName, err)
	}
	if all.Bits4 != orDefault(l.Bits4, DefaultBits4) || all.Bits6 != orDefault(l.Bits6, DefaultBits6) {
		return fmt.Errorf("the kept admissions are for networks /%d and /%d, so none of them counts", all.Bits4, all.Bits6)
	}
	l.restore(all, valid)
	return nil
}

func (l *List) restore(all kept, valid func(string) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now, wall := l.since(), l.now()
	for _, one := range all.Networks {
		hash, until := one.parsed()
		left := min(until.Sub(wall), l.lifetime())
		if left <= 0 {
			continue
		}
		for _, id := range one.By {
			if valid(id) && l.grants < l.max() {
				l.grant(hash, id, now+left)
			}
		}
	}
}

func (l *List) aside(dir, name string, why error) error {
	kept, err := statefile.Aside(filepath.Join(dir, name), l.now())
	if err != nil {
		return fmt.Errorf("nobody is admitted yet: %s is broken (%w) and could not be set aside: %w", name, why, err)
	}
	return fmt.Errorf("nobody is admitted yet: %s is broken (%w), kept as %s", name, why, kept)
}

// Forget removes what Save has kept in dir.
func Forget(dir string) error {
	return errors.Join(
		statefile.Remove(filepath.Join(dir, keyName)),
		statefile.Remove(filepath.Join(dir, listName)))
}

func loadKey(name string) (k key, err error) {
	data, err := statefile.Read(name, 2*int64(len(k))+2)
	if err != nil {
		return k, err
	}
	raw, err := hex.DecodeString(string(bytes.TrimSpace(data)))
	if err != nil || len(raw) != len(k) {
		return k, fmt.Errorf("want %d hex digits", 2*len(k))
	}
	return key(raw), nil
}

// parse holds a file to exactly what Save writes.
func parse(data []byte) (kept, error) {
	var all kept
	read := json.NewDecoder(bytes.NewReader(data))
	read.DisallowUnknownFields()
	if err := read.Decode(&all); err != nil {
		return kept{}, err
	}
	if _, err := read.Token(); err != io.EOF {
		return kept{}, errors.New("more than one JSON object")
	}
	if all.Version != version {
		return kept{}, fmt.Errorf("version %d: want %d", all.Version, version)
	}
	if len(all.Networks) > MaxNetworks {
		return kept{}, fmt.Errorf("%d networks: want at most %d", len(all.Networks), MaxNetworks)
	}
	last := ""
	for i, one := range all.Networks {
		if err := one.check(last); err != nil {
			return kept{}, fmt.Errorf("network %d: %w", i+1, err)
		}
		last = one.Hash
	}
	return all, nil
}

func (n keptNetwork) check(last string) error {
	if raw, err := hex.DecodeString(n.Hash); err != nil || len(raw) != 8 || strings.ToLower(n.Hash) != n.Hash {
		return errors.New("its hash is not 16 hex digits in lower case")
	}
	if n.Hash <= last {
		return errors.New("its hash is out of order")
	}
	if _, err := time.Parse(dayForm, n.Until); err != nil {
		return errors.New("its day is not written as 2006-01-02")
	}
	if len(n.By) == 0 || len(n.By) > maxBy || !slices.IsSorted(n.By) || len(slices.Compact(slices.Clone(n.By))) != len(n.By) {
		return fmt.Errorf("want 1 to %d invitations in order", maxBy)
	}
	if slices.ContainsFunc(n.By, func(id string) bool { return id == "" || len(id) > maxID }) {
		return fmt.Errorf("want ids of 1 to %d bytes", maxID)
	}
	return nil
}

// parsed returns what check has found to be right.
func (n keptNetwork) parsed() (hash uint64, until time.Time) {
	hash, _ = strconv.ParseUint(n.Hash, 16, 64)
	until, _ = time.Parse(dayForm, n.Until)
	return hash, until
}
