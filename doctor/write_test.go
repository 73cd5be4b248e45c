package doctor

import (
	"bytes"
	"testing"
)

func TestWriteLine(t *testing.T) {
	for _, c := range []struct {
		name   string
		check  Check
		colour bool
		want   string
	}{
		{"well", Check{"clock", OK, "fits", ""}, false,
			"✓ ok       clock                      fits\n"},
		{"with a remedy", Check{"port 443", Broken, "held by nginx", "stop it"}, false,
			"✗ broken   port 443                   held by nginx\n" +
				"                                      try: stop it\n"},
		{"a warning", Check{"x", Warning, "y", ""}, false,
			"! warning  x                          y\n"},
		{"skipped", Check{"x", Skipped, "y", ""}, false,
			"- skipped  x                          y\n"},
		{"in colour", Check{"x", OK, "y", ""}, true,
			"\x1b[32m✓ ok      \x1b[0m x                          y\n"},
		{"foreign text cannot steer the terminal", Check{"x", OK, "a\x1b[2Jb\r\nc\u202ed", "\x07"}, false,
			"✓ ok       x                          a?[2Jb??c?d\n" +
				"                                      try: ?\n"},
		{"other scripts stay", Check{"x", OK, "пример مثال", ""}, false,
			"✓ ok       x                          пример مثال\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			if err := WriteLine(&out, c.check, c.colour); err != nil {
				t.Fatal(err)
			}
			if got := out.String(); got != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestWriteJSON(t *testing.T) {
	for _, c := range []struct {
		name   string
		checks []Check
		want   string
	}{
		{"nothing", nil, `{
  "version": 1,
  "worst": "ok",
  "checks": []
}
`},
		{"two lines", []Check{{"clock", OK, "fits <all>", ""}, {"port 443", Broken, "taken", "stop it"}}, `{
  "version": 1,
  "worst": "broken",
  "checks": [
    {
      "name": "clock",
      "state": "ok",
      "what": "fits <all>"
    },
    {
      "name": "port 443",
      "state": "broken",
      "what": "taken",
      "try": "stop it"
    }
  ]
}
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			if err := (Report{Checks: c.checks}).WriteJSON(&out); err != nil {
				t.Fatal(err)
			}
			if got := out.String(); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}
