package record

import "net"

// Conn is a connection whose two directions go on a tape.
type Conn struct {
	net.Conn
	Tape *Tape
	In   string // the stream of what Read returned
	Out  string // the stream of what Write took
}

// Read reads from the connection and records it.
func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.Tape.Add(c.In, p[:n])
	return n, err
}

// Write writes to the connection and records what was taken.
func (c *Conn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.Tape.Add(c.Out, p[:n])
	return n, err
}
