package epcis_test

import (
	"strings"
	"testing"

	"github.com/tallydock/tallydock/hub/connect/epcis"
)

// The hashes are those that the reference implementation of CBV 2.0 publishes for these events
// (github.com/RalphTro/epcis-event-hash-generator, tests/examples, MIT).
var published = []struct{ name, prefixes, event, hash string }{
	{
		"extensions of the event", `{"example":"https://ns.example.com/epcis/"}`,
		`{"type":"ObjectEvent","eventTime":"2020-03-04T11:00:30.000+01:00","eventTimeZoneOffset":"+01:00","recordTime":"2020-03-04T11:00:30.999+01:00",
		"epcList":["urn:epc:id:sscc:4012345.0000000333","urn:epc:id:sscc:4012345.0000000111","urn:epc:id:sscc:4012345.0000000222"],
		"action":"OBSERVE","bizStep":"departing","readPoint":{"id":"urn:epc:id:sgln:4012345.00011.987"},
		"example:myField1":{"example:mySubField1":"2","example:mySubField2":"5"},"example:myField2":"0",
		"example:myField3":{"example:mySubField3":["3","1"]}}`,
		"6ae96341e0acc6d7a261364751f60e68278a81cdf51da0abb6b4e617014e39d7",
	},
	{
		"sensors", `{}`,
		`{"type":"ObjectEvent","eventTime":"2020-04-01T15:00:00+01:00","eventTimeZoneOffset":"+01:00","epcList":["urn:epc:id:sgtin:4012345.011111.9876"],
		"action":"OBSERVE","bizStep":"inspecting","readPoint":{"id":"urn:epc:id:sgln:4012345.00005.0"},"sensorElementList":[{
		"sensorMetadata":{"deviceID":"urn:epc:id:giai:4000001.111","deviceMetadata":"https://id.gs1.org/8004/4000001111"},
		"sensorReport":[{"type":"Temperature","value":26,"sDev":0.1,"uom":"CEL"},{"type":"AbsoluteHumidity","value":12.1,"uom":"A93"},
		{"type":"Dimensionless","microorganism":"https://www.ncbi.nlm.nih.gov/taxonomy/1126011","value":0.05,"uom":"C35"},
		{"type":"Dimensionless","chemicalSubstance":"https://identifiers.org/inchikey:CZMRCDWAGMRECN-UGDNZRGBSA-N","value":0.18,"uom":"C35"}]}]}`,
		"271565c346ae2fb28c4583c4dca4ab4772d465eb4e0b6e548d77d8b49377d95c",
	},
	{
		"an extension of the read point", `{"example":"https://ns.example.com/epcis/"}`,
		`{"type":"ObjectEvent","eventTime":"2020-03-04T11:00:30+01:00","eventTimeZoneOffset":"+01:00","epcList":["urn:epc:id:sgtin:0614141.011111.987"],
		"action":"OBSERVE","bizStep":"departing","disposition":"in_transit","readPoint":{"id":"urn:epc:id:sgln:4012345.00011.0","example:myField1":"AB-12"},
		"bizTransactionList":[{"type":"po","bizTransaction":"urn:epc:id:gdti:4012345.11111.123"}],
		"sourceList":[{"type":"owning_party","source":"urn:epc:id:pgln:4012345.00000"}],
		"destinationList":[{"type":"owning_party","destination":"urn:epc:id:pgln:0614141.00000"}],"example:userExt":"CD-34"}`,
		"3ae14c02c4bdc220cc31942cf804f6845eb8dec96ba6483391c92a9b165f9329",
	},
	{
		"standard words with their prefixes", `{}`,
		`{"type":"ObjectEvent","eventTime":"2022-04-07T10:00:00.000Z","eventTimeZoneOffset":"+01:00","epcList":["https://id.example.com/8003/040123450007718765"],
		"action":"OBSERVE","bizStep":"sensor_reporting","readPoint":{"id":"https://id.example.com/414/4012345000054"},
		"sensorElementList":[{"sensorReport":[
		{"type":"gs1:Angle","value":42.698334,"component":"cbv:Comp-latitude","uom":"DD","coordinateReferenceSystem":"http://www.opengis.net/def/crs/OGC/1.3/CRS84"},
		{"type":"gs1:Angle","value":23.319941,"component":"cbv:Comp-longitude","uom":"DD","coordinateReferenceSystem":"http://www.opengis.net/def/crs/OGC/1.3/CRS84"}]}]}`,
		"14faa21345eb49fa31e5578aed52a2c291b7dc8ded0d53c88135955173ea91fc",
	},
	{
		"a time to round up", `{}`,
		`{"type":"ObjectEvent","eventTime":"2023-02-02T11:04:03.1415Z","eventTimeZoneOffset":"+01:00","epcList":["https://id.gs1.de/00/040123451111111110"],
		"action":"OBSERVE","bizStep":"shipping","disposition":"in_transit","readPoint":{"id":"https://id.gs1.de/414/4012345000115"}}`,
		"af7658e711574363633f20b3dadc7bc4c13c6f612cf96d95e03c421c0e58f3c6",
	},
	{
		"a time to round down, and a place on the map", `{}`,
		`{"type":"ObjectEvent","eventTime":"2023-02-02T11:04:03.1414Z","eventTimeZoneOffset":"+01:00","epcList":["https://id.gs1.de/00/040123451111111110"],
		"action":"OBSERVE","bizStep":"transporting","readPoint":{"id":"geo:50.947573340894124,6.922120147375441"}}`,
		"0550df44527332c1fe417c5837fe61b9e71eaa93307b88519dac549bf2d4dcf9",
	},
	{
		"master data of a lot", `{"cbvmda":"urn:epcglobal:cbv:mda:"}`,
		`{"type":"ObjectEvent","eventTime":"2019-10-21T14:58:56.000+02:00","eventTimeZoneOffset":"+02:00",
		"quantityList":[{"epcClass":"urn:epc:class:lgtin:4054739.099914.20160711","quantity":600,"uom":"KGM"}],
		"action":"ADD","bizStep":"commissioning","readPoint":{"id":"urn:epc:id:sgln:4054739.00001.0"},"ilmd":{"cbvmda:bestBeforeDate":"2019-10-21"}}`,
		"5f396ea5cb32fe4d0980cb79f5a5eb9640559e9f5a6cefa5c98a7d6ad554b50b",
	},
	{
		"packing", `{}`,
		`{"type":"AggregationEvent","eventTime":"2019-10-21T11:58:56.591+02:00","eventTimeZoneOffset":"+02:00","parentID":"urn:epc:id:sscc:4047023.0111111122",
		"childEPCs":["urn:epc:id:sgtin:4047023.077551.98","urn:epc:id:sgtin:4047023.077551.97","urn:epc:id:sgtin:4047023.077551.107","urn:epc:id:sgtin:4047023.077551.109"],
		"action":"ADD","bizStep":"packing","readPoint":{"id":"urn:epc:id:sgln:4047023.00012.0"}}`,
		"c941e6486c561c2be83c28dc228c150eaef9a6befb1015e6cc563982fb7414b6",
	},
	{
		"making", `{"example":"https://ns.example.com/epcis/"}`,
		`{"type":"TransformationEvent","eventTime":"2019-10-21T14:58:56.591+02:00","eventTimeZoneOffset":"+02:00",
		"inputEPCList":["urn:epc:id:sgtin:4012345.011122.25","urn:epc:id:sgtin:4000001.065432.99886655"],
		"outputEPCList":["urn:epc:id:sgtin:4012345.077889.25","urn:epc:id:sgtin:4012345.077889.26","urn:epc:id:sgtin:4012345.077889.27","urn:epc:id:sgtin:4012345.077889.28"],
		"inputQuantityList":[{"epcClass":"urn:epc:class:lgtin:4012345.011111.4444","quantity":10,"uom":"KGM"},
		{"epcClass":"urn:epc:class:lgtin:0614141.077777.987","quantity":30},{"epcClass":"urn:epc:idpat:sgtin:4012345.066666.*","quantity":220}],
		"bizStep":"commissioning","readPoint":{"id":"urn:epc:id:sgln:4012345.00001.0"},"ilmd":{"example:bestBeforeDate":"2015-11-10","example:batch":"XYZ"}}`,
		"36ab2ba0e3eac03d14a630148c63c31da00b8c4f1c311f501eb459e89a6e6350",
	},
}

func ni(hash string) string { return "ni:///sha-256;" + hash + "?ver=CBV2.0" }

func under(prefixes, event string) string {
	return strings.Replace(document(event), `{"example":"http://ns.example.com/epcis/"}`, prefixes, 1)
}

func TestTheHashIsThatOfTheReference(t *testing.T) {
	for _, c := range published {
		t.Run(c.name, func(t *testing.T) {
			if got := epcis.EventHash(decode(t, under(c.prefixes, c.event)).Events[0]); got != ni(c.hash) {
				t.Errorf("got %s, want %s", got, ni(c.hash))
			}
		})
	}
}

func TestTheHashOfPublishedDocumentsIsThatOfTheReference(t *testing.T) {
	files := examples(t, "examples_openepcis/JSON/Capture/Documents")
	for name, hash := range map[string]string{
		"TransactionEvent_all_possible_fields":    "4a85d64a96409f0c57baed258666b26d83e6690d204a8aaed4c7e2624d8b0c81",
		"TransformationEvent_all_possible_fields": "529cc54b8cf9d8664208cc6c77473274d8c2dd473469920a7d09a814623f52cc",
		"AssociationEvent_all_possible_fields":    "3dada0cdabe84618e9f0b842031159cb49534f487d5714cac9cfd647bf5f6c54",
		"TransformationEvent_with_userExtensions": "dca180f4e6005d4b6a6408a8d143977ca2e4f3e72048d7aa03b4df4055d484f9",
		"epcisDocWithAllGS1Keys":                  "40744f32beff53a4bf5bb5956d465cb52de5bbcc9f131409d8efb903b04d9351",
	} {
		text, ok := files[name+".json"]
		if !ok {
			t.Errorf("%s is not there", name)
			continue
		}
		if got := epcis.EventHash(decode(t, string(text)).Events[0]); got != ni(hash) {
			t.Errorf("%s: got %s, want %s", name, got, ni(hash))
		}
	}
}

const oneWay = `{"type":"ObjectEvent","eventTime":"2026-03-02T12:00:00Z","eventTimeZoneOffset":"+08:00","action":"ADD","bizStep":"receiving",
	"epcList":["urn:epc:id:sgtin:0614141.107346.2017","urn:epc:id:sgtin:0614141.107346.2018"],
	"quantityList":[{"epcClass":"urn:epc:class:lgtin:4012345.012345.998877","quantity":200,"uom":"KGM"},{"epcClass":"urn:epc:idpat:sgtin:4012345.066666.*","quantity":3}],
	"readPoint":{"id":"urn:epc:id:sgln:0614141.00777.0"},"sourceList":[{"type":"location","source":"urn:epc:id:sgln:0614141.00888.4"}],
	"ilmd":{"example:batch":"A"},"example:x":{"example:y":[1.0,true]}}`

func TestTheSameEventHasTheSameHashHoweverItIsWritten(t *testing.T) {
	want := epcis.EventHash(event(t, oneWay))
	other := strings.Replace(document(`{ "other:x": {"other:y": [true, 1]}, "ilmd":{"other:batch":" A "}, "type" : "ObjectEvent","eventTime":"2026-03-02T20:00:00.0004+08:00",
		"recordTime":"2026-03-02T13:00:00Z","eventID":"urn:uuid:1","certificationInfo":"https://example.com/c","rdfs:comment":"again",
		"sourceList":[{"source":"https://example.com/414/0614141008889/254/4","type":"cbv:SDT-location"}],"eventTimeZoneOffset":"+08:00","action":"ADD",
		"quantityList":[{"quantity":3.000,"epcClass":"https://example.com/01/04012345666663"},{"uom":"KGM","quantity":2.0e2,"epcClass":"https://id.gs1.org/01/04012345123456/10/998877?x=1"}],
		"epcList":["https://example.com/a/b/01/10614141073464/10/L/21/2018?17=261231","urn:epc:id:sgtin:0614141.107346.2017"],
		"bizStep":"https://ref.gs1.org/cbv/BizStep-receiving","readPoint":{"id":"https://id.gs1.org/414/0614141007776"}}`), `"example"`, `"other"`, 1)
	if got := epcis.EventHash(decode(t, other).Events[0]); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	declared := strings.Replace(oneWay, `"action"`, `"errorDeclaration":{"declarationTime":"2026-03-03T12:00:00Z"},"action"`, 1)
	if e := event(t, declared); epcis.EventHash(e) != want || e.Identity() != want || e.Key() == want {
		t.Errorf("a declaration that it was wrong: hash %s, key %s", epcis.EventHash(e), e.Key())
	}
}

func TestAnyChangeChangesTheHash(t *testing.T) {
	want := epcis.EventHash(event(t, oneWay))
	for _, change := range [][2]string{
		{"12:00:00Z", "12:00:00.001Z"},
		{"+08:00", "+07:00"},
		{"receiving", "accepting"},
		{"107346.2018", "107346.2019"},
		{"998877", "998878"},
		{"200", "201"},
		{"KGM", "GRM"},
		{`,"quantity":3}`, "}"},
		{"00777.0", "00777.1"},
		{"location", "owning_party"},
		{`"A"`, `"B"`},
		{"1.0", "1.1"},
		{"true", "false"},
		{`"example:y"`, `"example:z"`},
		{`,"urn:epc:id:sgtin:0614141.107346.2018"`, ""},
	} {
		changed := strings.Replace(oneWay, change[0], change[1], 1)
		if changed == oneWay {
			t.Fatalf("%q is not there", change[0])
		}
		if epcis.EventHash(event(t, changed)) == want {
			t.Errorf("%q for %q leaves it as it was", change[1], change[0])
		}
	}
}
