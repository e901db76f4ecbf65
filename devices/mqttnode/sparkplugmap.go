package mqttnode

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/catalog"
	"github.com/tallydock/tallydock/devices/sparkplug"
	"github.com/tallydock/tallydock/devices/unit"
)

// SparkplugMetric says what a metric is: a value of Field's quantity, or an input.
type SparkplugMetric struct {
	// Field.Field is the metric's name, "Sensors/Temp1", of whatever device, or with a device's name before it,
	// "Freezer/Sensors/Temp1".
	Field catalog.Field
	Unit  string // in which the value is; "" = as the metric's property engUnit says, else the quantity's own
	Input uint8  // 1, 2, … where the metric is the state of an input
}

// ParseSparkplugMetrics reads "Sensors/Temp1:Cel, Sensors/Temp2", metrics of one quantity, each with its unit behind the last
// colon where one is named.
func ParseSparkplugMetrics(q unit.Quantity, text string) ([]SparkplugMetric, error) {
	var list []SparkplugMetric
	for part := range strings.SplitSeq(text, ",") {
		name, u := strings.TrimSpace(part), ""
		if i := strings.LastIndexByte(name, ':'); i >= 0 {
			name, u = name[:i], strings.TrimSpace(name[i+1:])
			if err := q.CheckUnit(u); err != nil || u == "" {
				return nil, errors.Join(fmt.Errorf("metric %q names no unit behind its colon", part), err)
			}
		}
		if name = strings.TrimSpace(name); name == "" {
			return nil, fmt.Errorf("%q has a metric without name", text)
		}
		list = append(list, SparkplugMetric{Field: catalog.Field{Field: name, Quantity: q, Range: catalog.Usual(q)}, Unit: u})
	}
	return list, nil
}

// guesses are the words in a metric's name by which its quantity is guessed where nobody says it; settings are the words of
// names that are no measurements.
var guesses = []struct {
	word     string
	quantity unit.Quantity
}{
	{"temperature", unit.Temperature},
	{"humidity", unit.Humidity},
	{"pressure", unit.Pressure},
	{"battery", unit.Battery},
	{"voltage", unit.Voltage},
	{"co2", unit.CO2},
	{"illuminance", unit.Illuminance},
}

var settings = []string{"setpoint", "set point", "limit", "alarm", "threshold", "target", "node control/", "device control/", "properties/"}

// guess finds the quantity of a metric by its name; false where the name does not tell, or tells of a setting.
func guess(name string) (SparkplugMetric, bool) {
	name = strings.ToLower(name)
	if slices.ContainsFunc(settings, func(word string) bool { return strings.Contains(name, word) }) {
		return SparkplugMetric{}, false
	}
	for _, g := range guesses {
		if strings.Contains(name, g.word) {
			return SparkplugMetric{Field: catalog.Field{Quantity: g.quantity, Range: catalog.Usual(g.quantity)}}, true
		}
	}
	return SparkplugMetric{}, false
}

// sparkplugMap knows what the metrics are.
type sparkplugMap []SparkplugMetric

// find gives what a metric is. Without any mapping it is guessed from its name.
func (m sparkplugMap) find(device, name string) (SparkplugMetric, bool) {
	if len(m) == 0 {
		return guess(name)
	}
	i := slices.IndexFunc(m, func(x SparkplugMetric) bool {
		rest, ok := strings.CutPrefix(x.Field.Field, device)
		return x.Field.Field == name || device != "" && ok && rest == "/"+name
	})
	if i < 0 {
		return SparkplugMetric{}, false
	}
	return m[i], true
}

// add adds a reading to a report; false where the reading is nothing that is mapped. sample has its device and channel.
func (m sparkplugMap) add(r *report, e sparkplug.Event, sample devices.Sample, known contacts) bool {
	metric, ok := m.find(e.Device, e.Reading.Name)
	if !ok {
		return false
	}
	number, is := e.Reading.Number()
	if !is && !e.Reading.Null {
		if len(m) > 0 { // who names a metric expects a number of it
			r.unclear([]string{fmt.Sprintf("%s is %s", sample.Channel, e.Reading.Datatype.Text(e.Reading.Value))})
		}
		return false
	}
	sample.DeviceTime, sample.Historical = e.Reading.At, e.Reading.Historical
	if metric.Input > 0 {
		if !e.Reading.Null && !e.Reading.Historical {
			known.change(r, sample.Device, metric.Input, number != 0, sample.DeviceTime, sample.HostTime)
		}
		return true
	}
	u := metric.Unit
	if u == "" {
		u = e.Reading.Unit
	}
	value, err := metric.Field.Quantity.From(number*metric.Field.Factor(), u)
	if err != nil {
		r.unclear([]string{fmt.Sprintf("%s: %v", sample.Channel, err)})
		return false
	}
	sample.Quantity, sample.Value = metric.Field.Quantity, value
	r.add(sample, e.Reading.Null, metric.Field.Judge)
	return true
}
