package certificate

import "testing"

func TestPublic(t *testing.T) {
	for host, want := range map[string]bool{
		"proxy.volunteer.org": true, "Proxy.Volunteer.org.": true, "8.8.8.8": true, "2606:4700:4700::1111": true,
		"": false, "localhost": false, "router": false, "nas.local": false, "proxy.example": false, "www.example.org": false,
		"a/b": false, "*.volunteer.org": false, "127.0.0.1": false, "10.1.2.3": false, "100.64.1.2": false, "192.0.2.1": false,
		"169.254.1.1": false, "0.0.0.0": false, "255.255.255.255": false, "::1": false, "fd00::1": false, "::ffff:10.0.0.1": false,
	} {
		if got := Public(host); got != want {
			t.Errorf("%q: got %v, want %v", host, got, want)
		}
	}
}
