package certificate

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

const (
	certName, certMode = "cert.pem", 0o644
	keyName, keyMode   = "key.pem", 0o600
	dirMode            = 0o700
)

// keeper reads, makes and saves one self-signed pair.
type keeper struct {
	dir   string
	hosts []string
	now   time.Time
	write func(name string, data []byte, mode fs.FileMode) error

	warning error
	frozen  bool // something in dir could not be read or moved: overwrite nothing
}

// get returns the pair in dir, or previous, or a new one, in this order. The key
// stays through renewals and changes of host, so it can be pinned. Nothing that
// goes wrong with dir keeps a certificate from being returned.
func (k keeper) get(previous *tls.Certificate) (cert *tls.Certificate, warning, err error) {
	hosts, err := subjects(k.hosts)
	if err != nil {
		return nil, nil, err
	}
	key, cert := k.read()
	if cert != nil && fits(cert.Leaf, hosts, k.now) {
		return cert, k.warning, nil
	}
	stored := key != nil
	if !stored && previous != nil {
		key, _ = previous.PrivateKey.(crypto.Signer)
	}
	if key == nil {
		if key, err = newKey(); err != nil {
			return nil, k.warning, fmt.Errorf("making a key: %w", err)
		}
	}
	cert = previous
	if stored || previous == nil || !fits(previous.Leaf, hosts, k.now) {
		if cert, err = k.signed(key, hosts); err != nil {
			return nil, k.warning, err
		}
	}
	k.save(key, stored, cert)
	return cert, k.warning, nil
}

func (k *keeper) signed(key crypto.Signer, hosts []string) (*tls.Certificate, error) {
	der, err := sign(key, hosts, k.now)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("parsing the certificate just made: %w", err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, nil
}

// read returns the key in dir, and the certificate if it belongs to the key.
// The key counts: a certificate can be made again, what pins the key cannot.
func (k *keeper) read() (crypto.Signer, *tls.Certificate) {
	if k.dir == "" {
		return nil, nil
	}
	keyPEM := k.file(keyName)
	key, err := parseKey(keyPEM)
	if keyPEM != nil && err != nil {
		k.aside(keyName, err)
	}
	if keyPEM != nil {
		k.closeMode()
	}
	certPEM := k.file(certName)
	if certPEM == nil {
		return key, nil
	}
	if key == nil {
		if k.frozen {
			return nil, nil // the key may well be there and belong to it
		}
		k.aside(certName, errors.New("it has no key"))
		return nil, nil
	}
	cert, err := pair(certPEM, keyPEM, certName, keyName)
	if err != nil {
		k.aside(certName, err)
		return key, nil
	}
	return key, cert
}

// file returns nil for a file that is not there or cannot be read.
func (k *keeper) file(name string) []byte {
	b, err := readFile(filepath.Join(k.dir, name))
	if err == nil {
		return append([]byte{}, b...) // an empty file is there, too
	}
	if !errors.Is(err, fs.ErrNotExist) {
		k.frozen = true
		k.warn(fmt.Errorf("reading the stored certificate: %w", err))
	}
	return nil
}

func parseKey(b []byte) (crypto.Signer, error) {
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, errors.New("no PEM block in it")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, errors.New("its key cannot sign")
	}
	return key, nil
}

// aside renames a broken file, so that a new one can take its place.
func (k *keeper) aside(name string, why error) {
	broken := name + ".broken-" + k.now.UTC().Format("20060102T150405Z")
	if err := os.Rename(filepath.Join(k.dir, name), filepath.Join(k.dir, broken)); err != nil {
		k.frozen = true
		k.warn(fmt.Errorf("%s is broken (%w) and could not be set aside: %w", name, why, err))
		return
	}
	k.warn(fmt.Errorf("%s is broken (%w): kept as %s and made anew", name, why, broken))
}

// closeMode takes the key away from other users, whoever opened it to them.
func (k *keeper) closeMode() {
	name := filepath.Join(k.dir, keyName)
	info, err := os.Stat(name)
	if err != nil || runtime.GOOS == "windows" || info.Mode().Perm()&0o077 == 0 {
		return
	}
	if err := os.Chmod(name, keyMode); err != nil {
		k.warn(fmt.Errorf("%s is open to other users of this machine: %w", keyName, err))
		return
	}
	k.warn(fmt.Errorf("%s was open to other users of this machine: closed now", keyName))
}

// save writes the key first: a certificate without its key is worthless, while
// a key without certificate is put right at the next start.
func (k *keeper) save(key crypto.Signer, stored bool, cert *tls.Certificate) {
	if k.dir == "" {
		return
	}
	if k.frozen {
		k.warn(errors.New("serving a certificate that is in memory only"))
		return
	}
	if err := k.saveTo(key, stored, cert); err != nil {
		k.warn(fmt.Errorf("serving a certificate that could not be saved: %w", err))
	}
}

func (k *keeper) saveTo(key crypto.Signer, stored bool, cert *tls.Certificate) error {
	write := k.write
	if write == nil {
		write = writeFile
	}
	if err := os.MkdirAll(k.dir, dirMode); err != nil {
		return err
	}
	if !stored {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			return err
		}
		if err := write(filepath.Join(k.dir, keyName), encode("PRIVATE KEY", der), keyMode); err != nil {
			return err
		}
	}
	return write(filepath.Join(k.dir, certName), encode("CERTIFICATE", cert.Certificate[0]), certMode)
}

func (k *keeper) warn(err error) { k.warning = both(k.warning, err) }

// both is one error of two, any of which may be nil.
func both(first, second error) error {
	if first == nil {
		return second
	}
	if second == nil {
		return first
	}
	return fmt.Errorf("%w; %w", first, second)
}
