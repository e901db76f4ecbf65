package node

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/tallydock/tallydock/devices/ruuvi"
	"github.com/tallydock/tallydock/devices/unit"
)

// Ruuvi is one simulated RuuviTag as one Ruuvi Gateway hears it. Topic of its Config is ruuvi/GATEWAY/TAG, Status
// ruuvi/GATEWAY/gw_status, and ID the gateway's address.
type Ruuvi struct {
	*outlet
	tag string
}

// NewRuuvi makes a tag with an address, such as F4:1F:0C:28:CB:D6; Run makes it work.
func NewRuuvi(c Config, tag string) *Ruuvi {
	r := &Ruuvi{newOutlet(c), tag}
	r.presence = func(there bool) []byte {
		if there {
			return []byte(`{"state":"online"}`)
		}
		return []byte(`{"state":"offline"}`)
	}
	return r
}

// Hear is one advertisement of the tag that the gateway hears: the tag's sequence-th measurement. at is the gateway's clock.
func (r *Ruuvi) Hear(at time.Time, sequence uint16, temperature, humidity unit.Milli) error {
	payload, err := ruuvi.EncodeFormat5(ruuvi.Report{
		MAC: r.tag, Sequence: uint32(sequence), HasSequence: true, TxPower: 400, HasTxPower: true,
		Values: []ruuvi.Value{
			{Quantity: unit.Temperature, Value: temperature},
			{Quantity: unit.Humidity, Value: humidity},
			{Quantity: unit.Voltage, Value: 2_950},
		},
	})
	if err != nil {
		return err
	}
	seconds := strconv.FormatInt(at.Unix(), 10)
	b, err := json.Marshal(map[string]any{
		"gw_mac": r.cfg.ID, "rssi": -60, "aoa": []int{}, "gwts": seconds, "ts": seconds, "data": fmt.Sprintf("%X", ruuvi.Advert(payload)), "coords": "",
	})
	if err != nil {
		return err
	}
	r.offer(b)
	return nil
}
