package phone

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"time"

	"go.mau.fi/libsignal/ecc"
	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waAdv"
	"go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/util/keys"
	waLog "go.mau.fi/whatsmeow/util/log"
	"google.golang.org/protobuf/proto"
)

// deviceNumber is the lab's device on every account. 0 would be the primary
// phone, which the client library cannot be.
const deviceNumber = 1

// JID returns the address of the person with that number.
func JID(number string) types.JID { return types.NewJID(number, types.DefaultUserServer) }

// pair makes a device that looks as if it had been paired: fresh keys, and an
// account signature over them by an account key that nobody keeps.
func pair(number, name string) (*store.Device, error) {
	memory := newMemory()
	identity := keys.NewKeyPair()
	account, err := signAccount(identity)
	if err != nil {
		return nil, err
	}
	var registration [4]byte
	rand.Read(registration[:])
	jid := JID(number)
	jid.Device = deviceNumber
	return &store.Device{
		Log:            waLog.Noop,
		NoiseKey:       keys.NewKeyPair(),
		IdentityKey:    identity,
		SignedPreKey:   identity.CreateSignedPreKey(1),
		RegistrationID: binary.BigEndian.Uint32(registration[:]) & 0x3fff,
		AdvSecretKey:   make([]byte, 32),
		ID:             &jid,
		Account:        account,
		PushName:       name,
		Platform:       "lab",
		Initialized:    true,
		Identities:     memory,
		Sessions:       memory,
		PreKeys:        memory,
		SenderKeys:     memory,
		AppStateKeys:   memory,
		AppState:       memory,
		Contacts:       memory,
		ChatSettings:   memory,
		MsgSecrets:     memory,
		PrivacyTokens:  memory,
		EventBuffer:    memory,
		LIDs:           memory,
		Container:      memory,
	}, nil
}

func signAccount(identity *keys.KeyPair) (*waAdv.ADVSignedDeviceIdentity, error) {
	account := keys.NewKeyPair()
	details, err := proto.Marshal(&waAdv.ADVDeviceIdentity{
		RawID:     proto.Uint32(1),
		Timestamp: proto.Uint64(uint64(time.Now().Unix())),
		KeyIndex:  proto.Uint32(1),
	})
	if err != nil {
		return nil, fmt.Errorf("encoding the device identity: %w", err)
	}
	byAccount := sign(account, whatsmeow.AdvAccountSignaturePrefix, details, identity.Pub[:])
	byDevice := sign(identity, whatsmeow.AdvDeviceSignaturePrefix, details, identity.Pub[:], account.Pub[:])
	return &waAdv.ADVSignedDeviceIdentity{
		Details:             details,
		AccountSignatureKey: account.Pub[:],
		AccountSignature:    byAccount,
		DeviceSignature:     byDevice,
	}, nil
}

func sign(key *keys.KeyPair, parts ...[]byte) []byte {
	var message []byte
	for _, part := range parts {
		message = append(message, part...)
	}
	signature := ecc.CalculateSignature(ecc.NewDjbECPrivateKey(*key.Priv), message)
	return signature[:]
}
