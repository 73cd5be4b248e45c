// Package messengers is the list of every messenger that this proxy carries.
package messengers

import (
	"causeway/messenger"
	"causeway/messenger/signal"
	"causeway/messenger/whatsapp"
)

// All lists the messengers in the order in which first bytes are judged.
var All = []*messenger.Messenger{&whatsapp.Messenger, &signal.Messenger}
