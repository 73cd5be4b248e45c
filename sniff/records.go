package sniff

// Bounds of what is taken for a ClientHello. Those in use, with post-quantum
// key shares and an encrypted inner hello, stay under 4 KiB. The first bytes
// are judged anew with every byte that arrives, so the bounds on pieces keep
// that cheap.
const (
	maxHello   = 64 << 10 // bytes, record headers included
	maxRecord  = 1 << 14  // bytes of payload (RFC 8446 section 5.1)
	maxRecords = 2048     // so a hello of 2 KiB may come in records of one byte
	maxEmpty   = 16       // records without payload; crypto/tls bears as many in a row
)

const recordHeader = 5 // bytes

// records is a row of TLS records, while their payload is read.
type records struct {
	rest    []byte // from the place of reading on
	payload int    // bytes left in the current record
	count   int
	empty   int
}

// next reads at least one and at most n bytes of payload, without copying.
func (r *records) next(n int) ([]byte, Verdict) {
	for r.payload == 0 {
		if verdict := r.open(); verdict != Yes {
			return nil, verdict
		}
	}
	n = min(n, r.payload, len(r.rest))
	if n == 0 {
		return nil, More
	}
	payload := r.rest[:n]
	r.rest = r.rest[n:]
	r.payload -= n
	return payload, Yes
}

// open reads the header of the next record, which has to carry a handshake.
func (r *records) open() Verdict {
	if verdict := prefix(r.rest, "\x16\x03"); verdict != Yes {
		return verdict
	}
	if len(r.rest) >= 4 && int(r.rest[3])<<8 > maxRecord {
		return No
	}
	if len(r.rest) < recordHeader {
		return More
	}
	r.payload = int(r.rest[3])<<8 | int(r.rest[4])
	r.rest = r.rest[recordHeader:]
	r.count++
	if r.payload == 0 {
		r.empty++
	}
	if r.payload > maxRecord || r.count > maxRecords || r.empty > maxEmpty {
		return No
	}
	return Yes
}
