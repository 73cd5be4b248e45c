package sniff

// WhatsApp judges the chat protocol of the WhatsApp app. It names no server.
//
// A new client begins with "WA", the protocol version (05 or 06) and the
// version of a compression dictionary. Any dictionary is welcome, so that its
// next version keeps working, and the verdict falls after three bytes. A
// returning client begins with "ED" 00 01 (the letters, as Baileys sends them), a
// length and routing information; its "WA" comes later and is not waited for.
// The same prefix with the byte 0xED for the letters is let in too: nobody here
// could see what a real app sends, and both readings are about.
func WhatsApp(first []byte) (Verdict, string) {
	return either(prefix(first, "WA\x06"), prefix(first, "WA\x05"), prefix(first, "ED\x00\x01"), prefix(first, "\xed\x00\x01")), ""
}

// TLSRecord judges by the first byte alone whether the client speaks TLS, so
// that the first flight can be passed on unread. It names no server.
func TLSRecord(first []byte) (Verdict, string) {
	return prefix(first, "\x16"), ""
}

// prefix judges whether first begins with want.
func prefix(first []byte, want string) Verdict {
	n := min(len(first), len(want))
	if string(first[:n]) != want[:n] {
		return No
	}
	if n < len(want) {
		return More
	}
	return Yes
}

// either is the verdict on alternatives, of which one has to fit.
func either(verdicts ...Verdict) Verdict {
	best := No
	for _, v := range verdicts {
		if v == Yes {
			return Yes
		}
		if v == More {
			best = More
		}
	}
	return best
}
