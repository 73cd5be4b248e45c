package invite

import (
	"fmt"
	"strings"
	"unicode/utf16"
)

// What one SMS holds, by 3GPP TS 23.038: 7-bit characters, or UTF-16 units as
// soon as one character is not among those.
const (
	smsPlain = 160
	smsOther = 70
)

// The 7-bit default alphabet of 3GPP TS 23.038, and what takes two places in it.
const (
	smsAlphabet = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
		"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	smsDouble = "^{}\\[~]|€"
)

// ShortText returns a link as the text of one SMS. It says nothing of
// messengers or of proxies: phone companies read and filter what they carry.
func ShortText(link string) (string, error) {
	text := link + " - open it in the browser, and again if it stops working"
	if length, most := SMS(text); length <= most {
		return text, nil
	}
	if length, most := SMS(link); length > most {
		return "", fmt.Errorf("the link takes %d characters, and an SMS has %d", length, most)
	}
	return link, nil
}

// SMS returns how many places of an SMS a text takes, and how many one has.
func SMS(text string) (length, most int) {
	for _, r := range text {
		switch {
		case strings.ContainsRune(smsAlphabet, r):
			length++
		case strings.ContainsRune(smsDouble, r):
			length += 2
		default:
			return len(utf16.Encode([]rune(text))), smsOther
		}
	}
	return length, smsPlain
}
