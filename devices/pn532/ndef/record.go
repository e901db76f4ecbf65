package ndef

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Well-known types that are understood here.
const (
	typeURI    = "U"
	typeText   = "T"
	typePoster = "Sp"
)

// prefixes are what the first byte of a URI record stands for.
var prefixes = [...]string{
	"", "http://www.", "https://www.", "http://", "https://", "tel:", "mailto:", "ftp://anonymous:anonymous@", "ftp://ftp.",
	"ftps://", "sftp://", "smb://", "nfs://", "ftp://", "dav://", "news:", "telnet://", "imap:", "rtsp://", "urn:", "pop:",
	"sip:", "sips:", "tftp:", "btspp://", "btl2cap://", "btgoep://", "tcpobex://", "irdaobex://", "file://", "urn:epc:id:",
	"urn:epc:tag:", "urn:epc:pat:", "urn:epc:raw:", "urn:epc:", "urn:nfc:",
}

// Name gives the record's type as one name: "urn:nfc:wkt:U", "text/plain", "urn:nfc:ext:example.com:thing", a URI, or
// "empty" or "unknown".
func (r Record) Name() string {
	switch r.TNF {
	case Empty:
		return "empty"
	case WellKnown:
		return "urn:nfc:wkt:" + r.Type
	case External:
		return "urn:nfc:ext:" + r.Type
	case Media, Absolute:
		return r.Type
	default:
		return "unknown"
	}
}

// ErrOther says that a record is not of the kind that was asked for.
var ErrOther = errors.New("record is of another kind")

// URI gives the URI of a URI record, of a Smart Poster (the first in it), or of a record whose type is one. Other records
// are ErrOther.
func (r Record) URI() (string, error) {
	switch {
	case r.TNF == Absolute:
		return clean(r.Type)
	case r.TNF == WellKnown && r.Type == typeURI:
		return r.uri()
	case r.TNF == WellKnown && r.Type == typePoster:
		return r.poster()
	}
	return "", ErrOther
}

func (r Record) uri() (string, error) {
	if len(r.Payload) == 0 {
		return "", errors.New("URI record has no bytes; its prefix code is missing")
	}
	code := int(r.Payload[0])
	if code >= len(prefixes) {
		return "", fmt.Errorf("URI record has the prefix code 0x%02x; 0x00 to 0x%02x are known", code, len(prefixes)-1)
	}
	return clean(prefixes[code] + string(r.Payload[1:]))
}

// poster gives the first URI of a Smart Poster, whose payload is a message. A poster within it is not opened.
func (r Record) poster() (string, error) {
	records, err := Parse(r.Payload)
	if err != nil {
		return "", fmt.Errorf("smart poster: %w", err)
	}
	for _, in := range records {
		if in.TNF == WellKnown && in.Type == typeURI || in.TNF == Absolute {
			return in.URI()
		}
	}
	return "", errors.New("smart poster has no URI")
}

// clean passes a URI that can be shown and sent on as it is.
func clean(uri string) (string, error) {
	if uri == "" {
		return "", errors.New("URI is empty")
	}
	if !utf8.ValidString(uri) || strings.ContainsFunc(uri, func(c rune) bool { return unicode.IsControl(c) || c == ' ' }) {
		return "", fmt.Errorf("URI %q has characters that no URI has", uri)
	}
	return uri, nil
}

// Text is the content of a Text record.
type Text struct {
	Language string // as in "en" or "zh-CN", at most 63 bytes
	Text     string
	UTF16    bool // how the card writes it: UTF-16, big endian; else UTF-8
}

// Bits of a Text record's first byte.
const (
	utf16Bit     = 0x80
	languageBits = 0x3F
)

// Text gives the content of a Text record; other records are ErrOther. UTF-16 without a byte order mark is big endian.
func (r Record) Text() (Text, error) {
	if r.TNF != WellKnown || r.Type != typeText {
		return Text{}, ErrOther
	}
	if len(r.Payload) == 0 || len(r.Payload) < 1+int(r.Payload[0]&languageBits) {
		return Text{}, errors.New("text record ends within its language")
	}
	size := 1 + int(r.Payload[0]&languageBits)
	t := Text{Language: string(r.Payload[1:size]), UTF16: r.Payload[0]&utf16Bit != 0}
	content := r.Payload[size:]
	if t.UTF16 {
		var err error
		if t.Text, err = fromUTF16(content); err != nil {
			return Text{}, err
		}
	} else if t.Text = string(content); !utf8.ValidString(t.Text) {
		return Text{}, errors.New("text record says UTF-8 and is not")
	}
	if strings.ContainsRune(t.Text, 0) {
		return Text{}, errors.New("text record has a zero character")
	}
	return t, nil
}

func fromUTF16(b []byte) (string, error) {
	if len(b)%2 != 0 {
		return "", fmt.Errorf("text record says UTF-16 and has %d bytes, which is odd", len(b))
	}
	var order binary.ByteOrder = binary.BigEndian
	switch {
	case len(b) >= 2 && b[0] == 0xFE && b[1] == 0xFF:
		b = b[2:]
	case len(b) >= 2 && b[0] == 0xFF && b[1] == 0xFE:
		order, b = binary.LittleEndian, b[2:]
	}
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = order.Uint16(b[2*i:])
	}
	text := utf16.Decode(units)
	for _, c := range text {
		if c == utf8.RuneError {
			return "", errors.New("text record says UTF-16 and has half a pair or a replacement character")
		}
	}
	return string(text), nil
}

// First gives the first URI or text among records, "" where there is none. A record that is broken is passed over; the
// first that was is the error where nothing else is found.
func First(records []Record) (string, error) {
	var broken error
	for i, r := range records {
		s, err := r.content()
		if err == nil && s != "" {
			return s, nil
		}
		if broken == nil && err != nil && !errors.Is(err, ErrOther) {
			broken = fmt.Errorf("record %d: %w", i+1, err)
		}
	}
	return "", broken
}

func (r Record) content() (string, error) {
	s, err := r.URI()
	if errors.Is(err, ErrOther) {
		t, err := r.Text()
		return t.Text, err
	}
	return s, err
}

// NewURI makes a URI record with the prefix that shortens it most.
func NewURI(uri string) Record {
	best := 0
	for code, p := range prefixes {
		if len(p) > len(prefixes[best]) && strings.HasPrefix(uri, p) {
			best = code
		}
	}
	return Record{TNF: WellKnown, Type: typeURI, Payload: append([]byte{byte(best)}, uri[len(prefixes[best]):]...)}
}

// NewText makes a Text record. It fails where the language has more than 63 bytes.
func NewText(t Text) (Record, error) {
	if len(t.Language) > languageBits {
		return Record{}, fmt.Errorf("language %q has %d bytes; %d are possible", t.Language, len(t.Language), languageBits)
	}
	r := Record{TNF: WellKnown, Type: typeText, Payload: append([]byte{byte(len(t.Language))}, t.Language...)}
	if !t.UTF16 {
		r.Payload = append(r.Payload, t.Text...)
		return r, nil
	}
	r.Payload[0] |= utf16Bit
	for _, unit := range utf16.Encode([]rune(t.Text)) {
		r.Payload = binary.BigEndian.AppendUint16(r.Payload, unit)
	}
	return r, nil
}

// NewPoster makes a Smart Poster of records.
func NewPoster(records ...Record) (Record, error) {
	message, err := Append(nil, records...)
	return Record{TNF: WellKnown, Type: typePoster, Payload: message}, err
}
