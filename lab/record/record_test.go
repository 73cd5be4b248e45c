package record_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"testing"
	"unicode/utf16"

	"causeway/lab/record"
)

const secret = "meet me under the bridge at nine"

func TestFindText(t *testing.T) {
	var little []byte
	for _, unit := range utf16.Encode([]rune(secret)) {
		little = append(little, byte(unit), byte(unit>>8))
	}
	cases := []struct {
		name string
		seen string
		want bool
	}{
		{"nothing of it", "noise noise noise noise", false},
		{"in the clear", "xx" + secret + "yy", true},
		{"half of it is not it", secret[:len(secret)/2], false},
		{"hex", hex.EncodeToString([]byte(secret)), true},
		{"upper-case hex", string(bytes.ToUpper([]byte(hex.EncodeToString([]byte(secret))))), true},
		{"UTF-16", string(little), true},
		{"base64 at the start", base64.StdEncoding.EncodeToString([]byte(secret)), true},
		{"base64 after one byte", base64.StdEncoding.EncodeToString([]byte("a" + secret + "z")), true},
		{"base64 after two bytes", base64.URLEncoding.EncodeToString([]byte("ab" + secret + "zz")), true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var tape record.Tape
			tape.Add("wire", []byte("before "))
			tape.Add("wire", []byte(c.seen))
			if got := len(tape.FindText(secret).Hits) > 0; got != c.want {
				t.Errorf("got found %v, want %v", got, c.want)
			}
		})
	}
}

func TestFindTextAcrossWrites(t *testing.T) {
	var tape record.Tape
	for _, letter := range []byte(secret) {
		tape.Add("wire", []byte{letter})
	}
	if got := tape.FindText(secret); got.Clean() {
		t.Errorf("got clean, want the text found although it came byte by byte")
	}
}

func TestFindPieces(t *testing.T) {
	picture := make([]byte, 1000)
	for i := range picture {
		picture[i] = byte(i * i >> 3)
	}
	var tape record.Tape
	tape.Add("wire", []byte("something else altogether"))
	if got := tape.FindPieces(picture, 32); !got.Clean() {
		t.Errorf("got %v, want clean", got.Hits)
	}
	tape.Add("wire", picture[300:400])
	if got := tape.FindPieces(picture, 32); got.Clean() {
		t.Errorf("got clean, want a piece found")
	}
}

func TestNothingRecordedProvesNothing(t *testing.T) {
	var tape record.Tape
	if tape.FindText(secret).Clean() {
		t.Errorf("got clean for an empty tape, want not clean")
	}
}

func TestFullTapeProvesNothing(t *testing.T) {
	var tape record.Tape
	tape.Add("wire", make([]byte, record.MaxBytes))
	tape.Add("wire", []byte("one more"))
	if tape.FindText(secret).Clean() {
		t.Errorf("got clean for a full tape, want not clean")
	}
}
