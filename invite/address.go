package invite

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"path/filepath"
	"strconv"
	"strings"

	"causeway/invite/statefile"
)

const addressName = "address"

// Address is where people reach the proxy's web site. The zero value is none.
type Address struct {
	Host string `json:"host,omitempty"` // a host name or an IPv4 address
	Port uint16 `json:"port,omitempty"`
}

// NewAddress checks host and port as NewLink does.
func NewAddress(host string, port uint16) (Address, error) {
	link, err := NewLink(host, port, DefaultMediaPort, true)
	if err != nil {
		return Address{}, err
	}
	return Address{Host: link.Host, Port: port}, nil
}

// Page returns the link of an invitation's page.
func (a Address) Page(path string) string {
	host := a.Host
	if a.Port != DefaultChatPort {
		host = net.JoinHostPort(host, strconv.Itoa(int(a.Port)))
	}
	return "https://" + host + "/" + path
}

// SaveAddress keeps in the state folder where the proxy was last to be reached,
// for commands while it does not run. The zero value forgets it.
func SaveAddress(dir string, a Address) error {
	name := filepath.Join(dir, addressName)
	if a == (Address{}) {
		return statefile.Remove(name)
	}
	return statefile.Write(name, []byte(net.JoinHostPort(a.Host, strconv.Itoa(int(a.Port)))+"\n"))
}

// LoadAddress returns what SaveAddress kept, zero if nothing.
func LoadAddress(dir string) (Address, error) {
	data, err := statefile.Read(filepath.Join(dir, addressName), 512)
	if errors.Is(err, fs.ErrNotExist) {
		return Address{}, nil
	}
	if err != nil {
		return Address{}, fmt.Errorf("reading the kept address: %w", err)
	}
	return parseAddress(data)
}

func parseAddress(data []byte) (Address, error) {
	host, port, err := net.SplitHostPort(strings.TrimSpace(string(data)))
	if err != nil {
		return Address{}, fmt.Errorf("the file %s in the state folder is broken; serve writes it anew", addressName)
	}
	n, _ := strconv.ParseUint(port, 10, 16) // NewAddress refuses 0
	address, err := NewAddress(host, uint16(n))
	if err != nil {
		return Address{}, fmt.Errorf("the file %s in the state folder is broken: %w", addressName, err)
	}
	return address, nil
}
