package sniff

import "golang.org/x/crypto/cryptobyte"

const (
	maxExtensions = 128 // IANA has assigned about 70
	maxSessionID  = 32  // bytes (RFC 8446 section 4.1.2)
	sizeRandom    = 32  // bytes

	maxServerNames = 2 + 1 + 2 + maxName + len(".") // bytes: a list of one entry
)

// serverName reads a ClientHello as far as it has arrived. No says that this is
// none, or that it does not name one server. The name is as the client wrote
// it; it is nil until its extension has arrived.
func serverName(first []byte) ([]byte, Verdict) {
	h := hello{records: records{rest: first[:min(len(first), maxHello)]}, verdict: Yes}
	h.read()
	if h.verdict == More && len(first) >= maxHello {
		return nil, No
	}
	return h.name, h.verdict
}

// hello is a ClientHello while it is read. The verdict is Yes until something
// is wrong or yet to come; from then on every number reads as zero.
//
// The parts of the message are nested. A part is the number of bytes that are
// left in it; reading from a part lowers it and never exceeds it.
type hello struct {
	records
	verdict Verdict
	named   bool
	name    []byte
}

// read reads one handshake message (RFC 8446 sections 4 and 4.1.2).
func (h *hello) read() {
	header := 4
	kind := h.number(&header, 1)
	h.want(kind == 1) // client_hello
	body := h.number(&header, 3)
	h.want(body <= maxHello)
	major := h.number(&body, 1)
	h.want(major == 3)
	h.skip(h.cut(&body, 1+sizeRandom)) // minor version, random

	session := h.vector(&body, 1)
	h.want(session <= maxSessionID)
	h.skip(session)
	ciphers := h.vector(&body, 2)
	h.want(ciphers >= 2 && ciphers%2 == 0)
	h.skip(ciphers)
	compressions := h.vector(&body, 1)
	h.want(compressions >= 1)
	h.skip(compressions)

	extensions := h.vector(&body, 2)
	h.want(body == 0)
	for count := 0; h.verdict == Yes && extensions > 0; count++ {
		h.want(count < maxExtensions)
		h.readExtension(&extensions)
	}
	h.want(h.named)
	h.want(h.payload == 0) // nothing else in the last record
}

func (h *hello) readExtension(extensions *int) {
	kind := h.number(extensions, 2)
	body := h.vector(extensions, 2)
	if h.verdict != Yes || kind != 0 { // server_name
		h.skip(body)
		return
	}
	h.want(!h.named && body <= maxServerNames)
	h.named = true
	h.name = h.readNames(h.bytes(body))
}

// readNames reads a server name list (RFC 6066 section 3), which has to hold
// one entry, a host name.
func (h *hello) readNames(body cryptobyte.String) []byte {
	var list, name cryptobyte.String
	var kind uint8
	h.want(body.ReadUint16LengthPrefixed(&list) && body.Empty() &&
		list.ReadUint8(&kind) && kind == 0 && // host_name
		list.ReadUint16LengthPrefixed(&name) && list.Empty() && len(name) > 0)
	if h.verdict != Yes {
		return nil
	}
	return name
}

// want sets a condition that every ClientHello with one clear name fulfils.
func (h *hello) want(ok bool) {
	if h.verdict == Yes && !ok {
		h.verdict = No
	}
}

// cut takes n bytes off a part, which become a part of their own.
func (h *hello) cut(part *int, n int) int {
	h.want(n <= *part)
	if h.verdict != Yes {
		return 0
	}
	*part -= n
	return n
}

// vector reads a length of n bytes off a part and cuts as many bytes.
func (h *hello) vector(part *int, n int) int {
	length := h.number(part, n)
	return h.cut(part, length)
}

// number reads an unsigned number of n bytes off a part.
func (h *hello) number(part *int, n int) int {
	number := 0
	for left := h.cut(part, n); left > 0; {
		for _, digit := range h.some(&left) {
			number = number<<8 | int(digit)
		}
	}
	if h.verdict != Yes {
		return 0
	}
	return number
}

// skip passes over a part.
func (h *hello) skip(part int) {
	for part > 0 {
		h.some(&part)
	}
}

// bytes reads a part.
func (h *hello) bytes(part int) []byte {
	b := make([]byte, 0, min(part, maxServerNames))
	for part > 0 {
		b = append(b, h.some(&part)...)
	}
	return b
}

// some reads the beginning of a part, and empties it when there is no more to
// be read.
func (h *hello) some(part *int) []byte {
	if h.verdict != Yes {
		*part = 0
		return nil
	}
	b, verdict := h.next(*part)
	h.verdict = verdict
	*part -= len(b)
	return b
}
