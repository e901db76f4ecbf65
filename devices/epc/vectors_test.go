package epc_test

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/devicetest"
	"github.com/tallydock/tallydock/devices/epc"
)

// words reads hexadecimal digits, an odd one filled with a zero.
func words(t testing.TB, digits string) []byte {
	t.Helper()
	b, err := hex.DecodeString(digits + strings.Repeat("0", len(digits)%2))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// same compares memory but for zeros at its end: vectors end with their last digit, byte or word.
func same(memory []byte, digits string) bool {
	return strings.TrimRight(hex.EncodeToString(memory), "0") == strings.TrimRight(strings.ToLower(digits), "0")
}

// codingNamed finds a coding, 0 for none.
func codingNamed(name string) epc.Coding {
	for c := range 256 {
		if epc.Coding(c).String() == name {
			return epc.Coding(c)
		}
	}
	return 0
}

// pairs reads "gtin=79521141123453;serial=32a/b".
func pairs(s string) map[string]string {
	m := map[string]string{}
	for _, pair := range strings.Split(s, ";") {
		name, value, _ := strings.Cut(pair, "=")
		m[name] = value
	}
	return m
}

func TestVectorsOfBinaryTagURIAndPureIdentity(t *testing.T) {
	count := map[string]int{}
	for _, row := range devicetest.Fixture(t, "rfid/epc/epc_hex_uri_vectors.csv") {
		count[row["expect"]]++
		switch row["expect"] {
		case "valid":
			checkVector(t, row)
		case "must-fail-encode":
			checkMustFail(t, row)
		default:
			t.Errorf("row %v expects nothing known", row)
		}
	}
	t.Logf("%v", count)
}

func checkVector(t *testing.T, row map[string]string) {
	memory := words(t, row["epc_hex"])
	tag, err := epc.Decode(memory)
	if err != nil || tag.URI() != row["tag_uri"] || tag.Identity.URI() != row["pure_identity_uri"] {
		t.Errorf("%x: decoded as %s, %s, %v", memory, tag.URI(), tag.Identity.URI(), err)
		return
	}
	parsed, err := epc.ParseTagURI(row["tag_uri"])
	if err != nil || !equal(parsed, tag) {
		t.Errorf("%s: parsed as %+v, %v", row["tag_uri"], parsed, err)
	}
	if again, err := parsed.Encode(); err != nil || !same(again, row["epc_hex"]) {
		t.Errorf("%s: encoded as %x, %v", row["tag_uri"], again, err)
	}
	id, err := epc.ParseURI(row["pure_identity_uri"])
	if err != nil || id != tag.Identity {
		t.Errorf("%s: parsed as %+v, %v", row["pure_identity_uri"], id, err)
	}
	for name, key := range pairs(row["bare_identifier_or_kwargs"]) {
		checkPart(t, id, name, key)
	}
	for _, text := range []string{row["epc_hex"], row["tag_uri"]} {
		d, err := epc.Describe(text)
		if err != nil || d.TagURI != row["tag_uri"] || d.URI != row["pure_identity_uri"] || !same(words(t, d.Hex), row["epc_hex"]) {
			t.Errorf("%s described as %+v, %v", text, d, err)
		}
	}
}

// checkPart checks what a vector calls a part of an identity.
func checkPart(t *testing.T, id epc.Identity, name, want string) {
	t.Helper()
	switch name {
	case "gtin", "sscc", "gln", "grai", "gsrn", "gsrnp", "gdti", "cpi", "sgcn", "itip":
		if id.Key() != want {
			t.Errorf("%+v: %s is %s, want %s", id, name, id.Key(), want)
		}
	case "serial", "cpiserial":
		if id.Serial != want {
			t.Errorf("%+v: %s is %s, want %s", id, name, id.Serial, want)
		}
	}
}

var kwargsCoding = regexp.MustCompile(`BinaryCodingScheme\.([A-Z]+)_([0-9A-Z]+)`)

// checkMustFail checks a valid identity that does not fit the coding that the vector names.
func checkMustFail(t *testing.T, row map[string]string) {
	uri := row["pure_identity_uri"]
	id, err := epc.ParseURI(uri)
	if err != nil {
		t.Errorf("%s: %v", uri, err)
		return
	}
	m := kwargsCoding.FindStringSubmatch(row["bare_identifier_or_kwargs"])
	coding := codingNamed(strings.ToLower(m[1] + "-" + m[2]))
	memory, err := epc.Tag{Identity: id, Coding: coding}.Encode()
	if err == nil || !strings.Contains(err.Error(), coding.String()) || !saysWhat(err) {
		t.Errorf("%s as %s: encoded as %x, %v", uri, coding, memory, err)
	}
	if d, err := epc.Describe(uri); err != nil || d.Scheme == coding.String() || d.URI != uri {
		t.Errorf("%s described as %+v, %v", uri, d, err)
	}
}

// saysWhat reports whether an error says what of an identity is wrong.
func saysWhat(err error) bool {
	for _, what := range []string{
		"serial", "part", "prefix", "reference", "scheme", "pieces", "class", "number", "CAGE", "owner", "start with", "escape",
	} {
		if strings.Contains(err.Error(), what) {
			return true
		}
	}
	return false
}

func TestVectorsOfRelease2(t *testing.T) {
	rows := devicetest.Fixture(t, "rfid/epc/epc_tds2_plus_vectors.csv")
	for _, row := range rows {
		checkPlus(t, row)
	}
	t.Logf("%d rows", len(rows))
}

func checkPlus(t *testing.T, row map[string]string) {
	digits := row["epc_hex"]
	tag, err := epc.Decode(words(t, digits))
	if err != nil {
		t.Error(err)
		return
	}
	bare, params := pairs(row["bare_identifier"]), pairs(row["encode_params"])
	for name, want := range bare {
		checkPart(t, tag.Identity, name, want)
	}
	if fmt.Sprint(tag.Filter) != params["filter"] || tag.Toggle != (params["dataToggle"] == "1") || tag.Unread != "" {
		t.Errorf("%s: %+v", digits, tag)
	}
	if day := (epc.Element{AI: "17", Value: bare["expDate"]}); day.Value != "" && tag.Date != day || tag.Host != bare["hostname"] {
		t.Errorf("%s: date %v, host %q", digits, tag.Date, tag.Host)
	}
	if want := row["digital_link"]; want != "" && tag.DigitalLink() != want {
		t.Errorf("%s: %s, want %s", digits, tag.DigitalLink(), want)
	}
	if again, err := tag.Encode(); err != nil || !same(again, digits) {
		t.Errorf("%s: encoded as %x, %v", digits, again, err)
	}
	d, err := epc.Describe(digits)
	if err != nil {
		t.Error(err)
	}
	o := epc.Options{Filter: tag.Filter, Host: tag.Host}
	for _, text := range []string{d.DigitalLink, d.ElementString} {
		if back, err := o.Describe(text); err != nil || !same(words(t, back.Hex), digits) || back.Scheme != d.Scheme {
			t.Errorf("%s described as %+v, %v", text, back, err)
		}
	}
}

func TestVectorsOfPureIdentities(t *testing.T) {
	valid, invalid := 0, 0
	for _, row := range devicetest.Fixture(t, "rfid/epc/epc_pure_identity_valid_invalid.csv") {
		id, err := epc.ParseURI(row["uri"])
		d, describeErr := epc.Describe(row["uri"])
		switch {
		case row["expect"] == "valid":
			valid++
			if err != nil || id.URI() != row["uri"] || !strings.EqualFold(id.Scheme.String(), row["scheme"]) {
				t.Errorf("%s (%s): %s, %v", row["uri"], row["name"], id.URI(), err)
			}
			if describeErr != nil || d.URI != row["uri"] {
				t.Errorf("%s described as %+v, %v", row["uri"], d, describeErr)
			}
		case strings.EqualFold(id.Scheme.String(), row["scheme"]) || strings.HasPrefix(row["uri"], "urn:epc:id:"+strings.ToLower(row["scheme"])+":"):
			invalid++
			if err == nil || describeErr == nil || !saysWhat(err) {
				t.Errorf("%s (%s): %v, %v", row["uri"], row["name"], err, describeErr)
			}
		default:
			// The vector means: not of the scheme in its column. The URI may well be one of another.
			invalid++
			if err == nil && strings.EqualFold(id.Scheme.String(), row["scheme"]) {
				t.Errorf("%s (%s): %+v", row["uri"], row["name"], id)
			}
		}
	}
	t.Logf("%d valid, %d invalid", valid, invalid)
}

var gtinDigits = regexp.MustCompile(`GTIN_TYPE\.GTIN([0-9]+)`)

func TestVectorsOfElementStrings(t *testing.T) {
	count := map[string]int{}
	for _, row := range devicetest.Fixture(t, "rfid/epc/epc_gs1_element_strings.csv") {
		count[row["expect"]]++
		id, err := epc.ParseURI(row["uri"])
		if err != nil {
			t.Errorf("%s: %v", row["uri"], err)
			continue
		}
		key := id.Key()
		if m := gtinDigits.FindStringSubmatch(row["kwargs"]); m != nil {
			var digits int
			fmt.Sscan(m[1], &digits)
			key, err = id.GTIN(digits)
		}
		if row["expect"] != "valid" {
			if err == nil || !strings.Contains(err.Error(), "longer than") {
				t.Errorf("%s: GTIN %s, %v", row["uri"], key, err)
			}
			continue
		}
		if row["gs1_key"] != "" && key != row["gs1_key"] {
			t.Errorf("%s: key %s, want %s", row["uri"], key, row["gs1_key"])
		}
		checkElements(t, row, id)
	}
	t.Logf("%v", count)
}

func checkElements(t *testing.T, row map[string]string, id epc.Identity) {
	t.Helper()
	// The vector writes (254)0 for a place without extension; by TDS §7 the element string then has no (254).
	want := strings.TrimSuffix(row["gs1_element_string"], "(254)0")
	if got := id.ElementString(); got != want {
		t.Errorf("%s: %s, want %s", row["uri"], got, want)
	}
	var o epc.Options
	fmt.Sscan(row["company_prefix_length"], &o.PrefixLen)
	if d, err := o.Describe(row["gs1_element_string"]); err != nil || d.URI != row["uri"] || d.ElementString != want {
		t.Errorf("%s described as %+v, %v", row["gs1_element_string"], d, err)
	}
	if d, err := o.Describe(id.Link(epc.GS1Host)); err != nil || d.URI != row["uri"] {
		t.Errorf("%s described as %+v, %v", id.Link(epc.GS1Host), d, err)
	}
}

func TestRandomTagsOfAPublicSet(t *testing.T) {
	count := map[string]int{}
	for _, row := range devicetest.Fixture(t, "rfid/epc/iomz_1000_tags_pc_epc.csv") {
		memory := devicetest.Unhex(t, row["epc_hex"])
		tag, err := epc.Decode(memory)
		if err != nil {
			t.Error(err)
			continue
		}
		count[tag.Coding.String()]++
		if again, err := tag.Encode(); err != nil || hex.EncodeToString(again) != row["epc_hex"] {
			t.Errorf("%s: encoded as %x, %v", row["epc_hex"], again, err)
		}
		if parsed, err := epc.ParseTagURI(tag.URI()); err != nil || !equal(parsed, tag) {
			t.Errorf("%s: parsed as %+v, %v", tag.URI(), parsed, err)
		}
		d, err := epc.Options{Filter: tag.Filter}.Describe(tag.Identity.URI())
		if err != nil || !strings.EqualFold(d.Hex, row["epc_hex"]) {
			t.Errorf("%s: described as %+v, %v", tag.Identity.URI(), d, err)
		}
		checkGTIN(t, memory, tag)
	}
	t.Logf("%v", count)
}

// checkGTIN checks the quick way against the slow one.
func checkGTIN(t interface{ Errorf(string, ...any) }, memory []byte, tag epc.Tag) {
	if len(memory) > devices.MaxTagBytes {
		return
	}
	named, err := devices.NewTag(devices.TagEPC, memory)
	if err != nil {
		t.Errorf("%v", err)
	}
	gtin, ok := epc.GTIN14(named)
	if ok != (tag.Scheme == epc.SGTIN) || ok && gtin != tag.Key() {
		t.Errorf("%x: GTIN %q, %v", memory, gtin, ok)
	}
}
