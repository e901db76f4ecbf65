package unit_test

import (
	"strings"
	"testing"

	"github.com/tallydock/tallydock/devices/unit"
)

func TestNumbersOfOtherUnitsAreConverted(t *testing.T) {
	for _, c := range []struct {
		quantity unit.Quantity
		value    float64
		unit     string
		want     unit.Milli
	}{
		{unit.Temperature, 4.2, "", 4200},
		{unit.Temperature, 4.2, "Cel", 4200},
		{unit.Temperature, 185, "[degF]", 85000},
		{unit.Temperature, -196.6, "degf", -127000},
		{unit.Temperature, -40, "°F", -40000},
		{unit.Temperature, 273.15, "K", 0},
		{unit.Humidity, 0.534, "1", 53400},
		{unit.Humidity, 53.4, "%", 53400},
		{unit.Pressure, 100044, "Pa", 1000440},
		{unit.Pressure, 101.3, "kPa", 1013000},
		{unit.Voltage, 3045, "mV", 3045},
		{unit.CO2, 612, "ppm", 612000},
		{unit.PM25, 0.0112, "mg/m3", 11200},
		{unit.Illuminance, 1.5, "klx", 1500000},
	} {
		if got, err := c.quantity.From(c.value, c.unit); err != nil || got != c.want {
			t.Errorf("%v %s of %s is %v, %v; want %v", c.value, c.unit, c.quantity, got, err, c.want)
		}
	}
}

func TestUnitsOfOtherQuantitiesAreRefusedWithTheirOwn(t *testing.T) {
	err := unit.Voltage.CheckUnit("°C")
	if err == nil || !strings.Contains(err.Error(), `unit "°C" is none of voltage; use one of V, mV`) {
		t.Errorf("error is %v", err)
	}
	for _, q := range unit.Quantities() {
		if err := q.CheckUnit(q.UCUM()); err != nil {
			t.Errorf("the quantity's own code: %v", err)
		}
	}
	if _, err := unit.Temperature.From(1, "k"); err == nil {
		t.Error("k is taken for kelvin")
	}
}
