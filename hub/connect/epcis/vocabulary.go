package epcis

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// vocabulary is a list of standard words (CBV 2.0 §7), each also a term on the web.
type vocabulary struct {
	what  string // for errors
	web   string // how the web names of its words start
	urn   string // how their names in release 1 start
	words map[string]bool
	// refused are the beginnings of names that are not written in JSON.
	refused *regexp.Regexp
}

func words(list string) map[string]bool {
	all := map[string]bool{}
	for _, w := range strings.Fields(list) {
		all[w] = true
	}
	return all
}

const (
	webCBV = "https://ref.gs1.org/cbv/"
	webVoc = "https://ref.gs1.org/voc/"
	oldVoc = "https://gs1.org/voc/" // where the first contexts of release 2.0 have it
	urnCBV = "urn:epcglobal:cbv:"
)

var (
	notCBV = regexp.MustCompile(`^(urn:epcglobal:cbv|https?://ns\.gs1\.org/cbv/)`)
	notVoc = regexp.MustCompile(`^https?://(www\.)?gs1\.org/voc/`)
)

var (
	bizSteps = &vocabulary{"business step", webCBV + "BizStep-", urnCBV + "bizstep:", words(`accepting arriving assembling
		collecting commissioning consigning creating_class_instance cycle_counting decommissioning departing destroying
		disassembling dispensing encoding entering_exiting holding inspecting installing killing loading other packing picking
		receiving removing repackaging repairing replacing reserving retail_selling sampling sensor_reporting shipping
		staging_outbound stock_taking stocking storing transporting unloading unpacking void_shipping`), notCBV}

	dispositions = &vocabulary{"disposition", webCBV + "Disp-", urnCBV + "disp:", words(`active available completeness_inferred
		completeness_verified conformant container_closed container_open damaged destroyed dispensed disposed encoded expired
		in_progress in_transit inactive mismatch_class mismatch_instance mismatch_quantity needs_replacement no_pedigree_match
		non_conformant non_sellable_other partially_dispensed recalled reserved retail_sold returned sellable_accessible
		sellable_not_accessible stolen unavailable unknown`), notCBV}

	transactionTypes = &vocabulary{"business transaction type", webCBV + "BTT-", urnCBV + "btt:", words(`bol cert desadv inv
		pedigree po poc prodorder recadv rma testprd testres upevt`), notCBV}

	partyTypes = &vocabulary{"source or destination type", webCBV + "SDT-", urnCBV + "sdt:", words(`owning_party
		possessing_party location`), notCBV}

	errorReasons = &vocabulary{"error reason", webCBV + "ER-", urnCBV + "er:", words(`did_not_occur incorrect_data`), notCBV}

	components = &vocabulary{"component", webCBV + "Comp-", urnCBV + "comp:", words(`x y z axial_distance azimuth height
		spherical_radius polar_angle elevation_angle easting northing latitude longitude altitude`), notCBV}

	measurements = &vocabulary{"measurement type", webVoc, "", words(`AbsoluteHumidity AbsorbedDose AbsorbedDoseRate
		Acceleration Altitude AmountOfSubstance AmountOfSubstancePerUnitVolume Angle AngularAcceleration AngularMomentum
		AngularVelocity Area Capacitance Conductance Conductivity Count Density Dimensionless DoseEquivalent DoseEquivalentRate
		DynamicViscosity ElectricCharge ElectricCurrent ElectricCurrentDensity ElectricFieldStrength Energy Exposure Force
		Frequency Illuminance Inductance Irradiance KinematicViscosity Length LinearMomentum Luminance LuminousFlux
		LuminousIntensity MagneticFlux MagneticFluxDensity MagneticVectorPotential Mass MassConcentration MassFlowRate
		MassPerAreaTime MemoryCapacity MolalityOfSolute MolarEnergy MolarMass MolarVolume Power Pressure RadiantFlux
		RadiantIntensity Radioactivity RelativeHumidity Resistance Resistivity SolidAngle SpecificVolume Speed SurfaceDensity
		SurfaceTension Temperature Time Torque Voltage Volume VolumeFlowRate VolumeFraction VolumetricFlux Wavenumber`), notVoc}

	alerts = &vocabulary{"sensor alert type", webVoc, "", words(`ALARM_CONDITION ERROR_CONDITION`), notVoc}
)

// list names the words, or how many they are where they are many.
func (v *vocabulary) list() string {
	const many = 45
	if len(v.words) > many {
		return fmt.Sprintf("the %d of the GS1 Web Vocabulary", len(v.words))
	}
	return strings.Join(slices.Sorted(maps.Keys(v.words)), ", ")
}

// word gives the standard word for a name written out in full; other names stay as they are.
func (v *vocabulary) word(full string) string {
	if v.words[full] {
		return full
	}
	for _, start := range []string{v.web, oldVoc, v.urn} {
		rest, ok := strings.CutPrefix(full, start)
		if ok && start != "" && v.words[rest] && (start != oldVoc || v.web == webVoc) {
			return rest
		}
	}
	return full
}

// full gives the web name of a standard word; other names stay as they are.
func (v *vocabulary) full(word string) string {
	if v.words[word] {
		return v.web + word
	}
	return word
}
