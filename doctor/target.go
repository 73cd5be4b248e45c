package doctor

import (
	"fmt"
	"strconv"
	"strings"

	"causeway/invite"
)

// Target is a proxy as the app would use it.
type Target struct {
	invite.Link
	Warnings []string // what the app makes of a link that was hardly meant so
}

// ParseTarget reads what a person has of a proxy: HOST, HOST:CHATPORT, or
// WhatsApp's share link or a message with one. What is not said is as in the
// app: chat on 443 with TLS, media on 587.
func ParseTarget(text string) (Target, error) {
	if strings.Contains(text, "/") {
		link, warnings, err := invite.ParseLink(text)
		return Target{link, warnings}, err
	}
	host, port, given := strings.Cut(strings.TrimSpace(text), ":")
	chat := uint64(invite.DefaultChatPort)
	if given {
		var err error
		if chat, err = strconv.ParseUint(port, 10, 16); err != nil {
			return Target{}, fmt.Errorf("port %.20q is not a number from 1 to 65535", port)
		}
	}
	link, err := invite.NewLink(host, uint16(chat), invite.DefaultMediaPort, true)
	return Target{Link: link}, err
}

// checks has a line for every warning.
func (t Target) checks() []Check {
	var lines []Check
	for _, warning := range t.Warnings {
		lines = append(lines, Check{"link", Warning, warning, "share the link that causeway serve prints"})
	}
	return lines
}
