package devices

// Report is one thing that a frame or a message of a device says. Exactly one of the pointers is set.
type Report struct {
	Read   *Read
	GPI    *GPI
	Sample *Sample
	Notice *Notice
}

// Notice is what a device says of itself or of its work: an inventory has ended, an antenna is disconnected, a setting was
// accepted. It is for technicians; what a gateway acts on reaches it as Health.
type Notice struct {
	// Code names it in lower case with underscores, e.g. "no_tag", "inventory_ended", "antenna_disconnected".
	Code string
	// Text is one line for people: what it is, with the figures that it carries; "" where Code says all.
	Text string
}

// Decoder tells what the bytes of one or several whole frames or messages say, without a connection and without a device:
// the Device of what it gives is empty, and so are the HostTimes. It fails where a frame is cut, does not check, or is of no
// kind that it knows; it gives what stood before that.
type Decoder func(data []byte) ([]Report, error)
