package llrp

// States of an ROSpec.
const (
	ROSpecDisabled uint8 = 0
	ROSpecInactive uint8 = 1
	ROSpecActive   uint8 = 2
)

// Types of triggers that matter here; the other numbers of the protocol work too.
const (
	StartNull      uint8 = 0 // by START_ROSPEC
	StartImmediate uint8 = 1 // by ENABLE_ROSPEC

	StopNull     uint8 = 0
	StopDuration uint8 = 1

	ReportOnRequest       uint8 = 0 // by GET_REPORT
	ReportTagsOrAISpecEnd uint8 = 1 // when N tags are there, or an AISpec ends
	ReportTagsOrROSpecEnd uint8 = 2 // when N tags are there, or the ROSpec ends
)

// AddROSpec gives a reader something to do.
type AddROSpec struct {
	Spec  ROSpec
	Extra Extra
}

// Kind implements Body.
func (*AddROSpec) Kind() MessageType { return AddROSpecType }

func (m *AddROSpec) code(c *coder) { c.params(need(&m.Spec), extra(&m.Extra)) }

// GetROSpecsResponse lists what a reader has to do.
type GetROSpecsResponse struct {
	Status Status
	Specs  []ROSpec
	Extra  Extra
}

// Kind implements Body.
func (*GetROSpecsResponse) Kind() MessageType { return GetROSpecsResponseType }

func (m *GetROSpecsResponse) code(c *coder) {
	c.params(need(&m.Status), many(&m.Specs), extra(&m.Extra))
}

// ROSpec is something that a reader has to do: when, with which antennas, and when it reports.
type ROSpec struct {
	ID       uint32
	Priority uint8 // 0 is the highest
	State    uint8
	Boundary ROBoundary
	AISpecs  []AISpec
	Report   *ROReportSpec
	Extra    Extra
}

func (*ROSpec) kind() ParamType { return paramROSpec }

func (p *ROSpec) code(c *coder) {
	u32(c, &p.ID)
	u8(c, &p.Priority)
	u8(c, &p.State)
	c.params(need(&p.Boundary), many(&p.AISpecs), maybe(&p.Report), extra(&p.Extra))
}

// ROBoundary is when an ROSpec starts and stops.
type ROBoundary struct {
	Start ROStart
	Stop  ROStop
}

func (*ROBoundary) kind() ParamType { return paramROBoundary }

func (p *ROBoundary) code(c *coder) { c.params(need(&p.Start), need(&p.Stop)) }

// ROStart is what starts an ROSpec.
type ROStart struct {
	Trigger uint8
	Extra   Extra // the periods or the input
}

func (*ROStart) kind() ParamType { return paramROStartTrigger }

func (p *ROStart) code(c *coder) {
	u8(c, &p.Trigger)
	c.params(extra(&p.Extra))
}

// ROStop is what stops an ROSpec.
type ROStop struct {
	Trigger  uint8
	Duration uint32 // ms
	Extra    Extra  // the input
}

func (*ROStop) kind() ParamType { return paramROStopTrigger }

func (p *ROStop) code(c *coder) {
	u8(c, &p.Trigger)
	u32(c, &p.Duration)
	c.params(extra(&p.Extra))
}

// AISpec is an inventory with some antennas.
type AISpec struct {
	Antennas    []uint16 // 0 = all
	Stop        AIStop
	Inventories []InventorySpec
	Extra       Extra
}

func (*AISpec) kind() ParamType { return paramAISpec }

func (p *AISpec) code(c *coder) {
	list(c, 2, &p.Antennas, u16[uint16])
	c.params(need(&p.Stop), many(&p.Inventories), extra(&p.Extra))
}

// AIStop is what ends an AISpec.
type AIStop struct {
	Trigger     uint8
	Duration    uint32 // ms
	Observation *TagObservation
	Extra       Extra // the input
}

func (*AIStop) kind() ParamType { return paramAIStopTrigger }

func (p *AIStop) code(c *coder) {
	u8(c, &p.Trigger)
	u32(c, &p.Duration)
	c.params(maybe(&p.Observation), extra(&p.Extra))
}

// TagObservation ends an AISpec by what it has seen.
type TagObservation struct {
	Trigger  uint8
	Tags     uint16
	Attempts uint16
	Quiet    uint16 // ms without a new tag
	Timeout  uint32 // ms
}

func (*TagObservation) kind() ParamType { return paramTagObservation }

func (p *TagObservation) code(c *coder) {
	u8(c, &p.Trigger)
	c.skip(1)
	u16(c, &p.Tags)
	u16(c, &p.Attempts)
	u16(c, &p.Quiet)
	u32(c, &p.Timeout)
}

// InventorySpec is how an inventory is done.
type InventorySpec struct {
	ID          uint16
	AirProtocol uint8 // 1 = EPC Gen2
	Antennas    []AntennaConfiguration
	Extra       Extra
}

func (*InventorySpec) kind() ParamType { return paramInventorySpec }

func (p *InventorySpec) code(c *coder) {
	u16(c, &p.ID)
	u8(c, &p.AirProtocol)
	c.params(many(&p.Antennas), extra(&p.Extra))
}

// ROReportSpec is when and what a reader reports.
type ROReportSpec struct {
	Trigger uint8
	N       uint16 // tags; 0 = without limit
	Content TagReportContent
	Extra   Extra
}

func (*ROReportSpec) kind() ParamType { return paramROReportSpec }

func (p *ROReportSpec) code(c *coder) {
	u8(c, &p.Trigger)
	u16(c, &p.N)
	c.params(need(&p.Content), extra(&p.Extra))
}

// TagReportContent chooses the fields of a TagReport.
type TagReportContent struct {
	ROSpecID, SpecIndex, InventorySpecID, Antenna, Channel, RSSI, FirstSeen, LastSeen, SeenCount, AccessSpecID bool

	Memory []EPCMemorySelector
	Extra  Extra
}

func (*TagReportContent) kind() ParamType { return paramTagReportContent }

func (p *TagReportContent) code(c *coder) {
	c.flags(&p.ROSpecID, &p.SpecIndex, &p.InventorySpecID, &p.Antenna, &p.Channel, &p.RSSI, &p.FirstSeen, &p.LastSeen)
	c.flags(&p.SeenCount, &p.AccessSpecID)
	c.params(many(&p.Memory), extra(&p.Extra))
}

// EPCMemorySelector chooses what of a tag's EPC memory is reported beside the EPC.
type EPCMemorySelector struct{ CRC, PC, XPC bool }

func (*EPCMemorySelector) kind() ParamType { return paramEPCMemorySelector }

func (p *EPCMemorySelector) code(c *coder) { c.flags(&p.CRC, &p.PC, &p.XPC) }
