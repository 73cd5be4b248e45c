package certificate

import (
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"
)

func TestFolderThatCannotBeWritten(t *testing.T) {
	var j journal
	ports := newSite(t)
	ca := newCA(t, ports, usual)
	s := newSource(t, ca, testName, &j)
	inTheWay := filepath.Join(s.Dir, acmeDir)
	if err := os.WriteFile(inTheWay, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if warning, err := s.Reload(); warning == nil || err != nil {
		t.Errorf("got warning %v, error %v, want a warning", warning, err)
	}
	ports.serve(t, s, true)
	keep(t, s)
	eventually(t, "tried twice", func() bool { return j.count("no ordinary certificate yet") >= 2 })
	if s.Kind() != SelfSigned {
		t.Errorf("got %q, want %q", s.Kind(), SelfSigned)
	}
	if err := os.Remove(inTheWay); err != nil {
		t.Fatal(err)
	}
	eventually(t, "ordinary", isOrdinary(s))
}

func TestOrdinaryCertificateOfAnotherKey(t *testing.T) {
	var j journal
	ports := newSite(t)
	ca := newCA(t, ports, usual)
	s := newSource(t, ca, testName, &j)
	mustReload(t, s)
	ports.serve(t, s, true)
	stop := keep(t, s)
	eventually(t, "ordinary", isOrdinary(s))
	stop()
	cert, key := s.ACME.authority(s.Dir).files()
	other, err := os.ReadFile(filepath.Join(s.Dir, keyName)) // as if the power had failed between the two
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(key, other, 0o600); err != nil {
		t.Fatal(err)
	}
	if warning, err := s.Reload(); warning == nil || err != nil || s.Kind() != Ordinary {
		t.Errorf("got warning %v, error %v, kind %q, want a warning and the old one", warning, err, s.Kind())
	}
	before := s.inUse()
	keep(t, s)
	eventually(t, "replaced", func() bool { return s.inUse() != before })
	if aside, _ := filepath.Glob(cert + ".broken-*"); len(aside) != 1 {
		t.Errorf("set aside: got %q, want the broken one", aside)
	}
}

func TestChangeOfKeyType(t *testing.T) {
	var j journal
	ports := newSite(t)
	ca := newCA(t, ports, usual)
	s := newSource(t, ca, testName, &j)
	mustReload(t, s)
	stop := keep(t, s)
	ports.serve(t, s, true)
	eventually(t, "ordinary", isOrdinary(s))
	stop()
	s.ACME.KeyType = RSA2048
	keep(t, s)
	eventually(t, "of an RSA key", func() bool { return ports.shown(t, "").PublicKeyAlgorithm == x509.RSA })
}
