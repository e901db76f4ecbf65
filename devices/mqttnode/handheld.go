package mqttnode

import (
	"fmt"
	"time"

	"github.com/tallydock/tallydock/devices"
)

// NewHandheld makes the driver of a Zebra RFD40 or RFD90 that publishes batches of sightings (dataEVT) to d.Topic, alerts
// and heartbeats to d.Events, and its connections (mqttConnEVT) to d.Status.
//
// It is Degraded while an alert of priority HIGH or CRITICAL is set, and while a heartbeat says that the battery is low;
// else as NewZebra says. A handheld has one antenna and does not name it; it counts anew with each inventory.
func NewHandheld(d Device) (*Listener, error) { return NewZebra(d) }

// HandheldBatch makes the event of several sightings, numbered from a number on.
func HandheldBatch(at time.Time, from uint64, tags ...devices.Tag) ZebraEvent {
	e := ZebraEvent{Type: "BALANCED_PERFORMANCE", Timestamp: at.UTC().Format("2006-01-02T15:04:05Z")}
	e.Data.TagData = make([]ZebraTag, len(tags))
	for i, tag := range tags {
		id := fmt.Sprintf("%X", tag.Bytes())
		e.Data.TagData[i] = ZebraTag{EPCID: id, EventNum: from + uint64(i), SeenCount: 1}
	}
	return e
}

// alert makes troubles of an alert: it lasts from SET to CLEAR, or happened ONESHOT. LOW ones are for information.
func (e *zebraEvent) alert() []trouble {
	name := "alert " + printable(e.id)
	switch {
	case string(e.state) == "CLEAR":
		return []trouble{{name: name}}
	case string(e.priority) == "LOW":
		return nil
	case string(e.state) == "ONESHOT":
		name = ""
	}
	return []trouble{{name, "the handheld reports " + e.alertText()}}
}

func (e *zebraEvent) alertText() string {
	return fmt.Sprintf("%s %s (priority %s)", printable(e.id), printable(e.state), printable(e.priority))
}

// batteryTrouble makes a trouble of a heartbeat's battery status.
func (e *zebraEvent) batteryTrouble() []trouble {
	switch string(e.battery) {
	case "":
		return nil
	case "LOW", "CRITICAL":
		return []trouble{{"battery", "its battery is " + string(e.battery) + "; charge or change it"}}
	}
	return []trouble{{name: "battery"}}
}
