package noise

import (
	"encoding/binary"
	"errors"
)

// field is one field of a protobuf message. Only the wire types that the
// handshake uses carry a value: varint and length-delimited.
type field struct {
	number uint64
	varint uint64
	bytes  []byte // a part of the message
}

var errMalformed = errors.New("malformed protobuf")

// The wire types of https://protobuf.dev/programming-guides/encoding/. Groups
// (3 and 4) are refused: nothing in the handshake has ever had one.
const (
	wireVarint  = 0
	wireFixed64 = 1
	wireBytes   = 2
	wireFixed32 = 5
)

// eachField calls visit for every field, known or not, in their order.
func eachField(message []byte, visit func(field)) error {
	for len(message) > 0 {
		tag, n := binary.Uvarint(message)
		if n <= 0 || tag>>3 == 0 {
			return errMalformed
		}
		value, size := fieldValue(tag&7, message[n:])
		if size < 0 {
			return errMalformed
		}
		value.number = tag >> 3
		visit(value)
		message = message[n+size:]
	}
	return nil
}

// fieldValue reads what follows a tag. Its size is -1 if it is not there.
func fieldValue(wire uint64, rest []byte) (field, int) {
	switch wire {
	case wireFixed64:
		return skip(rest, 8)
	case wireFixed32:
		return skip(rest, 4)
	case wireVarint:
		value, n := binary.Uvarint(rest)
		if n <= 0 {
			return field{}, -1
		}
		return field{varint: value}, n
	case wireBytes:
		length, n := binary.Uvarint(rest)
		if n <= 0 || length > uint64(len(rest)-n) {
			return field{}, -1
		}
		end := n + int(length)
		return field{bytes: rest[n:end]}, end
	}
	return field{}, -1
}

func skip(rest []byte, size int) (field, int) {
	if len(rest) < size {
		return field{}, -1
	}
	return field{}, size
}

// appendBytes appends a length-delimited field.
func appendBytes(message []byte, number uint64, value []byte) []byte {
	message = binary.AppendUvarint(message, number<<3|wireBytes)
	message = binary.AppendUvarint(message, uint64(len(value)))
	return append(message, value...)
}

// appendVarint appends a varint field.
func appendVarint(message []byte, number, value uint64) []byte {
	message = binary.AppendUvarint(message, number<<3|wireVarint)
	return binary.AppendUvarint(message, value)
}
