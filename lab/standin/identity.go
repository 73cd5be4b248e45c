package standin

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"time"

	"go.mau.fi/libsignal/ecc"
	"go.mau.fi/whatsmeow/proto/waCert"
	"go.mau.fi/whatsmeow/util/keys"
	"google.golang.org/protobuf/proto"
)

// noiseIdentity is the server's static key and the chain that vouches for it.
type noiseIdentity struct {
	root   [32]byte // public key of the root
	static *keys.KeyPair
	chain  []byte // CertChain, as the handshake carries it
}

// newNoiseIdentity signs root -> intermediate -> static as WhatsApp does: the
// root's serial is 0, and each signature is XEdDSA over the details.
func newNoiseIdentity() (noiseIdentity, error) {
	root, middle, static := keys.NewKeyPair(), keys.NewKeyPair(), keys.NewKeyPair()
	const rootSerial, middleSerial, leafSerial = 0, 1, 2
	intermediate, err := noiseCertificate(root, middleSerial, rootSerial, middle)
	if err != nil {
		return noiseIdentity{}, err
	}
	leaf, err := noiseCertificate(middle, leafSerial, middleSerial, static)
	if err != nil {
		return noiseIdentity{}, err
	}
	chain, err := proto.Marshal(&waCert.CertChain{Leaf: leaf, Intermediate: intermediate})
	if err != nil {
		return noiseIdentity{}, fmt.Errorf("encoding the chain: %w", err)
	}
	return noiseIdentity{root: *root.Pub, static: static, chain: chain}, nil
}

func noiseCertificate(signer *keys.KeyPair, serial, issuer uint32, subject *keys.KeyPair) (*waCert.CertChain_NoiseCertificate, error) {
	now := time.Now()
	details, err := proto.Marshal(&waCert.CertChain_NoiseCertificate_Details{
		Serial:       proto.Uint32(serial),
		IssuerSerial: proto.Uint32(issuer),
		Key:          subject.Pub[:],
		NotBefore:    proto.Uint64(uint64(now.Add(-time.Hour).Unix())),
		NotAfter:     proto.Uint64(uint64(now.Add(24 * time.Hour).Unix())),
	})
	if err != nil {
		return nil, fmt.Errorf("encoding certificate %d: %w", serial, err)
	}
	signature := ecc.CalculateSignature(ecc.NewDjbECPrivateKey(*signer.Priv), details)
	return &waCert.CertChain_NoiseCertificate{Details: details, Signature: signature[:]}, nil
}

// webIdentity is the media certificate and the authority that issued it.
type webIdentity struct {
	caPEM []byte
	cert  tls.Certificate
}

func newWebIdentity() (webIdentity, error) {
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return webIdentity{}, fmt.Errorf("making the authority's key: %w", err)
	}
	ca := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "Stand-in authority"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(24 * time.Hour),
		KeyUsage:              x509.KeyUsageCertSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, caKey.Public(), caKey)
	if err != nil {
		return webIdentity{}, fmt.Errorf("making the authority: %w", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return webIdentity{}, fmt.Errorf("making the media key: %w", err)
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2),
		Subject:      pkix.Name{CommonName: "*.whatsapp.net"},
		NotBefore:    ca.NotBefore,
		NotAfter:     ca.NotAfter,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:     []string{"*.cdn.whatsapp.net", "*.whatsapp.net", "whatsapp.net", "*.fna.whatsapp.net"},
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, ca, key.Public(), caKey)
	if err != nil {
		return webIdentity{}, fmt.Errorf("making the media certificate: %w", err)
	}
	return webIdentity{
		caPEM: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: caDER}),
		cert:  tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key},
	}, nil
}

// config ends TLS for media and notes the name each client asked for.
func (w webIdentity) config(s *Service) *tls.Config {
	return &tls.Config{
		Certificates: []tls.Certificate{w.cert},
		NextProtos:   []string{"h2", "http/1.1"},
		GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			s.saw(Seen{Route: "media", SNI: hello.ServerName})
			return nil, nil
		},
	}
}
