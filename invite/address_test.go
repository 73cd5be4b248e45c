package invite

import "testing"

func TestAddress(t *testing.T) {
	for _, c := range []struct {
		name, host string
		port       uint16
		page       string // "": refused
	}{
		{"a name", "Proxy.Example", 443, "https://proxy.example/notes/x"},
		{"an IPv4 address and a port", "203.0.113.45", 8443, "https://203.0.113.45:8443/notes/x"},
		{"an IPv6 address", "2001:db8::1", 443, ""},
		{"no port", "proxy.example", 0, ""},
		{"no host", "", 443, ""},
	} {
		a, err := NewAddress(c.host, c.port)
		if (err == nil) != (c.page != "") {
			t.Errorf("%s: got %v", c.name, err)
			continue
		}
		if err != nil {
			continue
		}
		if got := a.Page("notes/x"); got != c.page {
			t.Errorf("%s: got %q, want %q", c.name, got, c.page)
		}
		dir := t.TempDir()
		if err := SaveAddress(dir, a); err != nil {
			t.Fatal(err)
		}
		if got, err := LoadAddress(dir); err != nil || got != a {
			t.Errorf("%s: kept as %v, %v", c.name, got, err)
		}
		if err := SaveAddress(dir, Address{}); err != nil {
			t.Fatal(err)
		}
		if got, err := LoadAddress(dir); err != nil || got != (Address{}) {
			t.Errorf("%s: forgotten, and still %v, %v", c.name, got, err)
		}
	}
}

func FuzzParseAddress(f *testing.F) {
	for _, s := range []string{"proxy.example:443\n", "203.0.113.45:8443", "", ":", "a:b", "[::1]:443", "a:99999", "a:0"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := parseAddress(data)
		if err != nil {
			return
		}
		if checked, err := NewAddress(a.Host, a.Port); err != nil || checked != a {
			t.Fatalf("%q gives %v, which cannot be", data, a)
		}
	})
}
