// Package proxyproto reads and writes the PROXY protocol header, with which a
// load balancer hands on the addresses of the connection that it took.
//
// The rules are those of HAProxy's proxy-protocol.txt, versions 1 and 2, read
// strictly. The parser is our own because github.com/pires/go-proxyproto v0.8.1
// cannot be wrapped thinly into passing: it refuses a version 1 header that
// arrives in several segments and a version 2 PROXY command with AF_UNSPEC,
// takes "PROXYX TCP4", a seventh field, ports such as +80 and 080, zones,
// family 0x10 and a length that cuts a TLV, never checks CRC32C, decides only
// after 5 or 12 bytes, and reads behind the header into its buffer. A wrapper
// would have to frame and check everything first, which is the whole parser.
package proxyproto

import (
	"fmt"
	"net/netip"
)

// Header is what a PROXY header tells about the connection that the sender
// took. The zero value means that it tells nothing: the addresses of the socket
// itself count. Otherwise both are valid and of one family, exactly as sent, so
// an IPv6 pair may hold v4-mapped addresses.
type Header struct {
	Source, Destination netip.AddrPort
}

// Version says which header to write.
type Version int

// The zero Version writes no header.
const (
	Off Version = iota
	V1          // one line of text
	V2          // binary
)

// String returns "off", "v1" or "v2".
func (v Version) String() string {
	switch v {
	case V1:
		return "v1"
	case V2:
		return "v2"
	}
	return "off"
}

// ParseVersion takes exactly what Version.String returns.
func ParseVersion(s string) (Version, error) {
	for _, v := range []Version{Off, V1, V2} {
		if s == v.String() {
			return v, nil
		}
	}
	return Off, fmt.Errorf("PROXY protocol %q: want v1, v2 or off", s)
}
