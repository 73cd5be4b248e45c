package cli

import (
	"log/slog"
	"os"
	"slices"
	"time"

	"causeway/certificate"
	"causeway/messenger"
	"causeway/proxy"
)

// certificate loads what --cert names, or keeps a self-signed one until an
// authority has certified the host.
func (p *plan) certificate(log *slog.Logger) (*certificate.Source, error) {
	source := &certificate.Source{CertFile: p.cert, KeyFile: p.key, Dir: p.state, Hosts: p.certificateNames(), ACME: p.acme(log)}
	warning, err := source.Reload()
	if err != nil && p.cert != "" {
		return nil, hint(err, "check that --cert holds the certificate (with its chain) and --key its key, both as PEM")
	}
	if err != nil {
		return nil, hint(err, "--state DIR, a folder that this user may write, and --host with a plain name or address; --acme-ca and --key-type as causeway serve --help has them")
	}
	if warning != nil {
		log.Warn("about the certificate", "warning", warning)
	}
	if p.quiet && source.ACME != nil && source.Kind() == certificate.SelfSigned {
		log.Warn("an authority is asked to certify --host; such certificates are published (--acme-ca off: none is asked)")
	}
	return source, nil
}

// acme is how to get an ordinary certificate, nil if there is no way: without a
// public host, or without port 443, where authorities look. Such certificates
// are published, so nobody is asked about a host that the volunteer did not give.
func (p *plan) acme(log *slog.Logger) *certificate.ACME {
	on443 := slices.ContainsFunc(p.open, func(port proxy.Port) bool { return port.TLS && port.Listen == 443 })
	if p.cert != "" || p.acmeCA == "off" || p.acmeCA == "" && !(p.hostGiven && on443 && certificate.Public(p.host)) {
		return nil
	}
	key := certificate.KeyType(p.keyType)
	if key == "" && slices.ContainsFunc(p.carry, func(m *messenger.Messenger) bool { return m.Name == "signal" }) {
		key = certificate.RSA2048
	}
	return &certificate.ACME{Name: p.host, CA: p.acmeCA, Email: p.email, KeyType: key, Log: log}
}

// reload reads certificate and invitations again at SIGHUP, and the certificate
// once a day so that a self-signed one is renewed in time. What was in use stays
// when that fails.
func (p *plan) reload(asked <-chan os.Signal, source *certificate.Source, guests *guests, log *slog.Logger) {
	daily := time.NewTicker(24 * time.Hour)
	defer daily.Stop()
	for {
		hangup := false
		select {
		case _, hangup = <-asked:
			if !hangup {
				return
			}
		case <-daily.C:
		}
		warning, err := source.Reload()
		switch {
		case err != nil:
			log.Error("the certificate was not read again; the old one stays", "err", err)
		case warning != nil:
			log.Warn("about the certificate", "warning", warning)
		case hangup:
			log.Info("the certificate was read again", "days_left", source.DaysLeft())
		}
		if hangup {
			guests.reload()
		}
	}
}
