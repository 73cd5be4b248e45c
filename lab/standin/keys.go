package standin

import (
	"strconv"

	waBinary "go.mau.fi/whatsmeow/binary"
)

// maxOneTimeKeys bounds what one device may leave; the client library leaves
// 812 at first.
const maxOneTimeKeys = 2048

// keyBundle is what a device left so that others can write to it while it is
// away: the stanzas as it sent them.
type keyBundle struct {
	fixed   []waBinary.Node // registration, type, identity, skey
	oneTime []waBinary.Node // each given out once
}

// uploadKeys takes a device's keys.
func (c *session) uploadKeys(query *waBinary.Node) error {
	var bundle keyBundle
	for _, child := range query.GetChildren() {
		switch child.Tag {
		case "registration", "type", "identity", "skey":
			bundle.fixed = append(bundle.fixed, child)
		case "list":
			bundle.oneTime = append(bundle.oneTime, child.GetChildren()...)
		}
	}
	if len(bundle.fixed) != 4 || len(bundle.oneTime) > maxOneTimeKeys {
		return c.refuse(query, 400, "bad-request")
	}
	c.device.mu.Lock()
	c.device.keys = bundle
	c.device.mu.Unlock()
	return c.result(query)
}

func (c *session) countKeys() waBinary.Node {
	c.device.mu.Lock()
	defer c.device.mu.Unlock()
	count := strconv.Itoa(len(c.device.keys.oneTime))
	return waBinary.Node{Tag: "count", Attrs: waBinary.Attrs{"value": count}}
}

// bundles answers a request for the keys of some devices.
func (s *Service) bundles(query *waBinary.Node) waBinary.Node {
	asked := query.GetChildByTag("key")
	var users []waBinary.Node
	for _, user := range asked.GetChildren() {
		jid := user.AttrGetter().JID("jid")
		answer := waBinary.Node{Tag: "user", Attrs: waBinary.Attrs{"jid": jid}}
		content := []waBinary.Node{{Tag: "error", Attrs: waBinary.Attrs{"code": "404", "text": "item-not-found"}}}
		if d := s.device(jid); d != nil {
			if bundle := d.giveBundle(); bundle != nil {
				content = bundle
			}
		}
		answer.Content = content
		users = append(users, answer)
	}
	return waBinary.Node{Tag: "list", Content: users}
}

// giveBundle returns the fixed keys and one one-time key, nil before the first
// upload.
func (d *device) giveBundle() []waBinary.Node {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.keys.fixed) == 0 {
		return nil
	}
	bundle := append([]waBinary.Node(nil), d.keys.fixed...)
	if len(d.keys.oneTime) > 0 {
		bundle = append(bundle, d.keys.oneTime[0])
		d.keys.oneTime = d.keys.oneTime[1:]
	}
	return bundle
}
