package doctor

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"regexp"
	"strings"
)

// kind is what a proxy's certificate looks like from outside.
type kind int

const (
	verifies   kind = iota
	selfSigned      // signed by its own key
	official        // as the official image makes it
	outdated        // would verify at another time
	otherName       // from a known authority, for another name
	unknownCA
)

// kindOf sorts a certificate. Only the order matters where two kinds fit: one
// that verifies is never called anything else.
func kindOf(chain []*x509.Certificate, host string, w World) kind {
	err := verify(chain, host, w)
	var clock clockError
	switch {
	case err == nil:
		return verifies
	case errors.As(err, &clock):
		return outdated
	case looksOfficial(chain[0]):
		return official
	case isSelfSigned(chain[0]):
		return selfSigned
	case verify(chain, "", w) == nil:
		return otherName
	}
	return unknownCA
}

func isSelfSigned(c *x509.Certificate) bool {
	return c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) == nil
}

// The names in the certificates of the official image (generate-certs.sh):
// what is left of 60 random bytes when only letters and digits stay.
var (
	officialSubject = regexp.MustCompile(`^[A-Za-z0-9]{4,30}\.net$`)
	officialIssuer  = regexp.MustCompile(`^[A-Za-z0-9]{4,30}$`)
)

// looksOfficial tells the certificate of the official image, by which scans of
// the whole internet find its proxies.
func looksOfficial(c *x509.Certificate) bool {
	return onlyName(c.Subject) && onlyName(c.Issuer) &&
		officialSubject.MatchString(c.Subject.CommonName) && officialIssuer.MatchString(c.Issuer.CommonName) &&
		strings.ToLower(c.Subject.CommonName) != c.Subject.CommonName
}

// onlyName says that a name has a common name and nothing else.
func onlyName(name pkix.Name) bool {
	return len(name.Names) == 1 && name.CommonName != ""
}

// remoteCertificate judges a proxy's certificate as a stranger meets it.
func remoteCertificate(name string, chain []*x509.Certificate, host string, w World) Check {
	leaf := chain[0]
	switch kindOf(chain, host, w) {
	case verifies:
		return Check{name, OK, "the certificate verifies, as that of any web site; " + daysLeft(leaf, w.now()), ""}
	case outdated:
		return Check{name, Warning, "the certificate's dates do not fit: " + date(leaf.NotBefore) + " to " + date(leaf.NotAfter),
			"compare the clock of this computer; if it is right, tell the volunteer that the certificate is out of date"}
	case official:
		return Check{name, Warning, "the certificate is shaped like the official image's: scans of the internet find it",
			"ask the volunteer for a certificate of another shape; causeway's own will do"}
	case selfSigned:
		return Check{name, OK, "the certificate is self-signed: WhatsApp accepts it, Signal and browsers do not", ""}
	case otherName:
		return Check{name, OK, "the certificate is for another name: WhatsApp accepts it, Signal and browsers do not", ""}
	}
	return Check{name, OK, "the certificate is from an unknown authority: WhatsApp accepts it, Signal and browsers do not", ""}
}
