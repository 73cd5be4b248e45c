package proxyproto

import (
	"encoding/binary"
	"net/netip"
	"strconv"
)

// AppendHeader appends the header of version v for a connection from src to
// dst. Two IPv4 addresses, v4-mapped or not, are written as TCP4 and two IPv6
// addresses as TCP6, without zones; anything else as UNKNOWN (version 1) or
// LOCAL (version 2), so that the receiver uses the socket's own addresses.
// Version 2 is 28, 52 or 16 bytes long and carries no additional fields, as
// HAProxy sends it by default. Off appends nothing.
func AppendHeader(dst []byte, v Version, src, dest netip.AddrPort) []byte {
	from, to := src.Addr().WithZone(""), dest.Addr().WithZone("")
	if from.Unmap().Is4() && to.Unmap().Is4() {
		from, to = from.Unmap(), to.Unmap()
	}
	switch v {
	case V1:
		return appendV1(dst, from, to, src.Port(), dest.Port())
	case V2:
		return appendV2(dst, from, to, src.Port(), dest.Port())
	}
	return dst
}

func appendV1(dst []byte, from, to netip.Addr, fromPort, toPort uint16) []byte {
	switch {
	case from.Is4() && to.Is4():
		dst = append(dst, "PROXY TCP4 "...)
	case from.Is6() && to.Is6():
		dst = append(dst, "PROXY TCP6 "...)
	default:
		return append(dst, "PROXY UNKNOWN\r\n"...)
	}
	dst = append(from.AppendTo(dst), ' ')
	dst = append(to.AppendTo(dst), ' ')
	dst = append(strconv.AppendUint(dst, uint64(fromPort), 10), ' ')
	dst = strconv.AppendUint(dst, uint64(toPort), 10)
	return append(dst, "\r\n"...)
}

func appendV2(dst []byte, from, to netip.Addr, fromPort, toPort uint16) []byte {
	dst = append(dst, signature...)
	switch {
	case from.Is4() && to.Is4():
		dst = append(dst, proxy, tcp4, 0, tcp4Len)
	case from.Is6() && to.Is6():
		dst = append(dst, proxy, tcp6, 0, tcp6Len)
	default:
		return append(dst, local, unspec, 0, 0)
	}
	dst = append(dst, from.AsSlice()...)
	dst = append(dst, to.AsSlice()...)
	dst = binary.BigEndian.AppendUint16(dst, fromPort)
	return binary.BigEndian.AppendUint16(dst, toPort)
}
