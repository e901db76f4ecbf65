package modbus

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/catalog"
)

// Decode gives the Decoder of a model: it tells what frames of a serial line mean, or, where the first is none, frames of
// Modbus TCP.
//
// A request is a Notice with the function's name as its code. A response says of what function it is and how long, but not
// which registers it holds. Behind its request it is read exactly. Alone it is read as the answer to the one of the
// model's own requests that has its length; else as the first value that the model names of the table, with those after
// it that follow register by register, where they fill it; a Notice "address_assumed" says so. Where nothing fits, or
// several requests do, a Notice "registers" or "bits" shows what it holds. An exception is a Notice with its name.
func Decode(models *catalog.Catalog, model string) (devices.Decoder, error) {
	m, err := models.Modbus(model)
	if err != nil {
		return nil, err
	}
	return func(data []byte) ([]devices.Report, error) {
		if len(data) == 0 {
			return nil, noFrame("there are no bytes")
		}
		reports, frames, err := read(m, data, nextRTU)
		if frames > 0 || err == nil {
			return reports, err
		}
		if tcp, frames, err2 := read(m, data, nextTCP); frames > 0 || err2 == nil {
			return tcp, err2
		} else if _, head := lengthTCP(data); head == nil {
			err = fmt.Errorf("%w; as modbus TCP: %w", err, err2)
		}
		return nil, err
	}, nil
}

// read decodes data as frames of one framing and tells how many there were.
func read(m catalog.Modbus, data []byte, next func([]byte) frame) ([]devices.Report, int, error) {
	d := decoding{model: m, plan: Plan(m, m.Unit)}
	return d.all(data, next)
}

// decoding is the state of reading frames in a row.
type decoding struct {
	model catalog.Modbus
	plan  []Read
	asked *Request // the last request that is not answered yet
}

// frame is one frame of either direction. Both may be possible.
type frame struct {
	request  *Request
	response *Response
	size     int
	reason   error // why it is no frame, where it is none
}

func nextRTU(b []byte) frame {
	r, n, err := DecodeRequest(b)
	a, m, err2 := DecodeResponse(b)
	return frameOf(&r, n, err, &a, m, err2)
}

func nextTCP(b []byte) frame {
	_, r, n, err := DecodeTCPRequest(b)
	_, a, m, err2 := DecodeTCPResponse(b)
	return frameOf(&r, n, err, &a, m, err2)
}

func frameOf(r *Request, n int, err error, a *Response, m int, err2 error) frame {
	f := frame{size: max(n, m)}
	if err == nil {
		f.request = r
	}
	if err2 == nil {
		f.response = a
	}
	if err != nil && err2 != nil {
		f.reason = fmt.Errorf("as a request: %w; as a response: %w", err, err2)
		if err.Error() == err2.Error() {
			f.reason = err
		}
	}
	return f
}

// all decodes frames until the end, or until what is none; read counts the frames.
func (d *decoding) all(data []byte, next func([]byte) frame) (reports []devices.Report, read int, err error) {
	for at := 0; at < len(data); read++ {
		f := next(data[at:])
		if f.reason != nil {
			return reports, read, fmt.Errorf("byte %d: %w", at, f.reason)
		}
		reports = append(reports, d.frame(f)...)
		at += f.size
	}
	return reports, read, nil
}

// frame tells what a frame means. Where it may be a request and a response it is a response to the request before it, or
// else a request.
func (d *decoding) frame(f frame) []devices.Report {
	answer := f.response != nil && d.asked != nil && answers(*d.asked, *f.response)
	if f.request != nil && !answer {
		d.asked = f.request
		return []devices.Report{note(f.request.Function.String(), f.request.text())}
	}
	asked := d.asked
	d.asked = nil
	if !answer {
		asked = nil
	}
	a := *f.response
	switch {
	case a.Exception != 0:
		return []devices.Report{note(a.Exception.code(), fmt.Sprintf("unit %d to %s: %s", a.Unit, a.Function, a.Exception))}
	case !a.Function.readsBits() && !a.Function.readsRegisters():
		return []devices.Report{note(a.Function.String()+"_done", a.text())}
	case asked != nil:
		return d.told(a, asked.Register)
	}
	first, ok := d.assume(a)
	if !ok {
		return []devices.Report{shownAs(a, "the request before it would say which they are")}
	}
	return append(d.told(a, first), note("address_assumed",
		fmt.Sprintf("read from %#04x on, as the model is polled; a response alone does not say", first)))
}

// told gives all that the model knows of in an answer from register first on.
func (d *decoding) told(a Response, first uint16) []devices.Report {
	var out []devices.Report
	b := catalog.Block{First: first, Words: a.Registers}
	in := func(regs []catalog.Register) []catalog.Register {
		return slices.DeleteFunc(slices.Clone(regs), func(r catalog.Register) bool {
			return functions[r.Table] != a.Function || !r.In(b)
		})
	}
	for _, s := range samples(in(d.model.Values), b) {
		out = append(out, devices.Report{Sample: &s})
	}
	inputs := slices.DeleteFunc(slices.Clone(d.model.Inputs), func(p catalog.Ports) bool { return functions[p.Table] != a.Function })
	for _, g := range states(inputs, first, a) {
		out = append(out, devices.Report{GPI: &g})
	}
	for _, c := range in(d.model.Corrections) {
		v, _, _ := c.Measure(b)
		out = append(out, note("correction", c.Name+" is "+shown(v, c.Quantity)))
	}
	for _, i := range d.model.Identity {
		if from := int(i.Register) - int(first); functions[i.Table] == a.Function && from >= 0 && from+i.Words() <= len(a.Registers) {
			out = append(out, note("identity", i.Name+" is "+i.Text(a.Registers[from:from+i.Words()])))
		}
	}
	if len(out) == 0 {
		out = append(out, shownAs(a, fmt.Sprintf("from %#04x on; the model names nothing there", first)))
	}
	return out
}

// assume tells from where on an answer without its request may be.
func (d *decoding) assume(a Response) (first uint16, ok bool) {
	matches := 0
	for _, r := range d.plan {
		ask := r.Request
		ask.Unit = a.Unit
		if answers(ask, a) {
			first = ask.Register
			matches++
		}
	}
	if matches != 0 {
		return first, matches == 1
	}
	return d.firstValue(a)
}

// firstValue finds the values, from the first that the model names, that fill an answer register by register.
func (d *decoding) firstValue(a Response) (first uint16, ok bool) {
	end := -1
	for _, v := range d.model.Values {
		from, to := v.Span()
		switch {
		case functions[v.Table] != a.Function:
			continue
		case end < 0:
			first = uint16(from)
		case from != end:
			return 0, false
		}
		if end = to; end-int(first) == len(a.Registers) {
			return first, true
		}
	}
	return 0, false
}

func note(code, text string) devices.Report {
	return devices.Report{Notice: &devices.Notice{Code: code, Text: text}}
}

// shownAs is an answer that means nothing to the model.
func shownAs(a Response, why string) devices.Report {
	if a.Function.readsBits() {
		return note("bits", fmt.Sprintf("unit %d, %s: %s (%s)", a.Unit, a.Function, bitText(a.Bits), why))
	}
	b := appendRegisters(nil, a.Registers)
	return note("registers", fmt.Sprintf("unit %d, %s: %s (%s)", a.Unit, a.Function, hex.EncodeToString(b), why))
}

func bitText(bits []bool) string {
	var b strings.Builder
	for _, on := range bits {
		if on {
			b.WriteByte('1')
		} else {
			b.WriteByte('0')
		}
	}
	return b.String()
}

// text is one line for people.
func (r Request) text() string {
	where := fmt.Sprintf("unit %d: %d from %#04x", r.Unit, r.count(), r.Register)
	switch r.Function {
	case WriteCoil:
		return fmt.Sprintf("unit %d: coil %#04x %s", r.Unit, r.Register, onOff(r.Value))
	case WriteSingle:
		return fmt.Sprintf("unit %d: register %#04x = %#04x", r.Unit, r.Register, r.Value)
	case WriteCoils:
		return where + " = " + bitText(r.Bits)
	case WriteRegisters:
		return where + " = " + hex.EncodeToString(appendRegisters(nil, r.Values))
	}
	return where
}

func onOff(v uint16) string {
	if v == CoilOn {
		return "on"
	}
	return "off"
}

// text is one line for people, of an answer to a write.
func (r Response) text() string {
	switch r.Function {
	case WriteCoil:
		return fmt.Sprintf("unit %d: coil %#04x %s", r.Unit, r.Registers[0], onOff(r.Registers[1]))
	case WriteSingle:
		return fmt.Sprintf("unit %d: register %#04x = %#04x", r.Unit, r.Registers[0], r.Registers[1])
	}
	return fmt.Sprintf("unit %d: %d from %#04x", r.Unit, r.Registers[1], r.Registers[0])
}
