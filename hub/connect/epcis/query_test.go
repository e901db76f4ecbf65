package epcis_test

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tallydock/tallydock/hub/connect/epcis"
	"github.com/tallydock/tallydock/hub/connect/epcis/epcistest"
	"github.com/tallydock/tallydock/hub/fault"
)

// The events that the conditions below are tried on.
const (
	received = `{"type":"ObjectEvent","eventID":"urn:uuid:1","eventTime":"2026-03-02T12:00:00Z","eventTimeZoneOffset":"+08:00","recordTime":"2026-03-02T12:00:05Z",
		"action":"OBSERVE","bizStep":"receiving","disposition":"in_progress","persistentDisposition":{"set":["completeness_verified"],"unset":["completeness_inferred"]},
		"epcList":["urn:epc:id:sgtin:0614141.107346.2017","https://example.com/01/10614141073464/21/2018"],
		"quantityList":[{"epcClass":"urn:epc:class:lgtin:4012345.012345.998877","quantity":200.50,"uom":"KGM"},{"epcClass":"https://example.com/01/04012345666663","quantity":3}],
		"readPoint":{"id":"urn:epc:id:sgln:0614141.00777.0","example:door":{"example:no":7}},"bizLocation":{"id":"https://id.gs1.org/414/0614141008889/254/A1"},
		"bizTransactionList":[{"type":"po","bizTransaction":"urn:epc:id:gdti:0614141.00001.1618034"},{"bizTransaction":"urn:x:2"}],
		"sourceList":[{"type":"location","source":"urn:epc:id:sgln:4012345.00225.0"}],"destinationList":[{"type":"example:yard","destination":"urn:x:4"}],
		"sensorElementList":[{"sensorMetadata":{"time":"2026-03-02T11:59:00Z","startTime":"2026-03-02T11:00:00Z","endTime":"2026-03-02T11:59:00Z","deviceID":"urn:epc:id:giai:4000001.111","bizRules":"urn:x:rules","example:site":"S1"},
			"sensorReport":[{"type":"Temperature","value":-18.5,"minValue":-19,"maxValue":-17,"meanValue":-18.2,"sDev":0.4,"uom":"CEL","example:trend":"falling"},
			{"type":"example:Odour","stringValue":"none","booleanValue":false,"hexBinaryValue":"F0","uriValue":"urn:x:5","percRank":50,"percValue":12.7,"uom":"P1","microorganism":"urn:x:6","chemicalSubstance":"urn:x:7","dataProcessingMethod":"urn:x:8"}],
			"example:room":"cold"}],
		"example:count":12,"example:when":"2026-03-02T20:00:00+08:00","example:tags":["a","b",3],"example:nested":{"example:deep":[{"example:leaf":"x"}],"plain:name":1}}`
	wrong = `{"type":"ObjectEvent","eventID":"urn:uuid:2","eventTime":"2026-03-02T13:00:00Z","eventTimeZoneOffset":"+08:00","recordTime":"2026-03-02T13:00:05Z",
		"action":"ADD","epcList":["urn:epc:id:sscc:0614141.1234567890","urn:epc:id:gid:7.8.9"],"ilmd":{"cbvmda:lotNumber":"L1","example:grade":{"example:class":2}},
		"errorDeclaration":{"declarationTime":"2026-03-03T00:00:00Z","reason":"incorrect_data","correctiveEventIDs":["urn:uuid:3"],"example:by":"lin"}}`
	packed = `{"type":"AggregationEvent","eventID":"urn:uuid:3","eventTime":"2026-03-02T14:00:00Z","eventTimeZoneOffset":"+08:00",
		"action":"ADD","bizStep":"https://example.com/steps/wrapping","parentID":"urn:epc:id:sscc:0614141.1234567890","childEPCs":["urn:epc:id:sgtin:0614141.107346.2017"]}`
	mixed = `{"type":"TransformationEvent","eventID":"urn:uuid:4","eventTime":"2026-03-02T15:00:00Z","eventTimeZoneOffset":"+08:00","transformationID":"urn:epc:id:gdti:0614141.12345.400",
		"inputEPCList":["urn:epc:id:sgtin:0614141.107346.2017"],"inputQuantityList":[{"epcClass":"urn:epc:class:lgtin:4012345.012345.998877","quantity":10,"uom":"GRM"}],
		"outputEPCList":["urn:epc:id:sgtin:4012345.077889.25"],"outputQuantityList":[{"epcClass":"urn:epc:idpat:sgtin:4012345.066666.*","quantity":2}]}`
	own = `{"type":"example:Moved","eventID":"urn:uuid:5","eventTime":"2026-03-02T16:00:00.000000001Z","eventTimeZoneOffset":"+08:00","example:count":13}`
)

// those gives the numbers of the events above that answer a query.
func those(t testing.TB, q epcis.Query) (answer []int) {
	t.Helper()
	for i, e := range events(t) {
		if q.Match(e) {
			answer = append(answer, i+1)
			if !q.Index().Admits(e.Keys()) {
				t.Errorf("event %d answers, and its keys are not within %+v", i+1, q.Index())
			}
		}
	}
	return answer
}

func events(t testing.TB) []epcis.Event {
	t.Helper()
	return decode(t, document(received, wrong, packed, mixed, own)).Events
}

func TestQueriesAreAnswered(t *testing.T) {
	for query, want := range map[string]string{
		"":                      "1 2 3 4 5",
		"eventType=ObjectEvent": "1 2", "eventType=ObjectEvent|AggregationEvent": "1 2 3", "eventType=ObjectEvent&eventType=TransformationEvent": "1 2 4",
		"eventType=example:Moved": "5", "eventType=http://ns.example.com/epcis/Moved": "5",
		"GE_eventTime=2026-03-02T13:00:00Z": "2 3 4 5", "LT_eventTime=2026-03-02T21:00:00%2B08:00": "1",
		"GE_eventTime=2026-03-02T13:00:00Z&LT_eventTime=2026-03-02T15:00:00Z": "2 3", "LT_eventTime=2026-03-02T12:00:00.000000001Z": "1", "GE_eventTime=2026-03-02T16:00:00.000000001Z": "5", "GE_eventTime=2026-03-02T16:00:00.000000002Z": "",
		"GE_recordTime=2026-03-02T12:00:06Z": "2", "LT_recordTime=2027-01-01T00:00:00Z": "1 2",
		"EQ_action=ADD": "2 3", "EQ_action=ADD|OBSERVE": "1 2 3",
		"EQ_bizStep=receiving": "1", "EQ_bizStep=cbv:BizStep-receiving": "1", "EQ_bizStep=urn:epcglobal:cbv:bizstep:receiving": "1",
		"EQ_bizStep=https://ref.gs1.org/cbv/BizStep-receiving|https://example.com/steps/wrapping": "1 3", "EQ_bizStep=shipping": "",
		"EQ_disposition=in_progress": "1", "EQ_persistentDisposition_set=completeness_verified": "1", "EQ_persistentDisposition_unset=completeness_verified": "",
		"EQ_readPoint=urn:epc:id:sgln:0614141.00777.0": "1", "EQ_readPoint=https://any.example.com/414/0614141007776": "1",
		"EQ_bizLocation=urn:epc:id:sgln:0614141.00888.A1": "1", "EQ_bizLocation=urn:epc:id:sgln:0614141.00888.0": "",
		"WD_bizLocation=urn:epc:id:sgln:0614141.00888.0": "", "WD_readPoint=urn:epc:id:sgln:0614141.00777.0": "1",
		"EQ_bizTransaction_po=urn:epc:id:gdti:0614141.00001.1618034": "1", "EQ_bizTransaction_po=urn:x:2": "", "EQ_bizTransaction_inv=urn:x:2": "",
		"EQ_bizTransaction_https://ref.gs1.org/cbv/BTT-po=urn:epc:id:gdti:0614141.00001.1618034": "1",
		"EQ_source_location=https://a.example.com/414/4012345002256":                             "1", "EQ_source_owning_party=https://id.gs1.org/414/4012345002256": "",
		"EQ_destination_example:yard=urn:x:4": "1", "EQ_destination_location=urn:x:4": "",
		"EQ_transformationID=urn:epc:id:gdti:0614141.12345.400": "4",
		"EQ_eventID=urn:uuid:1|urn:uuid:5":                      "1 5",

		"MATCH_epc=urn:epc:id:sgtin:0614141.107346.2017": "1 3", "MATCH_epc=https://id.gs1.org/01/10614141073464/21/2018": "1",
		"MATCH_epc=urn:epc:idpat:sgtin:0614141.107346.*": "1 3", "MATCH_epc=urn:epc:idpat:sgtin:0614141.*.*": "1 3", "MATCH_epc=urn:epc:idpat:sgtin:*.*.*": "1 3",
		"MATCH_epc=urn:epc:idpat:sgtin:061414.*.*":  "1", // a Digital Link does not tell where the company prefix ends
		"MATCH_epc=urn:epc:idpat:sgtin:4012345.*.*": "", "MATCH_epc=https://id.gs1.org/01/10614141073464/21/*": "1 3",
		"MATCH_epc=urn:epc:idpat:gid:7.8.*": "2", "MATCH_epc=urn:epc:idpat:gid:7.*.*": "2", "MATCH_epc=urn:epc:idpat:gid:8.*.*": "", "MATCH_epc=urn:epc:idpat:sscc:0614141.*": "2",
		"MATCH_parentID=urn:epc:id:sscc:0614141.1234567890": "3", "MATCH_parentID=urn:epc:idpat:sscc:*.*": "3",
		"MATCH_inputEPC=urn:epc:idpat:sgtin:0614141.107346.*": "4", "MATCH_outputEPC=urn:epc:idpat:sgtin:0614141.107346.*": "",
		"MATCH_outputEPC=https://id.gs1.org/01/04012345778892/21/25": "4",
		"MATCH_anyEPC=urn:epc:id:sscc:0614141.1234567890":            "2 3", "MATCH_anyEPC=urn:epc:id:sgtin:0614141.107346.2017": "1 3 4",
		"MATCH_epcClass=https://id.gs1.org/01/04012345123456/10/998877": "1", "MATCH_epcClass=urn:epc:class:lgtin:4012345.012345.*": "1",
		"MATCH_epcClass=urn:epc:class:lgtin:4012345.*.*": "1", "MATCH_epcClass=urn:epc:idpat:sgtin:4012345.066666.*": "1", "MATCH_epcClass=urn:epc:idpat:sgtin:4012345.*.*": "1",
		"MATCH_epcClass=urn:epc:idpat:sgtin:4012345.012345.*":       "", // a lot is none of single things
		"MATCH_outputEPCClass=https://id.gs1.org/01/04012345666663": "4", "MATCH_inputEPCClass=https://id.gs1.org/01/04012345666663": "",
		"MATCH_inputEPCClass=urn:epc:class:lgtin:4012345.012345.998877": "4", "MATCH_anyEPCClass=urn:epc:class:lgtin:4012345.012345.998877": "1 4",
		"MATCH_anyEPCClass=urn:epc:idpat:sgtin:4012345.066666.*":                                             "1 4",
		"MATCH_epc=urn:epc:id:sgtin:0614141.107346.2017&MATCH_epcClass=https://id.gs1.org/01/04012345666663": "1",

		"EQ_quantity=3.0": "1", "GT_quantity=200": "1", "GE_quantity=10": "1 4", "LT_quantity=3": "4", "LE_quantity=3": "1 4", "EQ_quantity=2|3": "1 4",
		"GE_quantity_GRM=10": "4", "GE_quantity_KGM=200.5": "1", "GT_quantity_KGM=200.5": "", "EQ_quantity_KGM=200.500": "1",

		"EXISTS_errorDeclaration=true": "2", "EXISTS_errorDeclaration=false": "1 2 3 4 5", "EXISTS_errorDeclaration=": "2",
		"GE_errorDeclarationTime=2026-03-03T00:00:00Z": "2", "LT_errorDeclaration_Time=2026-03-03T00:00:00Z": "",
		"EQ_errorReason=incorrect_data": "2", "EQ_errorReason=did_not_occur": "", "EQ_correctiveEventID=urn:uuid:3": "2",

		"EXISTS_sensorElementList=1": "1", "GE_time=2026-03-02T11:59:00Z": "1", "LT_time=2026-03-02T11:59:00Z": "",
		"GE_startTime=2026-03-02T11:00:00Z": "1", "LT_startTime=2026-03-02T11:00:00Z": "", "GE_endTime=2026-03-02T12:00:00Z": "", "LT_endTime=2026-03-02T12:00:00Z": "1",
		"EQ_type=Temperature": "1", "EQ_type=gs1:Temperature": "1", "EQ_type=http://ns.example.com/epcis/Odour": "1", "EQ_type=Pressure": "",
		"EQ_deviceID=https://id.gs1.org/8004/4000001111": "1", "EQ_bizRules=urn:x:rules": "1", "EQ_dataProcessingMethod=urn:x:8": "1",
		"EQ_microorganism=urn:x:6": "1", "EQ_chemicalSubstance=urn:x:7": "1", "EQ_chemicalSubstance=urn:x:6": "",
		"EQ_stringValue=none": "1", "EQ_hexBinaryValue=F0": "1", "EQ_uriValue=urn:x:5": "1", "EQ_booleanValue=false": "1", "EQ_booleanValue=true": "",
		"GE_value_CEL=-18.5": "1", "GT_value_CEL=-18.5": "", "GE_value_FAH=-18.5": "", "LT_minValue_CEL=-18": "1", "GE_maxValue_CEL=-17": "1", "LE_meanValue_CEL=-18.2": "1",
		"EQ_sDev_CEL=0.40": "1", "EQ_percRank=50": "1", "GT_percRank=50": "", "LT_percValue_P1=13": "1",

		"EQ_example:count=12": "1", "EQ_example:count=12.0|13": "1 5", "GT_example:count=12": "5", "LE_http://ns.example.com/epcis/count=12": "1", "EXISTS_example:count=true": "1 5",
		"EQ_example:when=2026-03-02T12:00:00Z": "1", "GE_example:when=2026-03-02T12:00:00Z": "1", "LT_example:when=2026-03-02T12:00:00Z": "",
		"EQ_example:tags=b": "1", "EQ_example:tags=3.0": "1", "EQ_example:tags=c": "", "EQ_example:nested=x": "", "EXISTS_example:nested=true": "1",
		"EQ_INNER_example:leaf=x": "1", "EQ_example:leaf=x": "", "EXISTS_INNER_example:deep=true": "1", "EXISTS_INNER_plain:name=true": "1", "EQ_INNER_example:count=12": "",
		"EQ_ILMD_cbvmda:lotNumber=L1": "2", "EXISTS_ILMD_example:grade=true": "2", "EQ_INNER_ILMD_example:class=2": "2", "GT_INNER_ILMD_example:class=2": "", "EQ_cbvmda:lotNumber=L1": "",
		"EQ_ERROR_DECLARATION_example:by=lin": "2", "EXISTS_ERROR_DECLARATION_example:at=true": "",
		"EQ_SENSORELEMENT_example:room=cold": "1", "EQ_SENSORMETADATA_example:site=S1": "1", "EQ_SENSORREPORT_example:trend=falling": "1", "EQ_SENSORREPORT_example:site=S1": "",
		"EXISTS_readPoint_example:door=true": "1", "EQ_INNER_readPoint_example:no=7": "1", "EXISTS_bizLocation_example:door=true": "",
		"EQ_other:count=12": "",
	} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		q, err := epcis.Prefixes{"example": "http://ns.example.com/epcis/"}.ParseQuery(values)
		if err != nil {
			t.Errorf("%s: %v", query, err)
			continue
		}
		if got := strings.Trim(fmt.Sprint(those(t, q)), "[]"); got != want {
			t.Errorf("%s is answered by %q, want %q", query, got, want)
		}
	}
}

func TestAPrefixThatTheQueryDoesNotTellIsComparedAsWritten(t *testing.T) {
	q, err := epcis.ParseQuery(url.Values{"EQ_example:count": {"12"}})
	if err != nil || fmt.Sprint(those(t, q)) != "[1]" {
		t.Errorf("answered by %v, %v", those(t, q), err)
	}
	q, err = epcis.Prefixes{"e": "http://ns.example.com/epcis/"}.ParseQuery(url.Values{"EQ_e:count": {"12"}})
	if err != nil || fmt.Sprint(those(t, q)) != "[1]" {
		t.Errorf("with another prefix, answered by %v, %v", those(t, q), err)
	}
	q, err = epcis.Prefixes{"example": "http://other/"}.ParseQuery(url.Values{"EQ_example:count": {"12"}})
	if err != nil || those(t, q) != nil {
		t.Errorf("with another meaning of the prefix, answered by %v, %v", those(t, q), err)
	}
}

func TestDescendantsAreWhatTheHubSays(t *testing.T) {
	q, err := epcis.ParseQuery(url.Values{"WD_bizLocation": {"urn:epc:id:sgln:0614141.00888.0"}})
	if err != nil {
		t.Fatal(err)
	}
	yard := "https://id.gs1.org/414/0614141008889"
	q = q.WithDescendants(func(place string) []string {
		return map[string][]string{yard: {yard + "/254/A", "urn:x:1"}, yard + "/254/A": {yard + "/254/A1", yard}}[place]
	})
	if got := those(t, q); !slices.Equal(got, []int{1}) {
		t.Errorf("answered by %v", got)
	}
}

func TestQueriesThatCannotBeAreRefusedByName(t *testing.T) {
	for query, want := range map[string]string{
		"EQ_colour=red":                                       "EQ_colour",
		"bizStep=shipping":                                    "bizStep",
		"NE_action=ADD":                                       "NE_action",
		"GT_eventTime=2026-03-02T12:00:00Z":                   "GT_eventTime",
		"GE_value=1":                                          "GE_value",
		"GE_percRank_CEL=1":                                   "GE_percRank_CEL",
		"MATCH_anything=urn:x:1":                              "MATCH_anything",
		"HASATTR_bizLocation=cbvmda:site":                     "HASATTR_bizLocation",
		"EQATTR_bizLocation_cbvmda:site=1":                    "EQATTR_bizLocation_cbvmda:site",
		"EXISTS_bizStep=true":                                 "EXISTS_bizStep",
		"EQ_source_place=urn:x:1":                             "EQ_source_place",
		"GE_eventTime=yesterday":                              "GE_eventTime",
		"EQ_action=SHIPPED":                                   "EQ_action",
		"EQ_bizStep=transforming":                             "EQ_bizStep",
		"EQ_readPoint=door":                                   "EQ_readPoint",
		"MATCH_epc=urn:epc:idpat:sgtin:*.1.*":                 "MATCH_epc",
		"MATCH_epc=urn:epc:idpat:sgtin:1.*":                   "MATCH_epc",
		"MATCH_epc=urn:epc:idpat:xyz:1.*":                     "MATCH_epc",
		"MATCH_epc=4711":                                      "MATCH_epc",
		"MATCH_epc=https://example.com/x/*":                   "MATCH_epc",
		"GE_quantity=many":                                    "GE_quantity",
		"GE_quantity=1|2":                                     "",
		"GT_example:x=soon":                                   "GT_example:x",
		"EXISTS_errorDeclaration=perhaps":                     "EXISTS_errorDeclaration",
		"EQ_booleanValue=maybe":                               "EQ_booleanValue",
		"eventType=Moved":                                     "eventType",
		"orderBy=quantity":                                    "orderBy",
		"orderDirection=SIDEWAYS":                             "orderDirection",
		"eventCountLimit=5":                                   "eventCountLimit",
		"eventCountLimit=5&maxEventCount=5&orderBy=eventTime": "eventCountLimit",
		"maxEventCount=0":                                     "maxEventCount",
		"perPage=all":                                         "perPage",
		"nextPageToken=???":                                   "nextPageToken",
		"perPage=1&perPage=2":                                 "perPage",
	} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		_, err = epcis.ParseQuery(values)
		if want == "" {
			continue
		}
		if got := paths(err); len(got) == 0 || got[0] != want || !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: refused at %q: %v", query, got, err)
		}
	}
	_, err := epcis.ParseQuery(url.Values{"EQ_colour": {"red"}, "EQ_action": {"SHIPPED", "SOLD"}, "perPage": {"x"}})
	if got := paths(err); !slices.Equal(got, []string{"EQ_action", "EQ_action", "EQ_colour", "perPage"}) {
		t.Errorf("told %q", got)
	}
}

// TestTheIndexNeverNarrowsTooMuch tries random queries on random events.
func TestTheIndexNeverNarrowsTooMuch(t *testing.T) {
	serials := rapid.SampledFrom([]string{"1", "2", "22", "A%2F1"})
	prefixes := rapid.SampledFrom([]string{"061414", "0614141", "06141411", "401234500000"})
	epcs := rapid.Custom(func(t *rapid.T) string {
		p := prefixes.Draw(t, "prefix")
		ref := strings.Repeat("1", 13-len(p))
		switch rapid.IntRange(0, 7).Draw(t, "scheme") {
		case 0:
			return "urn:epc:id:sgtin:" + p + "." + ref + "." + serials.Draw(t, "serial")
		case 1:
			return epcis.Canonical("urn:epc:id:sgtin:" + p + "." + ref + "." + serials.Draw(t, "serial"))
		case 2:
			return "urn:epc:id:sscc:" + p + "." + ref + "1111"
		case 3:
			return "urn:epc:id:grai:" + p + "." + ref[1:] + "." + serials.Draw(t, "serial")
		case 4:
			return epcis.Canonical("urn:epc:id:sgln:" + p + "." + ref[1:] + ".0")
		case 5:
			return "urn:epc:id:giai:" + p + "." + serials.Draw(t, "serial")
		case 6:
			return "urn:epc:id:itip:" + p + "." + ref + ".01.02." + serials.Draw(t, "serial")
		default:
			return "urn:epc:id:gid:1.2." + strings.TrimPrefix(serials.Draw(t, "serial"), "A%2F")
		}
	})
	patterns := rapid.Custom(func(t *rapid.T) string {
		uri := epcs.Draw(t, "like")
		scheme, rest, ok := strings.Cut(strings.TrimPrefix(uri, "urn:epc:id:"), ":")
		if !ok || strings.HasPrefix(uri, "http") {
			return uri
		}
		parts := strings.Split(rest, ".")
		for i := rapid.IntRange(0, len(parts)).Draw(t, "fixed"); i < len(parts); i++ {
			parts[i] = "*"
		}
		return "urn:epc:idpat:" + scheme + ":" + strings.Join(parts, ".")
	})
	rapid.Check(t, func(t *rapid.T) {
		e, err := epcis.New(epcis.Event{
			Type: epcis.AggregationEvent, Time: noon, Action: epcis.Observe, Parent: epcs.Draw(t, "parent"),
			EPCs: rapid.SliceOfN(epcs, 1, 3).Draw(t, "epcs"),
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		values := url.Values{}
		for _, name := range []string{"MATCH_epc", "MATCH_parentID", "MATCH_anyEPC"} {
			if rapid.Bool().Draw(t, name) {
				values[name] = rapid.SliceOfN(patterns, 1, 2).Draw(t, "patterns")
			}
		}
		q, err := epcis.ParseQuery(values)
		if err != nil {
			t.Fatal(err)
		}
		if q.Match(e) && !q.Index().Admits(e.Keys()) {
			t.Fatalf("%v: %v answers, and %+v does not let it through", values, e.Keys().EPCs, q.Index())
		}
		if linked := asLinks(e); q.Match(e) && !q.Match(linked) {
			t.Fatalf("%v: %v answers, and as Digital Links %v it does not", values, e.EPCs, linked.EPCs)
		}
	})
}

// asLinks gives an event with its identities as Digital Links.
func asLinks(e epcis.Event) epcis.Event {
	e.Parent, e.EPCs = epcis.Canonical(e.Parent), slices.Clone(e.EPCs)
	for i, uri := range e.EPCs {
		e.EPCs[i] = epcis.Canonical(uri)
	}
	return e
}

func TestPagesGiveEachEventOnceInOrder(t *testing.T) {
	const events = 1203
	s := &epcistest.Memory{}
	var all []epcis.Event
	for i := range events {
		e, err := epcis.New(epcis.Event{
			Type: epcis.ObjectEvent, Time: noon.Add(time.Duration(i*7%100) * time.Second), Action: epcis.Observe, ID: fmt.Sprintf("urn:x:%04d", i),
			EPCs:       []string{fmt.Sprintf("urn:epc:id:sgtin:0614141.107346.%d", i)},
			BizStep:    []string{"storing", "picking"}[i%2],
			Extensions: []epcis.Member{{Name: "example:n", Value: fmt.Appendf(nil, "%d", events-i)}},
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e.Recorded(noon.Add(time.Duration(i)*time.Second)))
	}
	if _, err := s.Put(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]struct {
		count int
		less  func(a, b epcis.Event) bool // a may come before b
	}{
		"":                               {events, func(a, b epcis.Event) bool { return a.RecordTime.Before(b.RecordTime) }},
		"perPage=100&orderBy=recordTime": {events, func(a, b epcis.Event) bool { return a.RecordTime.After(b.RecordTime) }},
		"perPage=7&EQ_bizStep=picking&orderBy=eventTime&orderDirection=ASC": {events / 2, func(a, b epcis.Event) bool { return !a.Time.After(b.Time) }},
		"perPage=40&orderBy=eventTime&eventCountLimit=100":                  {100, func(a, b epcis.Event) bool { return !a.Time.Before(b.Time) }},
		"perPage=900&orderBy=example:n&orderDirection=ASC":                  {events, func(a, b epcis.Event) bool { return a.ID > b.ID }},
		"perPage=50&orderBy=example:n&eventCountLimit=120":                  {120, func(a, b epcis.Event) bool { return a.ID < b.ID }},
		"perPage=500&maxEventCount=1203":                                    {events, func(a, b epcis.Event) bool { return a.ID < b.ID }},
		"MATCH_epc=urn:epc:id:sgtin:0614141.107346.7":                       {1, nil},
	} {
		values, _ := url.ParseQuery(query)
		got := pages(t, s, values)
		if len(got) != want.count {
			t.Errorf("%s: %d events, want %d", query, len(got), want.count)
		}
		seen := map[string]bool{}
		for i, e := range got {
			if seen[e.ID] || i > 0 && !want.less(got[i-1], e) {
				t.Fatalf("%s: event %d, %s, is out of order or there twice", query, i, e.ID)
			}
			seen[e.ID] = true
		}
	}
}

// pages gives the whole answer to a query.
func pages(t *testing.T, s epcis.Store, values url.Values) (all []epcis.Event) {
	t.Helper()
	for {
		q, err := epcis.ParseQuery(values)
		if err != nil {
			t.Fatal(err)
		}
		page, err := q.Answer(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Events) > q.PerPage {
			t.Fatalf("%d events on a page of %d", len(page.Events), q.PerPage)
		}
		if all = append(all, page.Events...); page.Next == "" {
			return all
		}
		values.Set("nextPageToken", page.Next)
	}
}

func TestAQueryThatTooManyEventsAnswerIsRefused(t *testing.T) {
	s := &epcistest.Memory{}
	var all []epcis.Event
	for i, e := range events(t) {
		all = append(all, e.Recorded(noon.Add(time.Duration(i)*time.Second)))
	}
	if _, err := s.Put(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	for query, refused := range map[string]bool{
		"maxEventCount=4": true, "maxEventCount=5": false, "maxEventCount=1&perPage=1&EQ_action=OBSERVE": false,
		"maxEventCount=4&orderBy=example:count": true, "maxEventCount=5&orderBy=example:count": false,
	} {
		values, _ := url.ParseQuery(query)
		q, err := epcis.ParseQuery(values)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := q.Answer(t.Context(), s); errors.Is(err, epcis.ErrTooLarge) != refused {
			t.Errorf("%s: %v", query, err)
		}
	}
	if _, err := epcis.ParseToken("e30"); err != nil {
		t.Error(err)
	}
	if _, err := epcis.ParseToken("eyJnaXZlbiI6LTF9"); !errors.Is(err, fault.Invalid) {
		t.Errorf("a token with a count below 0: %v", err)
	}
}
