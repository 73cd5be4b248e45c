package certificate

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/netip"
	"strings"
	"time"
)

const (
	// RenewBefore is how long before its end a self-signed certificate is renewed.
	RenewBefore = 30 * day

	validity = 365 * day
	day      = 24 * time.Hour

	// A certificate that began in the second in which its port opened would tell
	// scanners what it is, so it begins some days before.
	minAge, maxAge = 2 * day, 20 * day
)

func newKey() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }

// sign makes a certificate that has nothing of the official image's (RSA-4096,
// random name under .net, no SAN, ten years), by which scanners find those.
func sign(key crypto.Signer, hosts []string, now time.Time) (der []byte, err error) {
	age, err := rand.Int(rand.Reader, big.NewInt(int64((maxAge-minAge)/time.Second)))
	if err != nil {
		return nil, fmt.Errorf("drawing a start time: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 128))
	if err != nil {
		return nil, fmt.Errorf("drawing a serial number: %w", err)
	}
	start := now.Add(-minAge - time.Duration(age.Int64())*time.Second)
	template := &x509.Certificate{
		SerialNumber:          serial.Add(serial, big.NewInt(1)), // RFC 5280: positive
		Subject:               pkix.Name{CommonName: commonName(hosts[0])},
		NotBefore:             start,
		NotAfter:              start.Add(validity),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	for _, host := range hosts {
		if ip, err := netip.ParseAddr(host); err == nil {
			template.IPAddresses = append(template.IPAddresses, ip.AsSlice())
			continue
		}
		template.DNSNames = append(template.DNSNames, host)
	}
	der, err = x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("signing the certificate: %w", err)
	}
	return der, nil
}

// subjects returns the hosts as they stand in the certificate: localhost when
// there are none.
func subjects(hosts []string) ([]string, error) {
	if len(hosts) == 0 {
		return []string{"localhost"}, nil
	}
	all := make([]string, len(hosts))
	for i, host := range hosts {
		var err error
		if all[i], err = subject(host); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func subject(host string) (string, error) {
	host = strings.TrimSuffix(host, ".")
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Unmap().WithZone("").String(), nil
	}
	foreign := func(r rune) bool { // before ToLower, which makes k of the Kelvin sign
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '.'
	}
	if host == "" || len(host) > 253 || strings.ContainsFunc(host, foreign) || strings.Contains("."+host+".", "..") {
		return "", fmt.Errorf("host %q: want a name of letters, digits and hyphens, or an IP address", host)
	}
	return strings.ToLower(host), nil
}

// commonName leaves the subject empty where RFC 5280 has no room for the host.
func commonName(host string) string {
	if len(host) > 64 {
		return ""
	}
	return host
}

// fits reports whether a stored certificate can go on being used.
func fits(leaf *x509.Certificate, hosts []string, now time.Time) bool {
	for _, host := range hosts {
		if leaf.VerifyHostname(host) != nil {
			return false
		}
	}
	return leaf.Subject.CommonName == commonName(hosts[0]) && len(leaf.DNSNames)+len(leaf.IPAddresses) == len(hosts) &&
		now.After(leaf.NotBefore) && leaf.NotAfter.Sub(now) > RenewBefore
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
