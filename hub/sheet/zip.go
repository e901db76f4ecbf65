package sheet

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"path"
	"strings"
)

// maxParts is how many parts a workbook may have; real ones have about ten, and a few for each sheet and picture.
const maxParts = 10_000

// parts are the files in a workbook, by name in lower case.
type parts struct {
	files  map[string]*zip.File
	left   int64 // bytes that may still be unpacked
	limits Limits
}

// openParts looks at a zip file before any of it is unpacked.
func openParts(file []byte, limits Limits) (*parts, error) {
	if bytes.Count(file, []byte("PK\x01\x02")) > maxParts { // before the list of them is in memory
		return nil, unsafeZip("more than 10,000 parts", "超过 10,000 个部件")
	}
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return nil, damaged("zip", err)
	}
	p := &parts{files: map[string]*zip.File{}, left: limits.Unpacked, limits: limits}
	var packed uint64
	for _, f := range z.File {
		name := strings.ToLower(strings.TrimSuffix(f.Name, "/"))
		switch {
		case strings.ContainsAny(name, "\\:\x00") || path.Clean("/"+name) != "/"+name:
			return nil, unsafeZip("a part with the path "+shorten(f.Name), "路径为 "+shorten(f.Name)+" 的部件")
		case p.files[name] != nil:
			return nil, unsafeZip("two parts named "+shorten(f.Name), "两个名为 "+shorten(f.Name)+" 的部件")
		case f.CompressedSize64 > uint64(len(file))-packed:
			return nil, unsafeZip("parts that lie over one another", "相互重叠的部件")
		}
		packed += f.CompressedSize64
		p.files[name] = f
	}
	return p, nil
}

func unsafeZip(what, zh string) error { return stopAt(0, CodeUnsafeZip, what, zh) }

func damaged(where string, err error) error {
	return stopAt(0, CodeDamaged, where, shorten(err.Error()))
}

// errNotThere is the cause of a damage.
var errNotThere = errors.New("the part is missing")

// open reads a part as XML that unpacks to at most a number of bytes.
func (p *parts) open(name string, limit int64) (*elements, error) {
	f := p.files[strings.ToLower(name)]
	if f == nil {
		return nil, damaged(name, errNotThere)
	}
	if f.UncompressedSize64 > uint64(min(limit, p.left)) {
		return nil, stopAt(0, CodeUnpacked, name, min(limit, p.left))
	}
	r, err := f.Open()
	if err != nil {
		return nil, damaged(name, err)
	}
	e := &elements{name: name, bounded: bounded{parts: p, in: bufio.NewReaderSize(r, bufferSize), left: limit, part: name}}
	e.xml = xml.NewDecoder(&e.bounded)
	return e, nil
}

// bounded reads a part byte by byte, as the XML decoder does, and holds it against the limits: the size in the zip's
// directory may lie.
type bounded struct {
	*parts
	in    *bufio.Reader
	part  string
	left  int64 // of the part
	piece int   // bytes since the last element
}

// maxPiece bounds one tag, or the text between two: a cell's text, with all that XML may write for one character.
func (b *bounded) maxPiece() int { return 8*b.limits.Cell + 4096 }

// ReadByte gives the next byte.
func (b *bounded) ReadByte() (byte, error) {
	c, err := b.in.ReadByte()
	if err != nil {
		return 0, err
	}
	b.left--
	b.parts.left--
	b.piece++
	switch {
	case b.left < 0 || b.parts.left < 0:
		return 0, stopAt(0, CodeUnpacked, b.part, b.limits.Unpacked)
	case b.piece > b.maxPiece():
		return 0, stopAt(0, CodeUnpacked, b.part, b.maxPiece())
	}
	return c, nil
}

// Read is there because the decoder asks for a Reader; it calls ReadByte alone.
func (b *bounded) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	c, err := b.ReadByte()
	if err != nil {
		return 0, err
	}
	p[0] = c
	return 1, nil
}

// elements gives the tokens of a part. Names are taken without their prefix, since programs choose different ones.
type elements struct {
	bounded
	name string
	xml  *xml.Decoder
}

// next gives a token, valid until the next call; io.EOF after the last.
func (e *elements) next() (xml.Token, error) {
	e.piece = 0
	token, err := e.xml.RawToken()
	var s *stop
	switch {
	case err == nil:
		if _, ok := token.(xml.Directive); ok {
			return nil, stopAt(0, CodeDoctype, e.name)
		}
		return token, nil
	case errors.Is(err, io.EOF), errors.As(err, &s):
		return nil, err
	}
	return nil, damaged(e.name, err)
}

// each calls do for every element that begins, to the end of the part.
func (e *elements) each(do func(xml.StartElement) error) error {
	for {
		token, err := e.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if start, ok := token.(xml.StartElement); ok {
			if err := do(start); err != nil {
				return err
			}
		}
	}
}

// attr gives an attribute, "" where there is none.
func attr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}
