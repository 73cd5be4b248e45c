package stats

import (
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
)

func TestWhatIsCountedIsPublishedUnderItsLabels(t *testing.T) {
	s := New("v1")
	chat := s.Route("whatsapp", "chat")
	chat.Ended(Carried)
	chat.Ended(Carried)
	chat.Up.Add(43)
	chat.Current.Add(1)
	chat.SetHealthy(true)
	s.Nobody.Ended(Stranger)
	s.Open(func() int { return 7 })
	s.Certificate(func() time.Time { return time.Now().Add(48 * time.Hour) })

	want := map[string]float64{
		"causeway_connections_total whatsapp chat carried":       2,
		"causeway_connections_total whatsapp chat carried_reset": 0,
		"causeway_connections_total none none stranger":          1,
		"causeway_bytes_total whatsapp chat up":                  43,
		"causeway_connections_current whatsapp chat":             1,
		"causeway_upstream_up whatsapp chat":                     1,
		"causeway_connections_open":                              7,
	}
	got := gather(t, s)
	for name, value := range want {
		if v, ok := got[name]; !ok || v != value {
			t.Errorf("%s: got %v, want %v", name, v, value)
		}
	}
	if days := got["causeway_certificate_days_left"]; days < 1.9 || days > 2 {
		t.Errorf("got %v days left, want about 2", days)
	}
}

func TestARouteIsTheSameAtEveryCall(t *testing.T) {
	s := New("v1")
	first, second := s.Route("whatsapp", "chat"), s.Route("whatsapp", "chat")
	if first != second {
		t.Error("two sets of counters for one route")
	}
}

// gather returns the figures by name and the label values that tell them apart.
func gather(t *testing.T, s *Stats) map[string]float64 {
	families, err := s.Gatherer().Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]float64{}
	for _, family := range families {
		for _, m := range family.Metric {
			name := family.GetName()
			for _, wanted := range []string{"messenger", "route", "outcome", "direction"} {
				name += label(m, wanted)
			}
			all[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return all
}

func label(m *dto.Metric, name string) string {
	for _, l := range m.Label {
		if l.GetName() == name {
			return " " + l.GetValue()
		}
	}
	return ""
}
