package pn532

import (
	"errors"
	"fmt"

	"github.com/tallydock/tallydock/devices/pn532/ndef"
)

// MaxMessage is the longest NDEF message that is read of a card, in bytes.
const MaxMessage = 4096

// Exchange sends a command to a card and gives the card's answer, which counts until the next call.
type Exchange func(command []byte) ([]byte, error)

// ErrNoMessage says that a card carries no NDEF message, which is nothing wrong.
var ErrNoMessage = errors.New("card carries no NDEF message")

// ReadMessage reads the NDEF message of a listed card: of NFC Forum Type 2 (NTAG, Ultralight) and Type 4 (ISO 14443-4)
// cards; every other is ErrNoMessage, as is a card of these types without a message. Errors of the exchange are wrapped.
// A card cannot make it read more than MaxMessage bytes and what stands around them.
func ReadMessage(t Target, exchange Exchange) ([]byte, error) {
	switch {
	case t.SelRes&isoDEP != 0:
		return readType4(exchange)
	case t.SelRes == 0:
		return readType2(exchange)
	default:
		return nil, ErrNoMessage
	}
}

// readText gives the first URI or text of the card's message, "" where it has none.
func readText(t Target, exchange Exchange) (string, error) {
	message, err := ReadMessage(t, exchange)
	if errors.Is(err, ErrNoMessage) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	records, err := ndef.Parse(message)
	if err != nil {
		return "", fmt.Errorf("NDEF message: %w", err)
	}
	return ndef.First(records)
}

func tooLong(size int) error {
	return fmt.Errorf("NDEF message has %d bytes; no more than %d are read", size, MaxMessage)
}
