package epcis

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/tallydock/tallydock/hub/fault"
)

// New makes an event of its fields, as Decode would give it; prefixes say what those of its extensions stand for. Time and
// Type must be set; without TimeZoneOffset it is that of Time. Errors: *Refusal, as for one that is captured.
func New(e Event, prefixes Prefixes) (Event, error) {
	if e.TimeZoneOffset == "" {
		e.TimeZoneOffset = e.Time.Format("-07:00")
	}
	text, err := json.Marshal(e.object())
	if err != nil {
		return Event{}, fmt.Errorf("%w: an event cannot be written: %w", fault.Invalid, err)
	}
	around := &scope{prefixes: prefixes}
	if len(prefixes) > 0 {
		context, _ := json.Marshal(prefixes)
		around.context = Context{context}
	}
	return readOne(string(text), around)
}

// object is a JSON object in the making.
type object map[string]any

func (o object) text(name, value string) {
	if value != "" {
		o[name] = value
	}
}

func (o object) instant(name string, t time.Time) {
	if !t.IsZero() {
		o[name] = t.Format(time.RFC3339Nano)
	}
}

func (o object) number(name string, d Decimal) {
	if d != "" {
		o[name] = json.Number(d)
	}
}

func (o object) members(all []Member) {
	for _, m := range all {
		o[m.Name] = m.Value
	}
}

// listed sets a member to the objects of a list, if there are any.
func listed[E any](o object, name string, all []E, write func(E, object)) {
	var list []object
	for _, e := range all {
		item := object{}
		write(e, item)
		list = append(list, item)
	}
	if list != nil {
		o[name] = list
	}
}

// texts sets a member to a list, if it has any.
func (o object) texts(name string, list []string) {
	if len(list) > 0 {
		o[name] = list
	}
}

func (e Event) object() object {
	o := object{"type": e.Type, "eventTimeZoneOffset": e.TimeZoneOffset}
	o.instant("eventTime", e.Time)
	o.instant("recordTime", e.RecordTime)
	o.text("eventID", e.ID)
	o.texts("certificationInfo", e.Certification)
	if e.Error != nil {
		o["errorDeclaration"] = e.Error.object()
	}
	o.text("action", string(e.Action))
	o.text("bizStep", e.BizStep)
	o.text("disposition", e.Disposition)
	if e.Persistent.Set != nil || e.Persistent.Unset != nil {
		persistent := object{}
		persistent.texts("set", e.Persistent.Set)
		persistent.texts("unset", e.Persistent.Unset)
		o["persistentDisposition"] = persistent
	}
	e.objects(o)
	listed(o, "bizTransactionList", e.Transactions, func(t Transaction, o object) {
		o.text("type", t.Type)
		o.text("bizTransaction", t.ID)
	})
	for name, p := range map[string]Place{"readPoint": e.ReadPoint, "bizLocation": e.BizLocation} {
		if p.ID != "" {
			place := object{"id": p.ID}
			place.members(p.Extensions)
			o[name] = place
		}
	}
	for name, parties := range map[string][]Party{"source": e.Sources, "destination": e.Destinations} {
		listed(o, name+"List", parties, func(p Party, o object) { o["type"], o[name] = p.Type, p.ID })
	}
	listed(o, "sensorElementList", e.Sensors, SensorElement.write)
	if len(e.ILMD) > 0 {
		ilmd := object{}
		ilmd.members(e.ILMD)
		o["ilmd"] = ilmd
	}
	o.members(e.Extensions)
	return o
}

// objects sets what the event is about.
func (e Event) objects(o object) {
	epcs, quantities := "epcList", "quantityList"
	if e.Type == AggregationEvent || e.Type == AssociationEvent {
		epcs, quantities = "childEPCs", "childQuantityList"
	}
	o.text("parentID", e.Parent)
	o.text("transformationID", e.TransformationID)
	o.texts(epcs, e.EPCs)
	o.texts("inputEPCList", e.Inputs)
	o.texts("outputEPCList", e.Outputs)
	listed(o, quantities, e.Quantities, Quantity.write)
	listed(o, "inputQuantityList", e.InputQuantities, Quantity.write)
	listed(o, "outputQuantityList", e.OutputQuantities, Quantity.write)
}

func (q Quantity) write(o object) {
	o.text("epcClass", q.Class)
	o.number("quantity", q.Count)
	o.text("uom", q.UOM)
}

func (e ErrorDeclaration) object() object {
	o := object{}
	o.instant("declarationTime", e.Time)
	o.text("reason", e.Reason)
	o.texts("correctiveEventIDs", e.Corrective)
	o.members(e.Extensions)
	return o
}

func (s SensorElement) write(o object) {
	m := object{}
	m.instant("time", s.Metadata.Time)
	m.instant("startTime", s.Metadata.Start)
	m.instant("endTime", s.Metadata.End)
	m.text("deviceID", s.Metadata.DeviceID)
	m.text("deviceMetadata", s.Metadata.DeviceMetadata)
	m.text("rawData", s.Metadata.RawData)
	m.text("dataProcessingMethod", s.Metadata.DataProcessingMethod)
	m.text("bizRules", s.Metadata.BizRules)
	m.members(s.Metadata.Extensions)
	if len(m) > 0 {
		o["sensorMetadata"] = m
	}
	listed(o, "sensorReport", s.Reports, SensorReport.write)
	o.members(s.Extensions)
}

func (r SensorReport) write(o object) {
	for name, value := range map[string]string{
		"type": r.Type, "exception": r.Exception, "deviceID": r.DeviceID, "deviceMetadata": r.DeviceMetadata, "rawData": r.RawData,
		"dataProcessingMethod": r.DataProcessingMethod, "bizRules": r.BizRules, "microorganism": r.Microorganism,
		"chemicalSubstance": r.ChemicalSubstance, "coordinateReferenceSystem": r.CoordinateSystem, "component": r.Component,
		"hexBinaryValue": r.HexBinary, "uriValue": r.URI, "uom": r.UOM,
	} {
		o.text(name, value)
	}
	for name, value := range map[string]Decimal{
		"value": r.Value, "minValue": r.Min, "maxValue": r.Max, "meanValue": r.Mean, "sDev": r.SDev, "percRank": r.PercRank,
		"percValue": r.PercValue,
	} {
		o.number(name, value)
	}
	o.instant("time", r.Time)
	if r.String != nil {
		o["stringValue"] = *r.String
	}
	if r.Boolean != nil {
		o["booleanValue"] = *r.Boolean
	}
	o.members(r.Extensions)
}
