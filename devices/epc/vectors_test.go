package epc_test

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/devicetest"
	"github.com/tallydock/tallydock/devices/epc"
)

var schemes = []string{"sgtin", "sscc", "sgln", "grai", "giai"}

// schemeOf gives the scheme of a URI of this package, "" for another's.
func schemeOf(uri string) string {
	for _, s := range schemes {
		if strings.HasPrefix(uri, "urn:epc:id:"+s+":") {
			return s
		}
	}
	return ""
}

func TestVectorsOfBinaryTagURIAndPureIdentity(t *testing.T) {
	valid, refused, other := 0, 0, 0
	for _, row := range devicetest.Fixture(t, "rfid/epc/epc_hex_uri_vectors.csv") {
		switch scheme := schemeOf(row["pure_identity_uri"]); {
		case scheme == "":
			other++
		case row["expect"] == "must-fail-encode":
			refused++
			checkRefused(t, scheme, row["pure_identity_uri"])
		default:
			valid++
			checkVector(t, row)
		}
	}
	t.Logf("%d valid vectors, %d must-fail vectors, %d of other schemes", valid, refused, other)
	if valid == 0 || refused == 0 {
		t.Error("no vectors of this package's schemes")
	}
}

func checkVector(t *testing.T, row map[string]string) {
	if len(row["epc_hex"])%4 != 0 {
		row["epc_hex"] += "00" // one vector ends with its last byte; a tag's memory is of words
	}
	memory := devicetest.Unhex(t, row["epc_hex"])
	tag, err := epc.Decode(memory)
	if err != nil || tag.URI() != row["tag_uri"] || tag.Identity.URI() != row["pure_identity_uri"] {
		t.Errorf("%x: decoded as %s, %s, %v", memory, tag.URI(), tag.Identity.URI(), err)
	}
	parsed, err := epc.ParseTagURI(row["tag_uri"])
	if err != nil || parsed != tag {
		t.Errorf("%s: parsed as %+v, %v", row["tag_uri"], parsed, err)
	}
	again, err := parsed.Encode()
	if err != nil || hex.EncodeToString(again) != row["epc_hex"] {
		t.Errorf("%s: encoded as %x, %v", row["tag_uri"], again, err)
	}
	id, err := epc.ParseURI(row["pure_identity_uri"])
	if err != nil || id != tag.Identity {
		t.Errorf("%s: parsed as %+v, %v", row["pure_identity_uri"], id, err)
	}
	for _, pair := range strings.Split(row["bare_identifier_or_kwargs"], ";") {
		switch name, key, _ := strings.Cut(pair, "="); name {
		case "gtin", "sscc", "gln", "grai":
			if id.Key() != key {
				t.Errorf("%s: key %s, want %s", id.URI(), id.Key(), key)
			}
		}
	}
}

// checkRefused checks a valid identity that does not fit the 96-bit coding that the vector names.
func checkRefused(t *testing.T, scheme, uri string) {
	id, err := epc.ParseURI(uri)
	if err != nil {
		t.Fatalf("%s: %v", uri, err)
	}
	coding := map[string]epc.Coding{
		"sgtin": epc.SGTIN96, "sgln": epc.SGLN96, "grai": epc.GRAI96, "giai": epc.GIAI96,
	}[scheme]
	if memory, err := (epc.Tag{Identity: id, Coding: coding}).Encode(); err == nil {
		t.Errorf("%s: encoded as %x", uri, memory)
	}
}

func TestVectorsOfPureIdentities(t *testing.T) {
	valid, invalid := 0, 0
	for _, row := range devicetest.Fixture(t, "rfid/epc/epc_pure_identity_valid_invalid.csv") {
		if !slices.Contains(schemes, strings.ToLower(row["scheme"])) {
			continue
		}
		id, err := epc.ParseURI(row["uri"])
		if row["expect"] != "valid" {
			invalid++
			if err == nil {
				t.Errorf("%s (%s): no error", row["uri"], row["name"])
			}
			continue
		}
		valid++
		if err != nil || id.URI() != row["uri"] {
			t.Errorf("%s (%s): %s, %v", row["uri"], row["name"], id.URI(), err)
		}
	}
	t.Logf("%d valid, %d invalid", valid, invalid)
}

func TestVectorsOfElementStrings(t *testing.T) {
	rows := 0
	for _, row := range devicetest.Fixture(t, "rfid/epc/epc_gs1_element_strings.csv") {
		if schemeOf(row["uri"]) == "" || row["expect"] != "valid" {
			continue // other schemes; or GTINs of 8, 12, 13 digits, which this package does not write
		}
		rows++
		id, err := epc.ParseURI(row["uri"])
		if err != nil {
			t.Errorf("%s: %v", row["uri"], err)
			continue
		}
		key, want := id.Key(), row["gs1_element_string"]
		if strings.Contains(row["kwargs"], "GTIN_TYPE") {
			key = strings.TrimLeft(key, "0")
			row["gs1_key"] = strings.TrimLeft(row["gs1_key"], "0")
		}
		if key != row["gs1_key"] {
			t.Errorf("%s: key %s, want %s", row["uri"], key, row["gs1_key"])
		}
		// The vector writes (254)0 for a place without extension; by TDS §7 the element string then has no (254).
		want = strings.TrimSuffix(want, "(254)0")
		if got := id.ElementString(); got != want {
			t.Errorf("%s: %s, want %s", row["uri"], got, want)
		}
		var prefixLen int
		fmt.Sscan(row["company_prefix_length"], &prefixLen)
		if back, err := epc.ParseElementString(row["gs1_element_string"], prefixLen); err != nil || back != id {
			t.Errorf("%s: parsed as %+v, %v", row["gs1_element_string"], back, err)
		}
	}
	t.Logf("%d rows", rows)
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
		if parsed, err := epc.ParseTagURI(tag.URI()); err != nil || parsed != tag {
			t.Errorf("%s: parsed as %+v, %v", tag.URI(), parsed, err)
		}
		checkGTIN(t, memory, tag)
	}
	t.Logf("%v", count)
}

// checkGTIN checks the quick way against the slow one.
func checkGTIN(t interface{ Errorf(string, ...any) }, memory []byte, tag epc.Tag) {
	named, err := devices.NewTag(devices.TagEPC, memory)
	if err != nil {
		t.Errorf("%v", err)
	}
	gtin, ok := epc.GTIN14(named)
	if ok != (tag.Scheme == epc.SGTIN) || ok && gtin != tag.Key() {
		t.Errorf("%s: GTIN %q, %v", tag.URI(), gtin, ok)
	}
}
