package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"image"
	"image/png"
	"strings"

	"causeway/lab/actor"
	"causeway/lab/phone"
	"causeway/lab/world"
)

const (
	numberA = "15550100001"
	numberB = "15550100002"
)

// pieceSize is the size of the pieces of the picture that are searched for.
const pieceSize = 32

// story is everybody in it and what they said.
type story struct {
	*teller
	stage   stage
	service *actor.Service
	phones  []*actor.Phone // A, B
	texts   []string       // that nobody on the way may read
	photos  [][]byte       // likewise
}

// errStep means that a step failed and has been reported.
var errStep = errors.New("a step did not hold")

// tell tells the story and returns the exit code.
func tell(ctx context.Context, t *teller, on stage) int {
	s := &story{teller: t, stage: on}
	t.hushed = func() bool { return errors.Is(ctx.Err(), context.Canceled) }
	defer s.end()
	for _, part := range []func(context.Context) error{
		s.begin, s.before, s.censor, s.volunteer, s.through443, s.through5222, s.proof, s.leak, s.farewell,
	} {
		if err := part(ctx); err != nil {
			if !t.hushed() {
				t.chapter("The demo failed.")
			}
			return exitFailed
		}
	}
	t.chapter("Every step held.")
	return 0
}

// must reports a step and stops the story if it failed.
func (s *story) must(err error, text string, args ...any) error {
	s.step(fmt.Sprintf(text, args...), err)
	if err != nil {
		return errStep
	}
	return nil
}

// begin starts the service and both phones.
func (s *story) begin(ctx context.Context) error {
	s.chapter("A messaging service and two phones")
	s.note(s.stage.setting() + ".")
	place, setup := s.stage.service()
	service, err := actor.StartService(ctx, place, setup)
	s.service = service
	if err := s.must(err, "The service runs: a stand-in that speaks WhatsApp's chat and media protocols and keeps every byte it sees"); err != nil {
		return err
	}
	for i, who := range []struct{ number, name string }{{numberA, "A"}, {numberB, "B"}} {
		p, err := actor.StartPhone(s.stage.phone(i), actor.PhoneSetup{
			Number: who.number, Name: who.name, Root: service.Facts.Root, CA: service.Facts.CA,
		})
		if err := s.must(err, "Phone %s is on: the unmodified whatsmeow client library", who.name); err != nil {
			return err
		}
		s.phones = append(s.phones, p)
	}
	return nil
}

// before shows that the direct way works while nobody blocks it.
func (s *story) before(ctx context.Context) error {
	s.chapter("Before the block")
	direct := s.stage.direct(s.service.Facts)
	if err := s.connect(ctx, direct, direct, "directly"); err != nil {
		return err
	}
	return s.text(ctx, 0, 1)
}

// censor shuts the direct way and shows that it is shut.
func (s *story) censor(ctx context.Context) error {
	s.chapter("The censor shuts the way")
	for _, p := range s.phones {
		if err := p.Disconnect(ctx); err != nil {
			return s.must(err, "The phones hang up")
		}
	}
	if err := s.must(s.stage.block(ctx, s.phones), "Nothing comes out of the country any more, except to an address the censor does not know"); err != nil {
		return err
	}
	for i, p := range s.phones {
		probe, cancel := context.WithTimeout(ctx, probeTime)
		err := p.Connect(probe, s.stage.direct(s.service.Facts))
		cancel()
		if err == nil {
			return s.must(errors.New("it connected"), "Phone %s cannot connect directly", name(i))
		}
		s.step(fmt.Sprintf("Phone %s cannot connect directly (%s)", name(i), reason(err)), nil)
	}
	return nil
}

// reason is the end of an error: what the network said.
func reason(err error) string {
	parts := strings.Split(err.Error(), ": ")
	return parts[len(parts)-1]
}

func (s *story) volunteer(ctx context.Context) error {
	s.chapter("A volunteer outside runs causeway")
	how, err := s.stage.volunteer(ctx, s.service.Facts, s.phones)
	return s.must(err, "The volunteer runs %s", how)
}

func (s *story) through443(ctx context.Context) error {
	s.chapter("Through the volunteer: chat on 443 (TLS), media on 587")
	way := s.way443()
	if err := s.connect(ctx, way, way, "through the volunteer's port 443"); err != nil {
		return err
	}
	if err := s.text(ctx, 0, 1); err != nil {
		return err
	}
	if err := s.text(ctx, 1, 0); err != nil {
		return err
	}
	return s.photo(ctx, 0, 1, "587")
}

func (s *story) way443() phone.Route {
	return phone.Route{Chat: s.stage.at(443), ChatTLS: true, Media: s.stage.at(587)}
}

func (s *story) through5222(ctx context.Context) error {
	s.chapter("The same with chat on 5222 (plain) and media on 7777")
	way := phone.Route{Chat: s.stage.at(5222), Media: s.stage.at(7777), MediaALPN: []string{"h2", "http/1.1"}}
	if err := s.connect(ctx, way, way, "through the volunteer's port 5222"); err != nil {
		return err
	}
	if err := s.text(ctx, 0, 1); err != nil {
		return err
	}
	return s.photo(ctx, 1, 0, "7777")
}

func (s *story) connect(ctx context.Context, a, b phone.Route, how string) error {
	for i, route := range []phone.Route{a, b} {
		if err := s.must(s.phones[i].Connect(ctx, route), "Phone %s connects %s and logs in", name(i), how); err != nil {
			return err
		}
	}
	return nil
}

// text sends a text that has never been written before and checks that it
// arrives.
func (s *story) text(ctx context.Context, from, to int) error {
	words := fmt.Sprintf("We are safe. Grandmother is at the harbour house, come by boat. (%s)", rand.Text())
	s.texts = append(s.texts, words)
	err := s.phones[from].SendText(ctx, number(to), words)
	if err == nil {
		var got phone.Text
		got, err = s.phones[to].WaitText(ctx)
		if err == nil && (got.Body != words || got.From != number(from)) {
			err = fmt.Errorf("got %q from %s", got.Body, got.From)
		}
	}
	return s.must(err, "%s writes, and %s reads: %q", name(from), name(to), words)
}

func (s *story) photo(ctx context.Context, from, to int, port string) error {
	file, err := draw()
	if err != nil {
		return s.must(err, "%s takes a picture", name(from))
	}
	s.photos = append(s.photos, file)
	err = s.phones[from].SendPicture(ctx, number(to), "the harbour", file)
	if err == nil {
		var got phone.Picture
		got, err = s.phones[to].WaitPicture(ctx)
		if err == nil && !bytes.Equal(got.Data, file) {
			err = fmt.Errorf("got %d bytes that are not the picture", len(got.Data))
		}
	}
	return s.must(err, "%s sends a picture (%d bytes) through port %s, and %s sees it", name(from), len(file), port, name(to))
}

// draw makes a picture of which no piece turns up by chance.
func draw() ([]byte, error) {
	canvas := image.NewRGBA(image.Rect(0, 0, 64, 64))
	rand.Read(canvas.Pix)
	var file bytes.Buffer
	err := png.Encode(&file, canvas)
	return file.Bytes(), err
}

// farewell stops the volunteer and looks through what it leaves behind.
func (s *story) farewell(ctx context.Context) error {
	s.chapter("The volunteer stops")
	for _, p := range s.phones {
		if err := p.Disconnect(ctx); err != nil {
			return s.must(err, "The phones hang up")
		}
	}
	left, err := s.stage.traces()
	for _, person := range append(s.texts, world.PhoneA, world.PhoneB, numberA, numberB) {
		if strings.Contains(left, person) {
			err = errors.Join(err, fmt.Errorf("it holds %q", person))
		}
	}
	if left != "" || err != nil {
		if err := s.must(err, "Its log (at debug level) and its state folder, %d bytes, hold no address, no number and no message", len(left)); err != nil {
			return err
		}
	}
	return s.must(s.stage.stop(), "It ends cleanly")
}

// end stops whatever still runs.
func (s *story) end() {
	for _, p := range s.phones {
		p.Close()
	}
	if s.service != nil {
		s.service.Close()
	}
	if err := s.stage.stop(); err != nil {
		s.note("stopping the volunteer: " + err.Error())
	}
}

func name(i int) string   { return string(rune('A' + i)) }
func number(i int) string { return []string{numberA, numberB}[i] }
