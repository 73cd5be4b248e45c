package phone

import (
	"context"
	"errors"
	"fmt"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"
)

// Text is a text that arrived.
type Text struct {
	From string `json:"from"` // the sender's number
	Body string `json:"body"`
}

// Picture is a picture that arrived and was downloaded.
type Picture struct {
	From    string `json:"from"` // the sender's number
	Caption string `json:"caption"`
	Data    []byte `json:"data"`
}

type pictureNote struct {
	from  string
	image *waE2E.ImageMessage
}

func (p *Phone) message(e *events.Message) {
	from := e.Info.Sender.User
	if image := e.Message.GetImageMessage(); image != nil {
		select {
		case p.pictures <- pictureNote{from, image}:
		default:
		}
		return
	}
	select {
	case p.texts <- Text{From: from, Body: e.Message.GetConversation()}:
	default:
	}
}

// SendText sends body to the person with that number and returns when the
// service has taken it.
func (p *Phone) SendText(ctx context.Context, number, body string) error {
	return p.send(ctx, JID(number), &waE2E.Message{Conversation: proto.String(body)})
}

// SendPicture uploads a PNG over the media port and sends it.
func (p *Phone) SendPicture(ctx context.Context, number, caption string, png []byte) error {
	upload, err := p.client.Upload(ctx, png, whatsmeow.MediaImage)
	if err != nil {
		return fmt.Errorf("uploading the picture: %w", err)
	}
	return p.send(ctx, JID(number), &waE2E.Message{ImageMessage: &waE2E.ImageMessage{
		Caption:       proto.String(caption),
		Mimetype:      proto.String("image/png"),
		URL:           proto.String(upload.URL),
		DirectPath:    proto.String(upload.DirectPath),
		MediaKey:      upload.MediaKey,
		FileEncSHA256: upload.FileEncSHA256,
		FileSHA256:    upload.FileSHA256,
		FileLength:    proto.Uint64(upload.FileLength),
	}})
}

func (p *Phone) send(ctx context.Context, to types.JID, message *waE2E.Message) error {
	if _, err := p.client.SendMessage(ctx, to, message); err != nil {
		return fmt.Errorf("sending the message: %w", err)
	}
	return nil
}

// WaitText returns the next text that arrives.
func (p *Phone) WaitText(ctx context.Context) (Text, error) {
	select {
	case text := <-p.texts:
		return text, nil
	case <-ctx.Done():
		return Text{}, fmt.Errorf("waiting for a text: %w", ctx.Err())
	}
}

// WaitPicture returns the next picture that arrives, downloaded over the media
// port and decrypted.
func (p *Phone) WaitPicture(ctx context.Context) (Picture, error) {
	select {
	case note := <-p.pictures:
		data, err := p.client.Download(ctx, note.image)
		if err != nil {
			return Picture{}, fmt.Errorf("downloading the picture: %w", err)
		}
		return Picture{From: note.from, Caption: note.image.GetCaption(), Data: data}, nil
	case <-ctx.Done():
		return Picture{}, fmt.Errorf("waiting for a picture: %w", ctx.Err())
	}
}

// Leak writes secret in the clear on the way that the chat takes: a greeting,
// then a frame that nobody encrypted. It exists to show that the search which
// finds nothing else would find this.
func (p *Phone) Leak(ctx context.Context, route Route, secret []byte) error {
	way := &tunnel{route: route, dial: p.config.Dial, tape: p.config.Tape, name: p.config.Name}
	conn, err := way.connect(ctx)
	if err != nil {
		return err
	}
	size := len(secret)
	greeting := []byte{'W', 'A', 6, 3, byte(size >> 16), byte(size >> 8), byte(size)}
	_, err = conn.Write(append(greeting, secret...))
	return errors.Join(err, conn.Close())
}
