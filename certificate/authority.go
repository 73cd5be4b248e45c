package certificate

import (
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"
	"time"

	"github.com/caddyserver/certmagic"
	"github.com/mholt/acmez/v3"
	"github.com/mholt/acmez/v3/acme"
	"go.uber.org/zap"
)

const (
	requestTime = 30 * time.Second // for one request to the CA

	// shortLived is the profile without which Let's Encrypt gives no certificate
	// for an IP address.
	shortLived = "shortlived"
)

// authority is the CA, as certmagic sees it. certmagic's own ACMEIssuer opens
// ports by itself, and cannot ask where it may not; here the open ones answer.
type authority struct {
	*ACME
	name    string // normalized
	storage storage
}

// attempt gets the certificate if there is none, and renews it if it is time or
// its key is of another type. It contacts the CA at most for that and to hear
// when renewal is wanted (RFC 9773).
func (a *authority) attempt(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	if err := a.mend(); err != nil {
		return err
	}
	// certmagic's cache lives for one attempt: what it renews by itself it
	// renews in goroutines that nobody can wait for, and not for ever.
	cache := certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert:   func(certmagic.Certificate) (*certmagic.Config, error) { return nil, errors.ErrUnsupported },
		RenewCheckInterval: lookEvery,
		Logger:             zap.NewNop(),
	})
	defer cache.Stop()
	config := certmagic.New(cache, certmagic.Config{
		Issuers:   []certmagic.Issuer{a},
		KeySource: certmagic.StandardKeyGenerator{KeyType: certmagic.KeyType(a.KeyType)},
		Storage:   a.storage,
		OCSP:      certmagic.OCSPConfig{DisableStapling: true}, // the self-signed one has none
		Logger:    zap.NewNop(),                                // the errors say it all, without who asked
	})
	if err := config.ManageSync(ctx, []string{a.name}); err != nil {
		return err
	}
	cert, err := a.stored()
	if err != nil || a.fits(cert.Leaf) {
		return err
	}
	return config.RenewCertSync(ctx, a.name, true)
}

func (a *authority) fits(leaf *x509.Certificate) bool {
	return (leaf.PublicKeyAlgorithm == x509.RSA) == (a.KeyType == RSA2048)
}

// stored reads the certificate that the CA gave last.
func (a *authority) stored() (*tls.Certificate, error) {
	cert, key := a.files()
	return Load(cert, key)
}

func (a *authority) files() (cert, key string) {
	keys := certmagic.StorageKeys
	return a.storage.Filename(keys.SiteCert(a.IssuerKey(), a.name)), a.storage.Filename(keys.SitePrivateKey(a.IssuerKey(), a.name))
}

// mend sets a certificate aside that does not belong to its key, as when the
// power failed between the two: certmagic would never ask for another.
func (a *authority) mend() error {
	_, err := a.stored()
	var reading *fs.PathError
	if err == nil || errors.As(err, &reading) {
		return nil
	}
	cert, _ := a.files()
	return os.Rename(cert, cert+".broken-"+time.Now().UTC().Format("20060102T150405Z"))
}

// IssuerKey is the CA's name in the storage.
func (a *authority) IssuerKey() string {
	u, err := url.Parse(a.directory())
	if err != nil {
		return a.directory()
	}
	return strings.ReplaceAll(u.Host+u.Path, "/", "-")
}

// Issue orders a certificate and proves that the name is ours.
func (a *authority) Issue(ctx context.Context, request *x509.CertificateRequest) (*certmagic.IssuedCertificate, error) {
	client := a.client()
	defer client.HTTPClient.CloseIdleConnections()
	account, err := a.account(ctx, client)
	if err != nil {
		return nil, fmt.Errorf("opening an account: %w", err)
	}
	order, err := acmez.OrderParametersFromCSR(account, request)
	if err != nil {
		return nil, err
	}
	directory, err := client.GetDirectory(ctx)
	if err != nil {
		return nil, err
	}
	if len(request.IPAddresses) > 0 && directory.Meta != nil {
		if _, offered := directory.Meta.Profiles[shortLived]; offered {
			order.Profile = shortLived
		}
	}
	chains, err := client.ObtainCertificate(ctx, order)
	if err != nil {
		return nil, err
	}
	if len(chains) == 0 {
		return nil, errors.New("the CA sent no certificate")
	}
	return &certmagic.IssuedCertificate{Certificate: chains[0].ChainPEM, Metadata: chains[0]}, nil
}

// GetRenewalInfo asks when the CA wants the certificate to be renewed.
func (a *authority) GetRenewalInfo(ctx context.Context, cert certmagic.Certificate) (acme.RenewalInfo, error) {
	client := a.client()
	defer client.HTTPClient.CloseIdleConnections()
	return client.GetRenewalInfo(ctx, cert.Leaf)
}

func (a *authority) client() *acmez.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: a.Roots}
	solvers := map[string]acmez.Solver{acme.ChallengeTypeTLSALPN01: &a.challenge}
	if a.Port80 {
		solvers[acme.ChallengeTypeHTTP01] = &a.challenge
	}
	return &acmez.Client{
		Client: &acme.Client{
			Directory:  a.directory(),
			HTTPClient: &http.Client{Transport: transport, Timeout: requestTime},
		},
		ChallengeSolvers: solvers,
	}
}

// account opens the account, or finds it again: the CA knows it by its key.
func (a *authority) account(ctx context.Context, client *acmez.Client) (acme.Account, error) {
	key, err := a.accountKey(ctx)
	if err != nil {
		return acme.Account{}, err
	}
	account := acme.Account{PrivateKey: key, TermsOfServiceAgreed: true}
	if a.Email != "" {
		account.Contact = []string{"mailto:" + a.Email}
	}
	return client.NewAccount(ctx, account)
}

// accountKey makes a new key also where the old one is broken: nothing is lost.
func (a *authority) accountKey(ctx context.Context) (crypto.Signer, error) {
	name := path.Join("accounts", certmagic.StorageKeys.Safe(a.IssuerKey()), "key.pem")
	stored, err := a.storage.Load(ctx, name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if key, err := parseKey(stored); err == nil {
		return key, nil
	}
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return key, a.storage.Store(ctx, name, encode("PRIVATE KEY", der))
}

// storage is a folder, its files 0600, of one process only: a lock file of
// certmagic's would outlive a crash and its keeper outlive the attempt.
type storage struct{ *certmagic.FileStorage }

func (storage) Lock(context.Context, string) error            { return nil }
func (storage) TryLock(context.Context, string) (bool, error) { return true, nil }
func (storage) Unlock(context.Context, string) error          { return nil }
