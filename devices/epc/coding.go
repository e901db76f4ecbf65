package epc

import "fmt"

// Coding is a way in which an identity is written into a tag's memory. Its value is the header byte.
type Coding byte

// The codings, each with its length in bits.
const (
	SGTIN96  Coding = 0x30
	SSCC96   Coding = 0x31
	SGLN96   Coding = 0x32
	GRAI96   Coding = 0x33
	GIAI96   Coding = 0x34
	SGTIN198 Coding = 0x36
	GRAI170  Coding = 0x37
	GIAI202  Coding = 0x38
	SGLN195  Coding = 0x39
)

// String gives the coding's name as tag URIs have it, e.g. "sgtin-96".
func (c Coding) String() string {
	if l, ok := layouts[c]; ok {
		return l.name
	}
	return fmt.Sprintf("coding 0x%02x", byte(c))
}

// layout is how a coding lays its bits out: header (8), filter (3), partition (3), company prefix, reference, serial.
type layout struct {
	name   string
	scheme Scheme
	bits   int
	// both is how many bits prefix and reference take together; the partition says how they share them. The GIAI
	// codings have no reference, and both counts prefix and serial.
	both   int
	serial int  // bits; of an SSCC they are zero
	text   bool // the serial is of 7-bit characters, ended by zeros; else a number
}

const filterBits, partitionBits = 3, 3

var layouts = map[Coding]layout{
	SGTIN96:  {"sgtin-96", SGTIN, 96, 44, 38, false},
	SGTIN198: {"sgtin-198", SGTIN, 198, 44, 140, true},
	SSCC96:   {"sscc-96", SSCC, 96, 58, 24, false},
	SGLN96:   {"sgln-96", SGLN, 96, 41, 41, false},
	SGLN195:  {"sgln-195", SGLN, 195, 41, 140, true},
	GRAI96:   {"grai-96", GRAI, 96, 44, 38, false},
	GRAI170:  {"grai-170", GRAI, 170, 44, 112, true},
	GIAI96:   {"giai-96", GIAI, 96, 82, 0, false},
	GIAI202:  {"giai-202", GIAI, 202, 188, 0, true},
}

// prefixBits says for each partition value how many bits the company prefix has; its digits are 12 − partition. It is
// the same in all partition tables of TDS §14.2; the reference has what is left.
var prefixBits = [...]int{40, 37, 34, 30, 27, 24, 20}

// bytes is the length in memory: whole words of 16 bits.
func (l layout) bytes() int { return (l.bits + 15) / 16 * 2 }

// rest is how many bits remain for the reference, or for the serial of a GIAI.
func (l layout) rest(partition int) int { return l.both - prefixBits[partition] }
