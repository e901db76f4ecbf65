package main

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/all"
)

// decodeCommand tells what frames or messages of a device say: edge decode PROTOCOL HEX|FILE.
func decodeCommand(args []string, out, diag io.Writer) int {
	flags := flag.NewFlagSet("edge decode", flag.ContinueOnError)
	flags.SetOutput(diag)
	rest, code := parseMixed(flags, args)
	switch {
	case code >= 0:
		return code
	case len(rest) < 2:
		fmt.Fprintf(diag, "edge decode: say which protocol and what: edge decode PROTOCOL HEX|FILE (- reads standard input)\nPROTOCOL is one of %s\n",
			strings.Join(all.Protocols(), ", "))
		return exitUsage
	}
	decode, err := all.Decoder(rest[0])
	if err != nil {
		fmt.Fprintf(diag, "edge decode: %v\n", err)
		return exitUsage
	}
	data, err := material(rest[1:])
	if err == nil {
		var reports []devices.Report
		reports, err = decode(data)
		w := newLines(out)
		for _, r := range reports {
			if e := w.write(tell(r)); e != nil {
				err = e
				break
			}
		}
		if e := w.flush(); err == nil {
			err = e
		}
	}
	if err != nil {
		fmt.Fprintf(diag, "edge decode: %v\n", err)
		return exitFailed
	}
	return exitOK
}

// material gives the bytes that arguments stand for: hexadecimal digits, JSON, or one file's content, which may itself be
// hexadecimal digits.
func material(args []string) ([]byte, error) {
	text := strings.Join(args, " ")
	if b, ok := unhex(text); ok {
		return b, nil
	}
	if t := strings.TrimSpace(text); strings.HasPrefix(t, "{") || strings.HasPrefix(t, "[") {
		return []byte(text), nil
	}
	if len(args) > 1 {
		return nil, fmt.Errorf("%q is neither hexadecimal digits nor one file", text)
	}
	in, err := openInput(args[0])
	if err != nil {
		return nil, fmt.Errorf("%q is no string of hexadecimal digits, and no file: %w", args[0], err)
	}
	defer in.Close()
	b, err := io.ReadAll(io.LimitReader(in, maxMaterial+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("cannot read %s: %w", args[0], err)
	case len(b) > maxMaterial:
		return nil, fmt.Errorf("%s has more than %d bytes; cut it", args[0], maxMaterial)
	}
	if h, ok := unhex(string(b)); ok && len(bytes.TrimSpace(b)) > 0 {
		return h, nil
	}
	return b, nil
}

// maxMaterial bounds a file.
const maxMaterial = 64 << 20

// unhex reads hexadecimal digits, with or without 0x, spaces, colons and line ends.
func unhex(s string) ([]byte, bool) {
	s = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || r == ':' || r == '-' || r == ',' {
			return -1
		}
		return r
	}, strings.ReplaceAll(strings.ReplaceAll(s, "0x", ""), "0X", ""))
	b, err := hex.DecodeString(s)
	return b, err == nil && len(b) > 0
}

// report is a devices.Report as technicians and tests read it.
type report struct {
	Kind string `json:"kind"` // read, gpi, sample or notice

	EPC        string   `json:"epc,omitempty"`
	UID        string   `json:"uid,omitempty"`
	Antenna    *uint8   `json:"antenna,omitempty"`
	RSSI       *float64 `json:"rssi_dbm,omitempty"`
	RSSIRaw    *float64 `json:"rssi_raw,omitempty"` // on the reader's own scale
	Phase      *float64 `json:"phase_deg,omitempty"`
	ChannelKHz uint32   `json:"channel_khz,omitempty"`
	Count      uint32   `json:"count,omitempty"`
	Seq        uint64   `json:"seq,omitempty"`

	GPI   *uint8 `json:"gpi,omitempty"`
	State string `json:"state,omitempty"` // high or low

	Quantity   string   `json:"quantity,omitempty"`
	Value      *float64 `json:"value,omitempty"`
	Unit       string   `json:"unit,omitempty"` // UCUM
	Quality    string   `json:"quality,omitempty"`
	Reason     string   `json:"reason,omitempty"`
	Channel    string   `json:"channel,omitempty"`
	Historical bool     `json:"historical,omitempty"`

	Code string `json:"code,omitempty"`
	Text string `json:"text,omitempty"`
	T    string `json:"t,omitempty"` // the device's own time
}

func tell(r devices.Report) report {
	switch {
	case r.Read != nil:
		return tellRead(r.Read)
	case r.GPI != nil:
		g := r.GPI
		o := report{Kind: "gpi", GPI: &g.Port, State: "low", T: stampOf(g.ReaderTime)}
		if g.High {
			o.State = "high"
		}
		return o
	case r.Sample != nil:
		s := r.Sample
		o := report{
			Kind: "sample", Quantity: s.Quantity.String(), Unit: s.Quantity.UCUM(), Quality: s.Quality.String(), Reason: s.Reason,
			Channel: s.Channel, Historical: s.Historical, T: stampOf(s.DeviceTime),
		}
		if s.Quality != devices.NoData {
			v := s.Value.Float()
			o.Value = &v
		}
		return o
	default:
		return report{Kind: "notice", Code: r.Notice.Code, Text: r.Notice.Text}
	}
}

func tellRead(r *devices.Read) report {
	o := report{Kind: "read", ChannelKHz: r.ChannelKHz, Seq: r.Seq, Text: r.Text, T: stampOf(r.ReaderTime)}
	if id := hex.EncodeToString(r.Tag.Bytes()); r.Tag.Kind() == devices.TagUID {
		o.UID = id
	} else {
		o.EPC = id
	}
	if r.Antenna > 0 {
		o.Antenna = &r.Antenna
	}
	if r.Count > 1 {
		o.Count = r.Count
	}
	if r.HasRSSI {
		v := float64(r.RSSI) / 100
		if r.RSSIRelative {
			o.RSSIRaw = &v
		} else {
			o.RSSI = &v
		}
	}
	if r.HasPhase {
		v := r.Phase.Degrees()
		o.Phase = &v
	}
	return o
}
