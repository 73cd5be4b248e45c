package noise

import (
	"bytes"
	"errors"
	"fmt"
	"time"
)

// rootSerial is the serial number of WhatsAppLongTerm1.
const rootSerial = 0

// certificate is a NoiseCertificate: signed details, and what they say.
type certificate struct {
	details, signature []byte

	serial, issuer      uint32
	key                 []byte
	notBefore, notAfter uint64 // Unix seconds, 0 if not given
}

// verifyChain follows CertChain{1 leaf, 2 intermediate} from the root to the
// server's static key.
func verifyChain(chain, static []byte, root [32]byte) (Proof, error) {
	leaf, intermediate, err := parseChain(chain)
	if err != nil {
		return Proof{}, err
	}
	if intermediate.issuer != rootSerial {
		return Proof{}, fmt.Errorf("the intermediate certificate names issuer %d", intermediate.issuer)
	}
	if !verifySignature(root[:], intermediate.details, intermediate.signature) {
		return Proof{}, errors.New("the intermediate certificate is not signed by the root")
	}
	if leaf.issuer != intermediate.serial {
		return Proof{}, fmt.Errorf("the leaf names issuer %d instead of %d", leaf.issuer, intermediate.serial)
	}
	if !verifySignature(intermediate.key, leaf.details, leaf.signature) {
		return Proof{}, errors.New("the leaf is not signed by the intermediate certificate")
	}
	if !bytes.Equal(leaf.key, static) {
		return Proof{}, errors.New("the leaf is for another key than the server's")
	}
	return Proof{
		NotBefore: unixTime(max(leaf.notBefore, intermediate.notBefore)),
		NotAfter:  unixTime(earlier(leaf.notAfter, intermediate.notAfter)),
	}, nil
}

func parseChain(chain []byte) (leaf, intermediate certificate, err error) {
	var leafBytes, intermediateBytes []byte
	err = eachField(chain, func(f field) {
		switch f.number {
		case 1:
			leafBytes = f.bytes
		case 2:
			intermediateBytes = f.bytes
		}
	})
	if err != nil {
		return leaf, intermediate, fmt.Errorf("reading the certificates: %w", err)
	}
	if leaf, err = parseCertificate(leafBytes); err != nil {
		return leaf, intermediate, fmt.Errorf("reading the leaf: %w", err)
	}
	if intermediate, err = parseCertificate(intermediateBytes); err != nil {
		return leaf, intermediate, fmt.Errorf("reading the intermediate certificate: %w", err)
	}
	return leaf, intermediate, nil
}

// parseCertificate reads {1 details, 2 signature} and the details
// {1 serial, 2 issuerSerial, 3 key, 4 notBefore, 5 notAfter}.
func parseCertificate(message []byte) (certificate, error) {
	var c certificate
	err := eachField(message, func(f field) {
		switch f.number {
		case 1:
			c.details = f.bytes
		case 2:
			c.signature = f.bytes
		}
	})
	if err != nil {
		return certificate{}, err
	}
	err = eachField(c.details, func(f field) {
		switch f.number {
		case 1:
			c.serial = uint32(f.varint)
		case 2:
			c.issuer = uint32(f.varint)
		case 3:
			c.key = f.bytes
		case 4:
			c.notBefore = f.varint
		case 5:
			c.notAfter = f.varint
		}
	})
	if err != nil {
		return certificate{}, err
	}
	if len(c.key) != keySize || len(c.signature) != signatureSize {
		return certificate{}, fmt.Errorf("key of %d bytes, signature of %d", len(c.key), len(c.signature))
	}
	return c, nil
}

// earlier returns the smaller of two bounds, where 0 means none.
func earlier(a, b uint64) uint64 {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}

// endOfTime is the last second of year 9999, the last that JSON can carry.
const endOfTime = 253402300799

func unixTime(seconds uint64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(int64(min(seconds, endOfTime)), 0).UTC()
}
