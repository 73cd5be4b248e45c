package invite

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	// MaxInvitations is how many a book holds.
	MaxInvitations = 1000

	// NetworksPerPerson is how many networks a person may come from at a time:
	// home and mobile, over IPv4 and IPv6, and a carrier moves a phone around.
	NetworksPerPerson = 8

	maxPeople  = 100_000
	maxLabel   = 60 // characters
	minExpires = time.Hour
	maxExpires = 10 * 365 * 24 * time.Hour
	rounding   = 8 // as Tor rounds its counts of users
)

// ErrUnknown says that no invitation has this id or label.
var ErrUnknown = errors.New("no such invitation")

// ErrInvalid says that an invitation cannot be as it was wished for.
var ErrInvalid = errors.New("cannot be")

// Invitation lets people in who open its page on the proxy's own web site.
type Invitation struct {
	ID      string    `json:"id"`              // short, for commands
	Path    string    `json:"path,omitempty"`  // the secret, without a leading slash; forgotten once revoked
	Label   string    `json:"label,omitempty"` // the volunteer's own note
	People  int       `json:"people,omitempty"`
	Created time.Time `json:"created"`          // the hour
	Expires time.Time `json:"expires,omitzero"` // nobody new from then on; zero: never
	Revoked bool      `json:"revoked,omitempty"`
	Opened  int       `json:"opened,omitempty"` // networks admitted in all, rounded up by Rounded
}

// Open says whether the invitation lets anyone in at that time.
func (i Invitation) Open(now time.Time) bool { return !i.Revoked && !i.expired(now) }

func (i Invitation) expired(now time.Time) bool { return !i.Expires.IsZero() && !now.Before(i.Expires) }

// MostNetworks is how many networks may be admitted at a time; 0: no limit.
func (i Invitation) MostNetworks() int { return i.People * NetworksPerPerson }

// Rounded rounds a count of networks up to a multiple of 8, as everything is
// that counts people; 0 stays 0.
func Rounded(n int) int { return (n + rounding - 1) / rounding * rounding }

// Draft is what a volunteer says about a new invitation.
type Draft struct {
	Label  string        `json:"label,omitempty"`
	People int           `json:"people,omitempty"` // 0: no limit
	For    time.Duration `json:"for,omitempty"`    // how long it lets people in; 0: until revoked
}

func (d Draft) check() error {
	invalid := func(format string, args ...any) error {
		return &invalidError{fmt.Sprintf(format, args...)}
	}
	switch {
	case !utf8.ValidString(d.Label) || utf8.RuneCountInString(d.Label) > maxLabel:
		return invalid("a label has at most %d characters", maxLabel)
	case strings.ContainsFunc(d.Label, func(r rune) bool { return !unicode.IsPrint(r) && !joins(r) }):
		return invalid("a label has only characters that can be printed")
	case strings.TrimSpace(d.Label) != d.Label:
		return invalid("a label begins and ends with no space")
	case d.People < 0 || d.People > maxPeople:
		return invalid("%d people: want 0 (no limit) to %d", d.People, maxPeople)
	case d.For != 0 && d.For < minExpires || d.For > maxExpires:
		return invalid("an invitation lasts an hour to ten years")
	}
	return nil
}

// joins reports the two marks inside words that Persian and Indic scripts need
// and that count as not printable.
func joins(r rune) bool { return r == '\u200c' || r == '\u200d' }

// invalidError is an ErrInvalid with its reason.
type invalidError struct{ reason string }

func (e *invalidError) Error() string { return e.reason }
func (e *invalidError) Unwrap() error { return ErrInvalid }

// invitation fills in what the volunteer does not choose. Times are by the
// hour: a stolen file should not tell when exactly someone was thought of.
func (d Draft) invitation(id string, now time.Time) Invitation {
	made := Invitation{ID: id, Path: newPath(), Label: d.Label, People: d.People, Created: now.UTC().Truncate(time.Hour)}
	if d.For != 0 {
		made.Expires = now.UTC().Add(d.For + time.Hour - 1).Truncate(time.Hour)
	}
	return made
}
