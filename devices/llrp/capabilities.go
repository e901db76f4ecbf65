package llrp

import "github.com/tallydock/tallydock/devices/unit"

// GetReaderCapabilities asks what a reader can do.
type GetReaderCapabilities struct {
	Requested uint8 // 0 = everything
	Extra     Extra
}

// Kind implements Body.
func (*GetReaderCapabilities) Kind() MessageType { return GetReaderCapabilitiesType }

func (m *GetReaderCapabilities) code(c *coder) {
	u8(c, &m.Requested)
	c.params(extra(&m.Extra))
}

// GetReaderCapabilitiesResponse tells what a reader can do.
type GetReaderCapabilitiesResponse struct {
	Status     Status
	General    *GeneralCapabilities
	LLRP       *ProtocolCapabilities
	Regulatory *RegulatoryCapabilities
	C1G2       *C1G2Capabilities
	Extra      Extra
}

// Kind implements Body.
func (*GetReaderCapabilitiesResponse) Kind() MessageType { return GetReaderCapabilitiesResponseType }

func (m *GetReaderCapabilitiesResponse) code(c *coder) {
	c.params(need(&m.Status), maybe(&m.General), maybe(&m.LLRP), maybe(&m.Regulatory), maybe(&m.C1G2), extra(&m.Extra))
}

// GeneralCapabilities tells what the device is.
type GeneralCapabilities struct {
	MaxAntennas             uint16
	CanSetAntennaProperties bool
	HasUTCClock             bool   // else all its times are since it was switched on
	Manufacturer            uint32 // IANA private enterprise number, e.g. Impinj
	Model                   uint32
	Firmware                string
	Sensitivities           []ReceiveSensitivity
	GPIO                    *GPIOCapabilities
	AirProtocols            []AirProtocols
	Extra                   Extra
}

func (*GeneralCapabilities) kind() ParamType { return paramGeneralCapabilities }

func (p *GeneralCapabilities) code(c *coder) {
	u16(c, &p.MaxAntennas)
	c.flags(&p.CanSetAntennaProperties, &p.HasUTCClock)
	c.skip(1)
	u32(c, &p.Manufacturer)
	u32(c, &p.Model)
	c.text(&p.Firmware)
	c.params(many(&p.Sensitivities), maybe(&p.GPIO), many(&p.AirProtocols), extra(&p.Extra))
}

// ReceiveSensitivity is a row of the table of sensitivities.
type ReceiveSensitivity struct {
	Index uint16
	DB    uint16 // below the best one
}

func (*ReceiveSensitivity) kind() ParamType { return paramReceiveSensitivity }

func (p *ReceiveSensitivity) code(c *coder) {
	u16(c, &p.Index)
	u16(c, &p.DB)
}

// GPIOCapabilities tells how many general purpose inputs and outputs there are.
type GPIOCapabilities struct{ Inputs, Outputs uint16 }

func (*GPIOCapabilities) kind() ParamType { return paramGPIOCapabilities }

func (p *GPIOCapabilities) code(c *coder) {
	u16(c, &p.Inputs)
	u16(c, &p.Outputs)
}

// AirProtocols are those of one antenna.
type AirProtocols struct {
	Antenna   uint16
	Protocols []byte // 1 = EPC Gen2
}

func (*AirProtocols) kind() ParamType { return paramAirProtocol }

func (p *AirProtocols) code(c *coder) {
	u16(c, &p.Antenna)
	c.octets(&p.Protocols)
}

// ProtocolCapabilities tells how much of the protocol the reader does.
type ProtocolCapabilities struct {
	CanDoRFSurvey              bool
	CanWarnOfBuffer            bool
	SupportsClientRequest      bool
	CanDoStateAwareSingulation bool
	CanHoldEventsAndReports    bool
	MaxPriority                uint8
	ClientRequestTimeout       uint16
	MaxROSpecs                 uint32
	MaxSpecsPerROSpec          uint32
	MaxInventorySpecsPerAISpec uint32
	MaxAccessSpecs             uint32
	MaxOperationsPerAccessSpec uint32
}

func (*ProtocolCapabilities) kind() ParamType { return paramLLRPCapabilities }

func (p *ProtocolCapabilities) code(c *coder) {
	c.flags(&p.CanDoRFSurvey, &p.CanWarnOfBuffer, &p.SupportsClientRequest, &p.CanDoStateAwareSingulation, &p.CanHoldEventsAndReports)
	u8(c, &p.MaxPriority)
	u16(c, &p.ClientRequestTimeout)
	for _, v := range []*uint32{
		&p.MaxROSpecs, &p.MaxSpecsPerROSpec, &p.MaxInventorySpecsPerAISpec, &p.MaxAccessSpecs, &p.MaxOperationsPerAccessSpec,
	} {
		u32(c, v)
	}
}

// RegulatoryCapabilities tells what the reader may send in its country.
type RegulatoryCapabilities struct {
	Country  uint16 // ISO 3166 number
	Standard uint16
	UHF      *UHFBand
	Extra    Extra
}

func (*RegulatoryCapabilities) kind() ParamType { return paramRegulatory }

func (p *RegulatoryCapabilities) code(c *coder) {
	u16(c, &p.Country)
	u16(c, &p.Standard)
	c.params(maybe(&p.UHF), extra(&p.Extra))
}

// UHFBand is the table of powers, the radio channels and the radio modes.
type UHFBand struct {
	Powers      []TransmitPower
	Frequencies *Frequencies
	Modes       []RFModeTable
	Extra       Extra
}

func (*UHFBand) kind() ParamType { return paramUHFBand }

func (p *UHFBand) code(c *coder) {
	c.params(many(&p.Powers), maybe(&p.Frequencies), many(&p.Modes), extra(&p.Extra))
}

// TransmitPower is a row of the table of powers.
type TransmitPower struct {
	Index uint16
	Power unit.DBm
}

func (*TransmitPower) kind() ParamType { return paramTransmitPower }

func (p *TransmitPower) code(c *coder) {
	u16(c, &p.Index)
	u16(c, &p.Power)
}

// Frequencies are the radio channels: tables to hop through, or channels to choose from.
type Frequencies struct {
	Hopping bool
	Hops    []HopTable
	Fixed   *FixedFrequencies
	Extra   Extra
}

func (*Frequencies) kind() ParamType { return paramFrequencies }

func (p *Frequencies) code(c *coder) {
	c.flags(&p.Hopping)
	c.params(many(&p.Hops), maybe(&p.Fixed), extra(&p.Extra))
}

// HopTable is a row of channels through which a reader hops; channel index 1 is the first of them.
type HopTable struct {
	ID  uint8
	KHz []uint32
}

func (*HopTable) kind() ParamType { return paramHopTable }

func (p *HopTable) code(c *coder) {
	u8(c, &p.ID)
	c.skip(1)
	list(c, 4, &p.KHz, u32[uint32])
}

// FixedFrequencies are the channels from which one is chosen; channel index 1 is the first of them.
type FixedFrequencies struct{ KHz []uint32 }

func (*FixedFrequencies) kind() ParamType { return paramFixedFrequencies }

func (p *FixedFrequencies) code(c *coder) { list(c, 4, &p.KHz, u32[uint32]) }

// RFModeTable is the table of radio modes.
type RFModeTable struct {
	Modes []RFMode
	Extra Extra
}

func (*RFModeTable) kind() ParamType { return paramRFModeTable }

func (p *RFModeTable) code(c *coder) { c.params(many(&p.Modes), extra(&p.Extra)) }

// RFMode is how reader and tags speak in the air.
type RFMode struct {
	ID            uint32
	DivideRatio64 bool // DR = 64/3, else 8
	Conformant    bool
	Modulation    uint8 // of the tag: FM0, Miller 2, 4, 8
	ForwardLink   uint8
	SpectralMask  uint8
	BitsPerSecond uint32 // of the tag
	PIE           uint32 // in thousandths
	MinTari       uint32 // ns
	MaxTari       uint32 // ns
	StepTari      uint32 // ns
}

func (*RFMode) kind() ParamType { return paramRFMode }

func (p *RFMode) code(c *coder) {
	u32(c, &p.ID)
	c.flags(&p.DivideRatio64, &p.Conformant)
	u8(c, &p.Modulation)
	u8(c, &p.ForwardLink)
	u8(c, &p.SpectralMask)
	for _, v := range []*uint32{&p.BitsPerSecond, &p.PIE, &p.MinTari, &p.MaxTari, &p.StepTari} {
		u32(c, v)
	}
}

// C1G2Capabilities tells which operations on EPC Gen2 tags the reader does.
type C1G2Capabilities struct {
	BlockErase, BlockWrite, BlockPermalock, Recommission, UMIMethod2, XPC bool
	MaxSelectFilters                                                      uint16
}

func (*C1G2Capabilities) kind() ParamType { return paramC1G2Capabilities }

func (p *C1G2Capabilities) code(c *coder) {
	c.flags(&p.BlockErase, &p.BlockWrite, &p.BlockPermalock, &p.Recommission, &p.UMIMethod2, &p.XPC)
	u16(c, &p.MaxSelectFilters)
}

// powers is the table of powers; empty where the reader has none.
func (m *GetReaderCapabilitiesResponse) powers() []TransmitPower {
	if m.Regulatory == nil || m.Regulatory.UHF == nil {
		return nil
	}
	return m.Regulatory.UHF.Powers
}

// channels are the radio channels that channel indexes mean, in kHz, and the hop table that they are of; 0 where the
// reader does not hop.
func (m *GetReaderCapabilitiesResponse) channels() (kHz []uint32, hopTable uint16) {
	if m.Regulatory == nil || m.Regulatory.UHF == nil || m.Regulatory.UHF.Frequencies == nil {
		return nil, 0
	}
	switch f := m.Regulatory.UHF.Frequencies; {
	case f.Hopping && len(f.Hops) > 0:
		return f.Hops[0].KHz, uint16(f.Hops[0].ID)
	case f.Fixed != nil:
		return f.Fixed.KHz, 0
	}
	return nil, 0
}

// powerIndex gives the row of the table that is nearest to a power without being above it, or the lowest row. A power
// that is more than asked for may break a country's rules.
func (m *GetReaderCapabilitiesResponse) powerIndex(power unit.DBm) (uint16, bool) {
	var best *TransmitPower
	table := m.powers()
	for i := range table {
		row := &table[i]
		switch {
		case best == nil:
			best = row
		case row.Power <= power && (row.Power > best.Power || best.Power > power):
			best = row
		case best.Power > power && row.Power < best.Power:
			best = row
		}
	}
	if best == nil {
		return 0, false
	}
	return best.Index, true
}
