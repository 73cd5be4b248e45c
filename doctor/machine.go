package doctor

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"causeway/system"
)

// Fewer descriptors than this leave room for fewer than about 100 people, who
// hold about 5 connections each; one connection takes 2 descriptors.
const fewDescriptors = 1024

func (l Local) descriptors(context.Context) []Check {
	const name = "open files"
	read := l.Descriptors
	if read == nil {
		read = system.RaiseFileLimit
	}
	limit, err := read()
	if err != nil {
		return []Check{{name, Skipped, "this system does not say how many files may be open", ""}}
	}
	room := fmt.Sprintf("at most %d, room for about %d connections", limit, limit/2)
	if limit < fewDescriptors {
		return []Check{{name, Warning, room, "raise the limit: LimitNOFILE=131072 in a systemd unit, ulimit -n in a shell"}}
	}
	return []Check{{name, OK, room, ""}}
}

// soon is when a certificate that is still there has missed its renewal.
const soon = 7 * day

// certificate looks at the file that serve would show to apps. Only WhatsApp's
// app takes any certificate.
func (l Local) certificate(context.Context) []Check {
	const name = "certificate"
	leaf, err := readCertificate(l.CertFile)
	if errors.Is(err, fs.ErrNotExist) {
		return []Check{{name, OK, "none yet: serve makes a self-signed one, which WhatsApp accepts and Signal does not", ""}}
	}
	if err != nil {
		return []Check{{name, Broken, "the file cannot be used: " + err.Error(),
			"see that this user can read it and that it is a certificate in PEM form"}}
	}
	left := leaf.NotAfter.Sub(l.now())
	form := "signed by an authority"
	if isSelfSigned(leaf) {
		form = "self-signed, which WhatsApp accepts and Signal does not"
	}
	switch {
	case left < 0:
		return []Check{{name, Broken, "out of date since " + date(leaf.NotAfter) + "; " + form, "renew it"}}
	case left < soon:
		return []Check{{name, Warning, daysLeft(leaf, l.now()) + "; " + form, "see why it was not renewed"}}
	}
	return []Check{{name, OK, daysLeft(leaf, l.now()) + "; " + form, ""}}
}

// maxCertFile bounds a certificate file, in bytes.
const maxCertFile = 1 << 20

// readCertificate returns the first certificate of a PEM file. Errors do not
// name the file.
func readCertificate(file string) (*x509.Certificate, error) {
	if file == "" {
		return nil, fs.ErrNotExist
	}
	info, err := os.Stat(file)
	if err != nil {
		return nil, plainPathError(err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxCertFile {
		return nil, errors.New("not a file of the usual size")
	}
	rest, err := os.ReadFile(file)
	if err != nil {
		return nil, plainPathError(err)
	}
	for {
		var block *pem.Block
		block, rest = pem.Decode(rest)
		if block == nil {
			return nil, errors.New("no certificate in it")
		}
		if block.Type == "CERTIFICATE" {
			return x509.ParseCertificate(block.Bytes)
		}
	}
}

func plainPathError(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

const day = 24 * time.Hour

func daysLeft(c *x509.Certificate, now time.Time) string {
	return fmt.Sprintf("%d days left", int(c.NotAfter.Sub(now)/day))
}
