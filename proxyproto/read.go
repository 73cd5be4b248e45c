package proxyproto

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

const (
	shortest = len("PROXY UNKNOWN\r\n") // no header of either version is shorter
	maxLine  = 107                      // the longest version 1 header, by the specification
	maxBytes = 4096                     // the longest version 2 header that is taken; it may claim 65,551

	signature = "\r\n\r\n\x00\r\nQUIT\n"
	fixed     = len(signature) + 4 // signature, version and command, family, length

	local, proxy       = 0x20, 0x21
	unspec, tcp4, tcp6 = 0x00, 0x11, 0x21
	tcp4Len, tcp6Len   = 12, 36 // two addresses and two ports

	tlvCRC32C = 0x03
)

// No error of ours says what the bytes were: they hold a client's address.
var (
	errNone     = errors.New("not a PROXY header")
	errAddress  = errors.New("bad address or port")
	errLength   = errors.New("bad length")
	errTLV      = errors.New("additional field runs over the end")
	errChecksum = errors.New("CRC32C does not match")
)

// Read takes one header of either version from r, however it is cut into
// segments, and not one byte behind it. It fails at the first byte that rules a
// header out, and on a header over 4,096 bytes; after an error the connection
// is good for nothing but closing. It waits as long as r does: the caller sets
// the deadline (3 s).
//
// The zero Header comes from version 1 UNKNOWN, and from version 2 LOCAL or
// AF_UNSPEC, whose address block is of no defined form and is skipped.
// AF_UNIX and datagrams are refused, as are the values that the specification
// leaves undefined: none of them can describe the connection that carries the
// header, which is TCP, and taking the socket's address instead would hide a
// misconfigured sender.
func Read(r io.Reader) (Header, error) {
	h, err := read(r)
	if err != nil {
		return Header{}, fmt.Errorf("reading the PROXY header: %w", err)
	}
	return h, nil
}

func read(r io.Reader) (Header, error) {
	first := make([]byte, 0, maxLine)
	var err error
	for len(first) < shortest {
		if first, err = more(r, first, shortest); err != nil {
			return Header{}, err
		}
		if !startsV1(first) && !startsV2(first) {
			return Header{}, errNone
		}
	}
	if first[0] == signature[0] {
		return readV2(r, first)
	}
	return readV1(r, first)
}

// more reads at least one byte, and never beyond a length of limit.
func more(r io.Reader, b []byte, limit int) ([]byte, error) {
	n, err := io.ReadAtLeast(r, b[len(b):limit], 1)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return b[:len(b)+n], err
}

func readV1(r io.Reader, line []byte) (Header, error) {
	var err error
	for !bytes.HasSuffix(line, []byte("\r\n")) {
		// Without the CR at least two bytes are missing, so two are safe to take.
		want := 2
		if line[len(line)-1] == '\r' {
			want = 1
		}
		limit := min(len(line)+want, maxLine)
		if len(line) == limit {
			return Header{}, errLength
		}
		if line, err = more(r, line, limit); err != nil {
			return Header{}, err
		}
		if !startsV1(line) {
			return Header{}, errNone
		}
	}
	return parseV1(string(line[:len(line)-2]))
}

// startsV1 reports whether more bytes could make b a version 1 header.
func startsV1(b []byte) bool {
	body := b
	if i := bytes.IndexByte(b, '\r'); i >= 0 {
		body = b[:i]
		if !strings.HasPrefix("\r\n", string(b[i:])) {
			return false
		}
	}
	if bytes.IndexByte(body, '\n') >= 0 {
		return false
	}
	for _, family := range []string{"PROXY TCP4 ", "PROXY TCP6 "} {
		if fields, ok := bytes.CutPrefix(body, []byte(family)); ok {
			return len(bytes.Trim(fields, "0123456789abcdefABCDEF.: ")) == 0
		}
		if strings.HasPrefix(family, string(b)) {
			return true
		}
	}
	const unknown = "PROXY UNKNOWN"
	return string(body) == unknown || bytes.HasPrefix(body, []byte(unknown+" ")) || strings.HasPrefix(unknown, string(b))
}

// parseV1 takes a line that startsV1 has passed, without its CRLF.
func parseV1(line string) (Header, error) {
	fields := strings.Split(line, " ")
	if fields[1] == "UNKNOWN" {
		return Header{}, nil // the specification: ignore the rest of the line
	}
	if len(fields) != 6 {
		return Header{}, errAddress
	}
	source, err := addrPortV1(fields[1], fields[2], fields[4])
	if err != nil {
		return Header{}, err
	}
	destination, err := addrPortV1(fields[1], fields[3], fields[5])
	if err != nil {
		return Header{}, err
	}
	return Header{Source: source, Destination: destination}, nil
}

func addrPortV1(family, addr, port string) (netip.AddrPort, error) {
	a, err := netip.ParseAddr(addr)
	if err != nil || a.Is4() != (family == "TCP4") {
		return netip.AddrPort{}, errAddress
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || port != strconv.FormatUint(n, 10) {
		return netip.AddrPort{}, errAddress
	}
	return netip.AddrPortFrom(a, uint16(n)), nil
}

// startsV2 reports whether more bytes could make b a version 2 header, as far
// as the signature, version, command and family go.
func startsV2(b []byte) bool {
	n := min(len(b), len(signature))
	if string(b[:n]) != signature[:n] {
		return false
	}
	if len(b) > n+1 {
		return blockLen(b[n], b[n+1]) >= 0
	}
	return len(b) == n || b[n] == local || b[n] == proxy
}

// blockLen returns the length of the address block, 0 if there is none that
// counts, -1 for a command or family that is refused.
func blockLen(command, family byte) int {
	switch {
	case command == local:
		return 0 // the specification: discard the block, the family included
	case command != proxy:
		return -1
	}
	switch family {
	case unspec:
		return 0
	case tcp4:
		return tcp4Len
	case tcp6:
		return tcp6Len
	}
	return -1
}

func readV2(r io.Reader, first []byte) (Header, error) {
	var err error
	for len(first) < fixed {
		if first, err = more(r, first, fixed); err != nil {
			return Header{}, err
		}
	}
	need := blockLen(first[12], first[13])
	length := int(binary.BigEndian.Uint16(first[14:]))
	if length < need || length > maxBytes-fixed {
		return Header{}, errLength
	}
	all := append(slices.Grow(first, length), make([]byte, length)...)
	if _, err := io.ReadFull(r, all[fixed:]); err != nil {
		return Header{}, err
	}
	if need == 0 {
		return Header{}, nil
	}
	if err := checkTLVs(all, fixed+need); err != nil {
		return Header{}, err
	}
	return addrPortsV2(all[fixed : fixed+need]), nil
}

// checkTLVs walks the additional fields from offset at. Their content is
// skipped, but for a checksum, which the specification wants verified.
func checkTLVs(header []byte, at int) error {
	for at < len(header) {
		if len(header)-at < 3 {
			return errTLV
		}
		kind, value := header[at], header[at+3:]
		length := int(binary.BigEndian.Uint16(header[at+1:]))
		if length > len(value) {
			return errTLV
		}
		if kind == tlvCRC32C && !checksumFits(header, value[:length]) {
			return errChecksum
		}
		at += 3 + length
	}
	return nil
}

// checksumFits sums the whole header with sum, a part of it, as zero.
func checksumFits(header, sum []byte) bool {
	if len(sum) != 4 {
		return false
	}
	want := binary.BigEndian.Uint32(sum)
	clear(sum)
	got := crc32.Checksum(header, crc32.MakeTable(crc32.Castagnoli))
	binary.BigEndian.PutUint32(sum, want)
	return got == want
}

// addrPortsV2 takes a block of tcp4Len or tcp6Len bytes.
func addrPortsV2(block []byte) Header {
	size := (len(block) - 4) / 2
	source, _ := netip.AddrFromSlice(block[:size])
	destination, _ := netip.AddrFromSlice(block[size : 2*size])
	ports := block[2*size:]
	return Header{
		Source:      netip.AddrPortFrom(source, binary.BigEndian.Uint16(ports)),
		Destination: netip.AddrPortFrom(destination, binary.BigEndian.Uint16(ports[2:])),
	}
}
