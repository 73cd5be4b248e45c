package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"causeway/lab/record"
)

// witness is somebody whose record can be searched.
type witness struct {
	saw        string
	FindText   func(context.Context, string) (record.Answer, error)
	FindPieces func(context.Context, []byte, int) (record.Answer, error)
}

func (s *story) witnesses() []witness {
	list := []witness{}
	for i, p := range s.phones {
		list = append(list, witness{
			fmt.Sprintf("Between phone %s and the volunteer", name(i)), p.FindText, p.FindPieces,
		})
	}
	return append(list, witness{"Between the volunteer and the service, and inside the service", s.service.FindText, s.service.FindPieces})
}

// proof searches everything that was recorded.
func (s *story) proof(ctx context.Context) error {
	s.chapter("The proof: nobody on the way could read it")
	s.note("Recorded at each phone: its chat as it is inside the TLS of port 443, which is what the")
	s.note("volunteer holds after decrypting, and its media connections as they are on the wire.")
	s.note("Recorded at the service: every byte that the volunteer sent it and got from it, and what")
	s.note("the service itself had after its own decryption.")
	s.note("Searched: every text as it is, in UTF-16, hex and base64; every picture in pieces of 32 bytes.")
	for _, w := range s.witnesses() {
		size, err := s.search(ctx, w)
		if err := s.must(err, "%s (%d bytes): no text and no piece of a picture", w.saw, size); err != nil {
			return err
		}
	}
	return s.headers(ctx)
}

// search looks for everything that was said in what one witness saw.
func (s *story) search(ctx context.Context, w witness) (size int, err error) {
	var answers []record.Answer
	for _, text := range s.texts {
		answer, err := w.FindText(ctx, text)
		if err != nil {
			return size, err
		}
		answers = append(answers, answer)
	}
	for _, photo := range s.photos {
		answer, err := w.FindPieces(ctx, photo, pieceSize)
		if err != nil {
			return size, err
		}
		answers = append(answers, answer)
	}
	for _, answer := range answers {
		size = answer.Bytes
		if !answer.Clean() {
			return size, fmt.Errorf("found: %s", strings.Join(answer.Hits, "; "))
		}
	}
	return size, nil
}

// headers shows what the service was told about the phones.
func (s *story) headers(ctx context.Context) error {
	seen, err := s.service.Seen(ctx)
	direct, named, medias := 0, 0, 0
	for _, one := range seen {
		switch {
		case one.Problem != "":
			err = errors.Join(err, errors.New(one.Problem))
		case one.Silent: // the volunteer's check of whether the service is there
		case one.Route == "media":
			medias++
		case one.Header > 0:
			named++
		default:
			direct++
		}
	}
	return s.must(err, "The service saw %d direct chats before the block, then %d from the volunteer, each with a PROXY header "+
		"that names the phone's address, as the official proxy sends it (--proxy-protocol off leaves it out); "+
		"and %d media connections, none with a header", direct, named, medias)
}

// leak shows that the search would have found something: it plants the last
// text and picture in the clear on the way that the chat took.
func (s *story) leak(ctx context.Context) error {
	s.chapter("The counter-proof: a planted leak would have been found")
	text, photo := s.texts[len(s.texts)-1], s.photos[len(s.photos)-1]
	secret := append([]byte(text), photo...)
	if err := s.must(s.phones[0].Leak(ctx, s.way443(), secret), "The demo sends the same text and picture unencrypted through the volunteer's port 443"); err != nil {
		return err
	}
	all := s.witnesses()
	for _, w := range []witness{all[0], all[len(all)-1]} {
		hits, err := until(ctx, func() (record.Answer, error) { return w.FindText(ctx, text) })
		if err := s.must(err, "The same search finds the text: %s", strings.ToLower(w.saw[:1])+w.saw[1:]); err != nil {
			return err
		}
		s.note(strings.Join(hits, "; "))
		if _, err = until(ctx, func() (record.Answer, error) { return w.FindPieces(ctx, photo, pieceSize) }); err != nil {
			return s.must(err, "The same search finds the picture")
		}
	}
	return s.must(nil, "The same search finds the picture in both places too")
}

// arriveTime is how long a planted leak may take to arrive.
const arriveTime = 10 * time.Second

// until repeats a search until it finds something or arriveTime is over.
func until(ctx context.Context, find func() (record.Answer, error)) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, arriveTime)
	defer cancel()
	for {
		answer, err := find()
		if err != nil {
			return nil, err
		}
		if len(answer.Hits) > 0 {
			return answer.Hits, nil
		}
		if ctx.Err() != nil {
			return nil, errors.New("it was not found")
		}
	}
}
