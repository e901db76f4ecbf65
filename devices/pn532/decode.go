package pn532

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/tallydock/tallydock/devices"
)

// Decode is a devices.Decoder: it tells what whole frames in a row say, in both directions, as they go over a serial line
// or to and from an ACR122U: CCID messages, and the pseudo commands (FF 00 …) and answers (D5 … 90 00) in them; such an
// answer tells its end by none but the end of data.
//
// A list of cards is a Read for each card, and the Notice "no_card" where it is empty. All else is a Notice, named after
// the command: of a command its parameters, of a response what it says, of an exchange with a card how long it is.
func Decode(data []byte) ([]devices.Report, error) {
	d := decoding{data: data}
	if len(data) == 0 {
		return nil, errors.New("there are no bytes; a whole frame is wanted")
	}
	for d.at < len(data) {
		from := d.at
		if err := d.one(); err != nil {
			return d.reports, fmt.Errorf("byte %d: %w", from, err)
		}
	}
	if len(d.reports) == 0 {
		return nil, errors.New("there is no frame among the zeros")
	}
	return d.reports, nil
}

var _ devices.Decoder = Decode

// decoding is the state of reading frames in a row.
type decoding struct {
	data    []byte
	at      int
	reports []devices.Report
	otherRF bool       // the last command was to list cards that are not of ISO 14443 type A
	asked   PseudoCode // the last pseudo command, for the answers that do not say what they are
	pending bool       // it was not answered yet
}

// one reads what begins at d.at.
func (d *decoding) one() error {
	b := d.data[d.at:]
	switch {
	case b[0] == 0x00:
		return d.serial(b)
	case b[0] == 0x55:
		n := len(b) - len(bytes.TrimLeft(b, "\x55"))
		d.at += n
		d.note("wake_up", "%d bytes 55", n)
		return nil
	case b[0] == 0xFF:
		p, n, err := ParsePseudo(b)
		if err == nil {
			d.at += n
			err = d.pseudo(p, b[:n])
		}
		return err
	case b[0] == byte(FromChip):
		d.at += len(b)
		return d.answer(b)
	case messageNames[MessageType(b[0])] != "":
		m, n, err := ParseMessage(b)
		if err == nil {
			d.at += n
			err = d.message(m)
		}
		return err
	}
	return fmt.Errorf("%02x begins no frame: not of a serial line (00, 55), nor of an ACR122U (CCID type, ff, d5)", b[0])
}

// serial reads a frame of a serial line, or the zeros around one.
func (d *decoding) serial(b []byte) error {
	if len(b) == 1 || b[1] == 0 {
		d.at++
		return nil
	}
	f, n, err := frameAt(b)
	if err != nil {
		return err
	}
	d.at += n
	return d.frame(f)
}

func (d *decoding) message(m Message) error {
	switch {
	case m.Failed():
		d.note("failed", "the reader refused, error %02x", m.Bytes[1])
	case len(m.Data) == 0:
		d.note(messageNames[m.Type], "slot %d", m.Slot)
	case m.Answer():
		return d.answer(m.Data)
	case bytes.HasPrefix(m.Data, []byte{0, 0, 0xFF}): // a frame as on a serial line
		f, n, err := frameAt(m.Data[1:])
		if rest := m.Data[1:]; err != nil || len(bytes.Trim(rest[n:], "\x00")) > 0 {
			return errors.Join(errors.New("CCID message holds no whole PN532 frame"), err)
		}
		return d.frame(f)
	case m.Data[0] == 0xFF && (len(m.Data) < 2 || m.Data[1] == 0):
		p, n, err := ParsePseudo(m.Data)
		if err != nil {
			return err
		}
		if n < len(m.Data) {
			return fmt.Errorf("%d bytes follow the pseudo command", len(m.Data)-n)
		}
		return d.pseudo(p, m.Data)
	default:
		d.note(messageNames[m.Type], "%d bytes for the card: %x", len(m.Data), m.Data)
	}
	return nil
}

func (d *decoding) pseudo(p Pseudo, whole []byte) error {
	d.asked, d.pending = p.What, true
	if p.What != Direct {
		d.note(pseudoNames[p.What], "command, parameter %02x, data %x", p.Param, p.Data)
		return nil
	}
	f, err := ParseDirect(whole)
	if err != nil {
		return err
	}
	return d.frame(f)
}

// answer reads what an ACR122U answers to a pseudo command or to power on.
func (d *decoding) answer(b []byte) error {
	asked, known := d.asked, d.pending
	d.pending = false
	switch {
	case b[0] == byte(FromChip):
		f, err := ParseDirect(b)
		if err != nil {
			return err
		}
		return d.frame(f)
	case len(b) == 2 && b[0] == 0x63:
		d.note("failed", "the reader refused, status %x", b)
	case strings.HasPrefix(string(b), "ACR") && utf8.Valid(b):
		d.note(pseudoNames[ReaderName], "%q", b)
	case b[0] == 0x3B:
		d.note("power_on", "card's answer to reset %x", b)
	case known:
		d.note(pseudoNames[asked], "answer %x", b)
	case len(b) == 2 && b[0] == 0x90:
		d.note("well", "status %x", b)
	default:
		d.note("answer", "%d bytes: %x", len(b), b)
	}
	return nil
}

// codeNames are the commands of a PN532.
var codeNames = map[Code]string{
	0x00: "diagnose", GetFirmwareVersion: "get_firmware_version", 0x04: "get_general_status", 0x06: "read_register",
	0x08: "write_register", 0x0C: "read_gpio", 0x0E: "write_gpio", 0x10: "set_serial_baud_rate", 0x12: "set_parameters",
	SAMConfiguration: "sam_configuration", 0x16: "power_down", RFConfiguration: "rf_configuration", InDataExchange: "in_data_exchange",
	0x42: "in_communicate_thru", 0x44: "in_deselect", 0x46: "in_jump_for_psl", InListPassiveTarget: "in_list_passive_target",
	0x4E: "in_psl", 0x50: "in_atr", InRelease: "in_release", 0x54: "in_select", 0x56: "in_jump_for_dep", 0x58: "rf_regulation_test",
	0x60: "in_auto_poll", 0x86: "tg_get_data", 0x88: "tg_get_initiator_command", 0x8A: "tg_get_target_status",
	0x8C: "tg_init_as_target", 0x8E: "tg_set_data", 0x90: "tg_response_to_initiator", 0x92: "tg_set_general_bytes",
	0x94: "tg_set_meta_data",
}

func (d *decoding) frame(f Frame) error {
	switch f.Kind {
	case ACK:
		d.note("ack", "the frame before arrived")
		return nil
	case NACK:
		d.note("nack", "the last response is wanted again")
		return nil
	case SyntaxError:
		d.note("syntax_error", "the PN532 did not understand the command")
		return nil
	}
	code := f.Code
	if f.Direction == FromChip {
		code--
	}
	name := codeNames[code]
	switch {
	case name == "":
		return fmt.Errorf("%02x %02x is no command of a PN532 and no response to one", byte(f.Direction), byte(f.Code))
	case f.Direction == ToChip:
		d.command(name, f)
		return nil
	default:
		return d.response(name, f)
	}
}

func (d *decoding) command(name string, f Frame) {
	switch f.Code {
	case InListPassiveTarget:
		d.otherRF = len(f.Params) > 1 && f.Params[1] != baud106A
	case InDataExchange:
		d.note(name, "command, %d bytes to a card", max(len(f.Params)-1, 0))
		return
	}
	d.note(name, "command, parameters %s", orNone(f.Params))
}

func (d *decoding) response(name string, f Frame) error {
	switch f.Code {
	case GetFirmwareVersion.Response():
		v, err := ParseFirmware(f)
		if err != nil {
			return err
		}
		d.note(name, "answer: IC %02x, version %d.%d, support %02x", v.IC, v.Version, v.Revision, v.Support)
	case InDataExchange.Response():
		a, err := ParseAnswer(f)
		if err != nil {
			return err
		}
		more := ""
		if a.More {
			more = ", more to come"
		}
		d.note(name, "answer of %d bytes, status %02x: %s%s", len(a.Data), byte(a.Status), a.Status, more)
	case InListPassiveTarget.Response():
		if !d.otherRF {
			return d.cards(f)
		}
		d.note(name, "answer, cards of another kind than ISO 14443 A: %s", orNone(f.Params))
	default:
		d.note(name, "answer %s", orNone(f.Params))
	}
	return nil
}

func (d *decoding) cards(f Frame) error {
	targets, err := ParseTargets(f)
	if err != nil {
		return err
	}
	if len(targets) == 0 {
		d.note("no_card", "the list of cards is empty")
	}
	for _, t := range targets {
		tag, err := devices.NewTag(devices.TagUID, t.UID)
		if err != nil {
			return err
		}
		d.reports = append(d.reports, devices.Report{Read: &devices.Read{Tag: tag, Count: 1}})
	}
	return nil
}

func orNone(b []byte) string {
	if len(b) == 0 {
		return "none"
	}
	return hex.EncodeToString(b)
}

func (d *decoding) note(code, format string, values ...any) {
	d.reports = append(d.reports, devices.Report{Notice: &devices.Notice{Code: code, Text: fmt.Sprintf(format, values...)}})
}
