package standin

import (
	"fmt"
	"strconv"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
)

// mediaHosts are the servers that clients are told to use for media: uploads go
// to the first, downloads come from the last.
var mediaHosts = [...]string{"media-fra3-1.cdn.whatsapp.net", "mmg.whatsapp.net"}

// take handles one frame: it unpacks it, writes it on the tape and answers it.
func (c *session) take(frame []byte) error {
	if len(frame) == 0 {
		return nil
	}
	unpacked, err := waBinary.Unpack(frame)
	if err != nil {
		return fmt.Errorf("unpacking a frame: %w", err)
	}
	c.service.Tape.Add(c.stream, unpacked)
	node, err := waBinary.Unmarshal(unpacked)
	if err != nil {
		return fmt.Errorf("decoding a stanza: %w", err)
	}
	switch node.Tag {
	case "iq":
		return c.query(node)
	case "message":
		return c.message(node)
	case "receipt":
		return c.receipt(node)
	}
	return nil // acknowledgements, presence and typing need no answer
}

// query answers one <iq>.
func (c *session) query(node *waBinary.Node) error {
	attrs := node.AttrGetter()
	kind, space := attrs.OptionalString("type"), attrs.OptionalString("xmlns")
	if kind == "result" || kind == "error" {
		return nil
	}
	switch {
	case space == "encrypt" && kind == "set":
		return c.uploadKeys(node)
	case space == "encrypt" && hasChild(node, "count"):
		return c.result(node, c.countKeys())
	case space == "encrypt":
		return c.result(node, c.service.bundles(node))
	case space == "usync":
		return c.result(node, c.service.deviceLists(node))
	case space == "w:m":
		return c.result(node, mediaConn())
	case space == "w:p", space == "passive", space == "urn:xmpp:ping":
		return c.result(node)
	}
	return c.refuse(node, 501, "feature-not-implemented")
}

func (c *session) result(query *waBinary.Node, content ...waBinary.Node) error {
	answer := waBinary.Node{
		Tag:   "iq",
		Attrs: waBinary.Attrs{"type": "result", "id": query.Attrs["id"], "from": types.ServerJID},
	}
	if len(content) > 0 {
		answer.Content = content
	}
	return c.send(answer)
}

func (c *session) refuse(query *waBinary.Node, code int, text string) error {
	return c.send(waBinary.Node{
		Tag:   "iq",
		Attrs: waBinary.Attrs{"type": "error", "id": query.Attrs["id"], "from": types.ServerJID},
		Content: []waBinary.Node{{
			Tag:   "error",
			Attrs: waBinary.Attrs{"code": strconv.Itoa(code), "text": text},
		}},
	})
}

// deviceLists answers "which devices do these people have?".
func (s *Service) deviceLists(query *waBinary.Node) waBinary.Node {
	asked := query.GetChildByTag("usync", "list")
	var users []waBinary.Node
	for _, user := range asked.GetChildren() {
		jid := user.AttrGetter().JID("jid")
		var list []waBinary.Node
		for _, d := range s.devicesOf(jid.User) {
			id := strconv.Itoa(int(d.jid.Device))
			list = append(list, waBinary.Node{Tag: "device", Attrs: waBinary.Attrs{"id": id}})
		}
		users = append(users, waBinary.Node{
			Tag:   "user",
			Attrs: waBinary.Attrs{"jid": jid},
			Content: []waBinary.Node{{
				Tag:     "devices",
				Content: []waBinary.Node{{Tag: "device-list", Content: list}},
			}},
		})
	}
	return waBinary.Node{Tag: "usync", Content: []waBinary.Node{{Tag: "list", Content: users}}}
}

// message hands each recipient device its own ciphertext and acknowledges to
// the sender.
func (c *session) message(node *waBinary.Node) error {
	now := strconv.FormatInt(time.Now().Unix(), 10)
	attrs := node.AttrGetter()
	identity, hasIdentity := node.GetOptionalChildByTag("device-identity")
	participants := node.GetChildByTag("participants")
	for _, to := range participants.GetChildren() {
		recipient := c.service.device(to.AttrGetter().JID("jid"))
		if recipient == nil {
			continue
		}
		content := append([]waBinary.Node(nil), to.GetChildren()...)
		if hasIdentity {
			content = append(content, identity)
		}
		recipient.deliver(waBinary.Node{
			Tag: "message",
			Attrs: waBinary.Attrs{
				"from": c.device.jid,
				"id":   node.Attrs["id"],
				"type": attrs.OptionalString("type"),
				"t":    now,
			},
			Content: content,
		})
	}
	return c.send(waBinary.Node{Tag: "ack", Attrs: waBinary.Attrs{
		"class": "message",
		"id":    node.Attrs["id"],
		"from":  node.Attrs["to"],
		"t":     now,
	}})
}

// receipt passes a receipt on and acknowledges it.
func (c *session) receipt(node *waBinary.Node) error {
	attrs := node.AttrGetter()
	kind := attrs.OptionalString("type")
	if recipient := c.service.device(attrs.JID("to")); recipient != nil {
		forward := waBinary.Attrs{
			"from": c.device.jid,
			"id":   node.Attrs["id"],
			"t":    strconv.FormatInt(time.Now().Unix(), 10),
		}
		if kind != "" {
			forward["type"] = kind
		}
		recipient.deliver(waBinary.Node{Tag: "receipt", Attrs: forward})
	}
	ack := waBinary.Attrs{"class": "receipt", "id": node.Attrs["id"], "from": node.Attrs["to"]}
	if kind != "" {
		ack["type"] = kind
	}
	return c.send(waBinary.Node{Tag: "ack", Attrs: ack})
}

// mediaConn tells the client where media goes.
func mediaConn() waBinary.Node {
	var hosts []waBinary.Node
	for _, host := range mediaHosts {
		hosts = append(hosts, waBinary.Node{Tag: "host", Attrs: waBinary.Attrs{"hostname": host}})
	}
	return waBinary.Node{
		Tag: "media_conn",
		Attrs: waBinary.Attrs{
			"auth": "stand-in", "ttl": "300", "auth_ttl": "21600", "max_buckets": "12",
		},
		Content: hosts,
	}
}

func hasChild(node *waBinary.Node, tag string) bool {
	_, ok := node.GetOptionalChildByTag(tag)
	return ok
}
