// Package certificate keeps the certificate that the proxy shows to apps and
// strangers: the volunteer's own files, an ordinary one that a CA gives by ACME, or
// a self-signed one; the last two renew themselves.
package certificate

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"os"
)

// maxFile bounds a PEM file, in bytes; real chains stay under 20 KiB.
const maxFile = 1 << 20

// Load reads a certificate chain and its key from two PEM files. An expired one
// is loaded all the same: apps take it, and showing it beats showing nothing.
func Load(certFile, keyFile string) (*tls.Certificate, error) {
	certPEM, err := readFile(certFile)
	if err != nil {
		return nil, fmt.Errorf("reading the certificate: %w", err)
	}
	keyPEM, err := readFile(keyFile)
	if err != nil {
		return nil, fmt.Errorf("reading the key: %w", err)
	}
	return pair(certPEM, keyPEM, certFile, keyFile)
}

func pair(certPEM, keyPEM []byte, certFile, keyFile string) (*tls.Certificate, error) {
	cert, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, fmt.Errorf("pairing %s with %s: %w", certFile, keyFile, err)
	}
	if cert.Leaf == nil { // as under GODEBUG=x509keypairleaf=0
		if cert.Leaf, err = x509.ParseCertificate(cert.Certificate[0]); err != nil {
			return nil, fmt.Errorf("parsing %s: %w", certFile, err)
		}
	}
	return &cert, nil
}

func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxFile {
		return nil, fmt.Errorf("%s: over %d bytes", name, maxFile)
	}
	return b, nil
}
