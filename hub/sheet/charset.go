package sheet

import (
	"bufio"
	"bytes"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// sampleSize is how much of a file, from its first byte that is not ASCII, tells its character set.
const sampleSize = 64 << 10

// The character sets.
const (
	charsetUTF8    = "UTF-8"
	charsetUTF16LE = "UTF-16LE"
	charsetUTF16BE = "UTF-16BE"
	charsetGB18030 = "GB18030"
)

// charsets has the names that a Content-Type may use.
var charsets = map[string]string{
	"": "", "utf-8": charsetUTF8, "utf8": charsetUTF8, "us-ascii": charsetUTF8, "utf-16le": charsetUTF16LE, "utf-16be": charsetUTF16BE,
	"gb18030": charsetGB18030, "gbk": charsetGB18030, "gb2312": charsetGB18030, "cp936": charsetGB18030, "utf-16": "",
}

var encodings = map[string]encoding.Encoding{
	charsetGB18030: simplifiedchinese.GB18030,
	charsetUTF16LE: unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM),
	charsetUTF16BE: unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM),
}

// byteOrderMarks begin a file and tell its character set.
var byteOrderMarks = []struct{ mark, charset string }{
	{"\xef\xbb\xbf", charsetUTF8}, {"\xff\xfe", charsetUTF16LE}, {"\xfe\xff", charsetUTF16BE},
}

// decoded gives a text file as UTF-8 without byte order mark. A mark goes before what charset says.
func (r *reading) decoded(in io.Reader, charset string) (io.Reader, error) {
	name, known := charsets[strings.ToLower(charset)]
	if !known {
		return nil, stopAt(0, CodeCharset, charset)
	}
	buffered := bufio.NewReaderSize(in, sampleSize)
	first, err := buffered.Peek(4)
	if err != nil && len(first) == 0 {
		return nil, err
	}
	for _, b := range byteOrderMarks {
		if bytes.HasPrefix(first, []byte(b.mark)) {
			_, _ = buffered.Discard(len(b.mark)) // what was peeked is there
			return r.as(b.charset, buffered), nil
		}
	}
	switch {
	case name != "":
		return r.as(name, buffered), nil
	case len(first) == 4 && first[1] == 0 && first[3] == 0 && first[0] != 0:
		return r.as(charsetUTF16LE, buffered), nil
	case len(first) == 4 && first[0] == 0 && first[2] == 0 && first[1] != 0:
		return r.as(charsetUTF16BE, buffered), nil
	}
	return &guess{reading: r, in: buffered}, nil
}

// as reads a text in a character set.
func (r *reading) as(charset string, in io.Reader) io.Reader {
	r.charset = charset
	e, ok := encodings[charset]
	if !ok {
		return in
	}
	r.lossy = true
	return transform.NewReader(in, e.NewDecoder())
}

// guess reads a text that is UTF-8 or GB18030, which are the same up to the first byte that is not ASCII.
type guess struct {
	*reading
	in  *bufio.Reader
	out io.Reader // nil as long as all was ASCII
}

func (g *guess) Read(p []byte) (int, error) {
	if g.out != nil {
		return g.out.Read(p)
	}
	if _, err := g.in.Peek(1); err != nil {
		return 0, err
	}
	ready, _ := g.in.Peek(g.in.Buffered())
	ascii := bytes.IndexFunc(ready, func(c rune) bool { return c >= utf8.RuneSelf })
	if ascii < 0 {
		ascii = len(ready)
	}
	if ascii > 0 {
		n := copy(p, ready[:ascii])
		return g.in.Discard(n)
	}
	sample, err := g.in.Peek(sampleSize)
	if err != nil && err != io.EOF {
		return 0, err
	}
	g.out = g.as(charsetOf(sample), g.in)
	return g.out.Read(p)
}

// charsetOf tells UTF-8 from GB18030. Chinese in GB18030 is hardly ever UTF-8 by chance, and a UTF-8 file with a few
// bytes gone wrong must not be taken for GB18030, which nearly any bytes are: they would become other words.
func charsetOf(sample []byte) string {
	good, bad := 0, 0
	for rest := sample; len(rest) > 0; {
		_, n := utf8.DecodeRune(rest)
		switch {
		case n > 1:
			good++
		case rest[0] >= utf8.RuneSelf && utf8.FullRune(rest):
			bad++
		}
		rest = rest[n:]
	}
	if bad == 0 || good > 4*bad || !chinese(sample) {
		return charsetUTF8
	}
	return charsetGB18030
}

// chinese tells whether most bytes that are not ASCII are pairs of GB2312, as in any Chinese text, and not single letters
// of a European character set.
func chinese(sample []byte) bool {
	pairs, others := 0, 0
	for i := 0; i < len(sample); i++ {
		if sample[i] < utf8.RuneSelf {
			continue
		}
		if i+1 < len(sample) && sample[i] >= 0xa1 && sample[i] <= 0xf7 && sample[i+1] >= 0xa1 {
			pairs++
		} else {
			others++
		}
		i++
	}
	return pairs > others
}
