package llrp

// What a GetReaderConfig can ask for; the other numbers of the protocol work too.
const (
	ConfigAll               uint8 = 0
	ConfigIdentification    uint8 = 1
	ConfigAntennaProperties uint8 = 2
	ConfigGPIState          uint8 = 9
)

// GetReaderConfig asks how a reader is set up.
type GetReaderConfig struct {
	Antenna   uint16 // 0 = all
	Requested uint8
	GPI, GPO  uint16 // 0 = all
	Extra     Extra
}

// Kind implements Body.
func (*GetReaderConfig) Kind() MessageType { return GetReaderConfigType }

func (m *GetReaderConfig) code(c *coder) {
	u16(c, &m.Antenna)
	u8(c, &m.Requested)
	u16(c, &m.GPI)
	u16(c, &m.GPO)
	c.params(extra(&m.Extra))
}

// GetReaderConfigResponse tells how a reader is set up.
type GetReaderConfigResponse struct {
	Status         Status
	Identification *Identification
	Properties     []AntennaProperties
	Antennas       []AntennaConfiguration
	Events         *EventSpec
	Reports        *ROReportSpec
	AccessReports  *AccessReportSpec
	KeepAlive      *KeepAliveSpec
	Inputs         []GPIState
	Holding        *EventsAndReports
	Extra          Extra
}

// Kind implements Body.
func (*GetReaderConfigResponse) Kind() MessageType { return GetReaderConfigResponseType }

func (m *GetReaderConfigResponse) code(c *coder) {
	c.params(need(&m.Status), maybe(&m.Identification), many(&m.Properties), many(&m.Antennas), maybe(&m.Events),
		maybe(&m.Reports), maybe(&m.AccessReports), maybe(&m.KeepAlive), many(&m.Inputs), maybe(&m.Holding), extra(&m.Extra))
}

// SetReaderConfig sets a reader up; what is not in it stays as it is.
type SetReaderConfig struct {
	Reset         bool // to how it left the factory, before everything else
	Events        *EventSpec
	Properties    []AntennaProperties
	Antennas      []AntennaConfiguration
	Reports       *ROReportSpec
	AccessReports *AccessReportSpec
	KeepAlive     *KeepAliveSpec
	Inputs        []GPIState
	Holding       *EventsAndReports
	Extra         Extra
}

// Kind implements Body.
func (*SetReaderConfig) Kind() MessageType { return SetReaderConfigType }

func (m *SetReaderConfig) code(c *coder) {
	c.flags(&m.Reset)
	c.params(maybe(&m.Events), many(&m.Properties), many(&m.Antennas), maybe(&m.Reports), maybe(&m.AccessReports),
		maybe(&m.KeepAlive), many(&m.Inputs), maybe(&m.Holding), extra(&m.Extra))
}

// Identification is the reader's name for itself.
type Identification struct {
	Type uint8 // 0 = MAC address (EUI-64), 1 = EPC
	ID   []byte
}

func (*Identification) kind() ParamType { return paramIdentification }

func (p *Identification) code(c *coder) {
	u8(c, &p.Type)
	c.octets(&p.ID)
}

// AntennaProperties tells of an antenna port.
type AntennaProperties struct {
	Connected bool
	Antenna   uint16 // 1, 2, …
	Gain      int16  // in hundredths of dBi
}

func (*AntennaProperties) kind() ParamType { return paramAntennaProperties }

func (p *AntennaProperties) code(c *coder) {
	c.flags(&p.Connected)
	u16(c, &p.Antenna)
	u16(c, &p.Gain)
}

// AntennaConfiguration is how an antenna is used.
type AntennaConfiguration struct {
	Antenna     uint16 // 0 = all
	Receiver    *RFReceiver
	Transmitter *RFTransmitter
	Inventory   []InventoryCommand
	Extra       Extra
}

func (*AntennaConfiguration) kind() ParamType { return paramAntennaConfig }

func (p *AntennaConfiguration) code(c *coder) {
	u16(c, &p.Antenna)
	c.params(maybe(&p.Receiver), maybe(&p.Transmitter), many(&p.Inventory), extra(&p.Extra))
}

// RFReceiver chooses the sensitivity.
type RFReceiver struct{ Sensitivity uint16 } // an index of the table in GeneralCapabilities

func (*RFReceiver) kind() ParamType { return paramRFReceiver }

func (p *RFReceiver) code(c *coder) { u16(c, &p.Sensitivity) }

// RFTransmitter chooses the radio channels and the power.
type RFTransmitter struct {
	HopTable uint16 // 0 where the reader does not hop
	Channel  uint16 // index of the fixed frequencies; 0 where the reader hops
	Power    uint16 // index of the table in UHFBand
}

func (*RFTransmitter) kind() ParamType { return paramRFTransmitter }

func (p *RFTransmitter) code(c *coder) {
	u16(c, &p.HopTable)
	u16(c, &p.Channel)
	u16(c, &p.Power)
}

// InventoryCommand is how EPC Gen2 tags are counted.
type InventoryCommand struct {
	StateAware  bool
	RFControl   *RFControl
	Singulation *SingulationControl
	Extra       Extra // filters among them
}

func (*InventoryCommand) kind() ParamType { return paramInventoryCommand }

func (p *InventoryCommand) code(c *coder) {
	c.flags(&p.StateAware)
	c.params(maybe(&p.RFControl), maybe(&p.Singulation), extra(&p.Extra))
}

// RFControl chooses a radio mode.
type RFControl struct {
	Mode uint16 // an ID of the RFModeTable
	Tari uint16 // ns; 0 = the reader's choice
}

func (*RFControl) kind() ParamType { return paramRFControl }

func (p *RFControl) code(c *coder) {
	u16(c, &p.Mode)
	u16(c, &p.Tari)
}

// SingulationControl tells how tags are told apart.
type SingulationControl struct {
	Session    uint8 // 0 to 3
	Population uint16
	Transit    uint32 // ms for which a tag is expected to stay before the antenna
	Extra      Extra
}

func (*SingulationControl) kind() ParamType { return paramSingulationControl }

func (p *SingulationControl) code(c *coder) {
	session := p.Session << 6
	u8(c, &session)
	p.Session = session >> 6
	u16(c, &p.Population)
	u32(c, &p.Transit)
	c.params(extra(&p.Extra))
}

// GPIState is a general purpose input.
type GPIState struct {
	Port    uint16 // 1, 2, …
	Enabled bool
	State   uint8 // 0 low, 1 high, 2 unknown; nothing in SetReaderConfig
}

func (*GPIState) kind() ParamType { return paramGPIState }

func (p *GPIState) code(c *coder) {
	u16(c, &p.Port)
	c.flags(&p.Enabled)
	u8(c, &p.State)
}

// KeepAliveSpec makes the reader send KEEPALIVE.
type KeepAliveSpec struct {
	Periodic bool
	Period   uint32 // ms
}

func (*KeepAliveSpec) kind() ParamType { return paramKeepaliveSpec }

func (p *KeepAliveSpec) code(c *coder) {
	var trigger uint8
	if p.Periodic {
		trigger = 1
	}
	u8(c, &trigger)
	p.Periodic = trigger == 1
	u32(c, &p.Period)
}

// EventsAndReports tells what a reader does with what it has when a new connection comes about.
type EventsAndReports struct {
	Hold bool // until ENABLE_EVENTS_AND_REPORTS
}

func (*EventsAndReports) kind() ParamType { return paramEventsAndReports }

func (p *EventsAndReports) code(c *coder) { c.flags(&p.Hold) }

// EventSpec chooses of which events a reader tells.
type EventSpec struct {
	States []EventState
	Extra  Extra
}

func (*EventSpec) kind() ParamType { return paramEventSpec }

func (p *EventSpec) code(c *coder) { c.params(many(&p.States), extra(&p.Extra)) }

// EventType is a kind of event of which a reader tells if it is asked to.
type EventType uint16

// The event types.
const (
	HopEvents         EventType = 0
	GPIEvents         EventType = 1
	ROSpecEvents      EventType = 2
	BufferEvents      EventType = 3
	ExceptionEvents   EventType = 4
	RFSurveyEvents    EventType = 5
	AISpecEvents      EventType = 6
	SingulationEvents EventType = 7
	AntennaEvents     EventType = 8
)

// EventState turns an event type on or off.
type EventState struct {
	Type    EventType
	Enabled bool
}

func (*EventState) kind() ParamType { return paramEventState }

func (p *EventState) code(c *coder) {
	u16(c, &p.Type)
	c.flags(&p.Enabled)
}
