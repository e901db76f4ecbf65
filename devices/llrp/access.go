package llrp

// AddAccessSpec gives a reader something to do with each tag that it sees.
type AddAccessSpec struct {
	Spec  AccessSpec
	Extra Extra
}

// Kind implements Body.
func (*AddAccessSpec) Kind() MessageType { return AddAccessSpecType }

func (m *AddAccessSpec) code(c *coder) { c.params(need(&m.Spec), extra(&m.Extra)) }

// GetAccessSpecsResponse lists what a reader has to do with tags.
type GetAccessSpecsResponse struct {
	Status Status
	Specs  []AccessSpec
	Extra  Extra
}

// Kind implements Body.
func (*GetAccessSpecsResponse) Kind() MessageType { return GetAccessSpecsResponseType }

func (m *GetAccessSpecsResponse) code(c *coder) {
	c.params(need(&m.Status), many(&m.Specs), extra(&m.Extra))
}

// AccessSpec is what a reader does with the tags that it sees in an ROSpec.
type AccessSpec struct {
	ID          uint32
	Antenna     uint16 // 0 = all
	AirProtocol uint8  // 1 = EPC Gen2
	Active      bool
	ROSpecID    uint32 // 0 = all
	Stop        AccessStop
	Command     AccessCommand
	Report      *AccessReportSpec
	Extra       Extra
}

func (*AccessSpec) kind() ParamType { return paramAccessSpec }

func (p *AccessSpec) code(c *coder) {
	u32(c, &p.ID)
	u16(c, &p.Antenna)
	u8(c, &p.AirProtocol)
	c.flags(&p.Active)
	u32(c, &p.ROSpecID)
	c.params(need(&p.Stop), need(&p.Command), maybe(&p.Report), extra(&p.Extra))
}

// AccessStop is what ends an AccessSpec.
type AccessStop struct {
	Trigger uint8 // 0 = nothing, 1 = Count operations
	Count   uint16
}

func (*AccessStop) kind() ParamType { return paramAccessStopTrigger }

func (p *AccessStop) code(c *coder) {
	u8(c, &p.Trigger)
	u16(c, &p.Count)
}

// AccessCommand is which tags are meant and what is done with them.
type AccessCommand struct {
	Tags  TagSpec
	Reads []TagRead
	Extra Extra // writes, locks and other operations
}

func (*AccessCommand) kind() ParamType { return paramAccessCommand }

func (p *AccessCommand) code(c *coder) { c.params(need(&p.Tags), many(&p.Reads), extra(&p.Extra)) }

// TagSpec says which tags are meant: those that match all patterns.
type TagSpec struct{ Patterns []TargetTag }

func (*TagSpec) kind() ParamType { return paramC1G2TagSpec }

func (p *TagSpec) code(c *coder) { c.params(many(&p.Patterns)) }

// TargetTag is a pattern in a tag's memory.
type TargetTag struct {
	Bank  uint8 // 0 to 3
	Match bool  // else those that do not match
	Bit   uint16
	Mask  Bits
	Data  Bits
}

func (*TargetTag) kind() ParamType { return paramC1G2TargetTag }

func (p *TargetTag) code(c *coder) {
	high, low := p.Bank&2 != 0, p.Bank&1 != 0
	c.flags(&high, &low, &p.Match)
	p.Bank = 0
	if high {
		p.Bank = 2
	}
	if low {
		p.Bank++
	}
	u16(c, &p.Bit)
	p.Mask.code(c)
	p.Data.code(c)
}

// TagRead reads words of a tag's memory.
type TagRead struct {
	OpSpecID uint16
	Password uint32
	Bank     uint8 // 0 to 3
	Word     uint16
	Count    uint16 // 0 = to the end of the bank
}

func (*TagRead) kind() ParamType { return paramC1G2Read }

func (p *TagRead) code(c *coder) {
	u16(c, &p.OpSpecID)
	u32(c, &p.Password)
	bank := p.Bank << 6
	u8(c, &bank)
	p.Bank = bank >> 6
	u16(c, &p.Word)
	u16(c, &p.Count)
}

// AccessReportSpec is when a reader reports on AccessSpecs.
type AccessReportSpec struct {
	Trigger uint8 // 0 = with the ROSpec, 1 = when an AccessSpec ends
}

func (*AccessReportSpec) kind() ParamType { return paramAccessReportSpec }

func (p *AccessReportSpec) code(c *coder) { u8(c, &p.Trigger) }
