package epc

import "fmt"

// Coding is a way in which an identity is written into a tag's memory. Its value is the header byte (TDS 2.3, table 14-1).
type Coding byte

// The codings of release 1. The number is the length in bits; Var has none of its own.
const (
	SGTIN96  Coding = 0x30
	SSCC96   Coding = 0x31
	SGLN96   Coding = 0x32
	GRAI96   Coding = 0x33
	GIAI96   Coding = 0x34
	GID96    Coding = 0x35
	SGTIN198 Coding = 0x36
	GRAI170  Coding = 0x37
	GIAI202  Coding = 0x38
	SGLN195  Coding = 0x39
	GDTI113  Coding = 0x3A // no longer recommended by GS1, but still met
	ADIVar   Coding = 0x3B
	CPI96    Coding = 0x3C
	CPIVar   Coding = 0x3D
	GDTI174  Coding = 0x3E
	SGCN96   Coding = 0x3F
	ITIP110  Coding = 0x40
	ITIP212  Coding = 0x41
	GDTI96   Coding = 0x2C
	GSRN96   Coding = 0x2D
	GSRNP96  Coding = 0x2E
	USDOD96  Coding = 0x2F
)

// The "+" codings of release 2: they write the key as it is, without telling how long its company prefix is.
const (
	CPIPlus    Coding = 0xF0
	GRAIPlus   Coding = 0xF1
	SGLNPlus   Coding = 0xF2
	ITIPPlus   Coding = 0xF3
	GSRNPlus   Coding = 0xF4
	GSRNPPlus  Coding = 0xF5
	GDTIPlus   Coding = 0xF6
	SGTINPlus  Coding = 0xF7
	SGCNPlus   Coding = 0xF8
	SSCCPlus   Coding = 0xF9
	GIAIPlus   Coding = 0xFA
	DSGTINPlus Coding = 0xFB // an SGTIN with a date before it, for readers to select by
)

// The "++" codings of release 2.3: "+" and the host of the company's own Digital Links.
const (
	CPIPlusPlus    Coding = 0xE6
	GSRNPlusPlus   Coding = 0xE7
	GSRNPPlusPlus  Coding = 0xE8
	SGLNPlusPlus   Coding = 0xE9
	GDTIPlusPlus   Coding = 0xEA
	GRAIPlusPlus   Coding = 0xEB
	SGCNPlusPlus   Coding = 0xEC
	ITIPPlusPlus   Coding = 0xED
	GIAIPlusPlus   Coding = 0xEE
	SSCCPlusPlus   Coding = 0xEF
	DSGTINPlusPlus Coding = 0xFC
	SGTINPlusPlus  Coding = 0xFD
)

// String gives the coding's name in small letters, as tag URIs have it, e.g. "sgtin-96" or "sgtin+".
func (c Coding) String() string {
	if l, ok := layouts[c]; ok {
		return l.name
	}
	return fmt.Sprintf("coding 0x%02x", byte(c))
}

// layout is how a coding lays its bits out. Those of release 1 have header (8), filter, and most of them partition (3),
// company prefix, reference and serial. Those of release 2 have header, +AIDC data toggle (1), filter (3) and values.
type layout struct {
	name   string
	scheme Scheme
	bits   int // all together; 0 where that varies
	filter int
	// both is how many bits prefix and reference take together; the partition says how they share them. The GIAI
	// codings have no reference, and both counts prefix and serial. It is 0 in codings without partition.
	both   int
	serial int
	form   form // of the serial
	plus   plus
}

// form is how a coding of release 1 writes its serial.
type form uint8

const (
	asNothing form = iota // bits that must be zero
	asNumber              // without leading zeros
	asDigits              // a number, a 1 before its digits so that leading zeros are kept
	asText                // characters of 7 bits, ended by zeros
)

// plus are the marks of codings of release 2.
type plus uint8

const (
	isPlus   plus = 1 << iota
	withDate      // a date comes before the key
	withHost      // a host comes after the serial
)

var layouts = map[Coding]layout{
	SGTIN96:  {"sgtin-96", SGTIN, 96, 3, 44, 38, asNumber, 0},
	SGTIN198: {"sgtin-198", SGTIN, 198, 3, 44, 140, asText, 0},
	SSCC96:   {"sscc-96", SSCC, 96, 3, 58, 24, asNothing, 0},
	SGLN96:   {"sgln-96", SGLN, 96, 3, 41, 41, asNumber, 0},
	SGLN195:  {"sgln-195", SGLN, 195, 3, 41, 140, asText, 0},
	GRAI96:   {"grai-96", GRAI, 96, 3, 44, 38, asNumber, 0},
	GRAI170:  {"grai-170", GRAI, 170, 3, 44, 112, asText, 0},
	GIAI96:   {"giai-96", GIAI, 96, 3, 82, 0, asNumber, 0},
	GIAI202:  {"giai-202", GIAI, 202, 3, 188, 0, asText, 0},
	GSRN96:   {"gsrn-96", GSRN, 96, 3, 58, 24, asNothing, 0},
	GSRNP96:  {"gsrnp-96", GSRNP, 96, 3, 58, 24, asNothing, 0},
	GDTI96:   {"gdti-96", GDTI, 96, 3, 41, 41, asNumber, 0},
	GDTI113:  {"gdti-113", GDTI, 113, 3, 41, 58, asDigits, 0},
	GDTI174:  {"gdti-174", GDTI, 174, 3, 41, 119, asText, 0},
	CPI96:    {"cpi-96", CPI, 96, 3, 51, 31, asNumber, 0},
	CPIVar:   {"cpi-var", CPI, 0, 3, 0, 40, asNumber, 0},
	SGCN96:   {"sgcn-96", SGCN, 96, 3, 41, 41, asDigits, 0},
	ITIP110:  {"itip-110", ITIP, 110, 3, 44, 38, asNumber, 0},
	ITIP212:  {"itip-212", ITIP, 212, 3, 44, 140, asText, 0},
	GID96:    {"gid-96", GID, 96, 0, 0, 36, asNumber, 0},
	USDOD96:  {"usdod-96", USDOD, 96, 4, 0, 36, asNumber, 0},
	ADIVar:   {"adi-var", ADI, 0, 6, 0, 0, asText, 0},

	SGTINPlus:  {"sgtin+", SGTIN, 0, 3, 0, 0, 0, isPlus},
	DSGTINPlus: {"dsgtin+", SGTIN, 0, 3, 0, 0, 0, isPlus | withDate},
	SSCCPlus:   {"sscc+", SSCC, 0, 3, 0, 0, 0, isPlus},
	SGLNPlus:   {"sgln+", SGLN, 0, 3, 0, 0, 0, isPlus},
	GRAIPlus:   {"grai+", GRAI, 0, 3, 0, 0, 0, isPlus},
	GIAIPlus:   {"giai+", GIAI, 0, 3, 0, 0, 0, isPlus},
	GSRNPlus:   {"gsrn+", GSRN, 0, 3, 0, 0, 0, isPlus},
	GSRNPPlus:  {"gsrnp+", GSRNP, 0, 3, 0, 0, 0, isPlus},
	GDTIPlus:   {"gdti+", GDTI, 0, 3, 0, 0, 0, isPlus},
	CPIPlus:    {"cpi+", CPI, 0, 3, 0, 0, 0, isPlus},
	SGCNPlus:   {"sgcn+", SGCN, 0, 3, 0, 0, 0, isPlus},
	ITIPPlus:   {"itip+", ITIP, 0, 3, 0, 0, 0, isPlus},

	SGTINPlusPlus:  {"sgtin++", SGTIN, 0, 3, 0, 0, 0, isPlus | withHost},
	DSGTINPlusPlus: {"dsgtin++", SGTIN, 0, 3, 0, 0, 0, isPlus | withDate | withHost},
	SSCCPlusPlus:   {"sscc++", SSCC, 0, 3, 0, 0, 0, isPlus | withHost},
	SGLNPlusPlus:   {"sgln++", SGLN, 0, 3, 0, 0, 0, isPlus | withHost},
	GRAIPlusPlus:   {"grai++", GRAI, 0, 3, 0, 0, 0, isPlus | withHost},
	GIAIPlusPlus:   {"giai++", GIAI, 0, 3, 0, 0, 0, isPlus | withHost},
	GSRNPlusPlus:   {"gsrn++", GSRN, 0, 3, 0, 0, 0, isPlus | withHost},
	GSRNPPlusPlus:  {"gsrnp++", GSRNP, 0, 3, 0, 0, 0, isPlus | withHost},
	GDTIPlusPlus:   {"gdti++", GDTI, 0, 3, 0, 0, 0, isPlus | withHost},
	CPIPlusPlus:    {"cpi++", CPI, 0, 3, 0, 0, 0, isPlus | withHost},
	SGCNPlusPlus:   {"sgcn++", SGCN, 0, 3, 0, 0, 0, isPlus | withHost},
	ITIPPlusPlus:   {"itip++", ITIP, 0, 3, 0, 0, 0, isPlus | withHost},
}

// Bits of fields that no table of the standard shares.
const (
	partitionBits     = 3
	pieceBits         = 7 // of each number of Pieces
	gidManagerBits    = 28
	gidClassBits      = 24
	foreignSerialBits = 36 // GID and USDOD
)

// prefixBits says for each partition value how many bits the company prefix has; its digits are 12 − partition. It is
// the same in all partition tables of TDS §14.2; the reference has what is left.
var prefixBits = [...]int{40, 37, 34, 30, 27, 24, 20}

// rest is how many bits remain for the reference, or for the serial of a GIAI.
func (l layout) rest(partition int) int { return l.both - prefixBits[partition] }

// isPlus reports whether the coding is of release 2.
func (c Coding) isPlus() bool { return layouts[c].plus&isPlus != 0 }
