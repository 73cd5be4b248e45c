package web

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"causeway/stats"
)

// answer is the raw reply without the two headers that hold a time.
func answer(t *testing.T, server *httptest.Server, request string) string {
	c, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, request+" HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n")
	reply, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(reply)) {
		if !strings.HasPrefix(line, "Date: ") && !strings.HasPrefix(line, "Last-Modified: ") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

func admin(official bool, upstreams ...Upstream) http.Handler {
	a := Admin{Metrics: stats.New("test").Gatherer(), Official: official, Upstreams: func() []Upstream { return upstreams }}
	return a.Handler()
}

func get(t *testing.T, handler http.Handler, path, host string) (int, string) {
	server := httptest.NewServer(handler)
	defer server.Close()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if host != "" {
		request.Host = host
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func TestTheAdminAddressAnswersUnderItsOwnNameOnly(t *testing.T) {
	cases := []struct {
		host string
		want int
	}{
		{"", 200}, {"127.0.0.1", 200}, {"localhost:8199", 200}, {"LOCALHOST", 200},
		{"evil.example", 403}, {"evil.example:8199", 403}, {"127.0.0.2", 403},
		{"localhost.evil.example", 403}, {"[::1]:8199", 403}, {"127.0.0.1.evil.example", 403},
	}
	for _, c := range cases {
		if got, _ := get(t, admin(false), "/healthz", c.host); got != c.want {
			t.Errorf("Host %q: got %d, want %d", c.host, got, c.want)
		}
	}
}

func TestHealthzSaysHowEveryRouteIs(t *testing.T) {
	chat, media, signal := Upstream{"whatsapp", "chat", true}, Upstream{"whatsapp", "media", true}, Upstream{"signal", "tls", false}
	if code, body := get(t, admin(false, chat, media, signal), "/healthz", ""); code != 200 ||
		body != "whatsapp chat: ok\nwhatsapp media: ok\nsignal tls: its servers do not answer\n" {
		t.Errorf("the second messenger is down: got %d %q", code, body)
	}
	media.Healthy = false
	if code, body := get(t, admin(false, chat, media), "/healthz", ""); code != 503 ||
		body != "whatsapp chat: ok\nwhatsapp media: its servers do not answer\n" {
		t.Errorf("media of the first is down: got %d %q", code, body)
	}
}

func TestMetricsAreServed(t *testing.T) {
	if code, body := get(t, admin(false), "/metrics", ""); code != 200 || !strings.Contains(body, "causeway_build_info{") {
		t.Errorf("got %d %q", code, body)
	}
}

func TestTheOfficialHealthCheckReadsTheCSV(t *testing.T) {
	cases := []struct {
		name        string
		chat, media bool
		complaints  int // rows that the check would call failed
	}{
		{"all well", true, true, 0},
		{"media down", true, false, 1},
		{"chat down", false, true, 2},
		{"all down", false, false, 3},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			handler := admin(true, Upstream{"whatsapp", "chat", c.chat}, Upstream{"whatsapp", "media", c.media}, Upstream{"signal", "tls", false})
			code, body := get(t, handler, "/;csv", "127.0.0.1:8199")
			if code != 200 {
				t.Fatalf("got %d", code)
			}
			rows, complaints := 0, 0
			for line := range strings.Lines(body) {
				fields := strings.Split(line, ",")
				if !strings.Contains(fields[1], "whatsapp_net") {
					continue
				}
				rows++
				if !strings.Contains(fields[65], "Layer4 check passed") {
					complaints++
				}
			}
			if rows != 3 || complaints != c.complaints {
				t.Errorf("got %d rows and %d complaints, want 3 and %d", rows, complaints, c.complaints)
			}
		})
	}
	if code, _ := get(t, admin(false), "/;csv", ""); code != 404 {
		t.Errorf("without the official ports: got %d, want 404", code)
	}
}
