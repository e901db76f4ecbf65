package seed

import "path/filepath"

// hub is a hub's configuration, as far as it differs from the defaults.
type hub struct {
	Data        string    `yaml:"data"`
	Listen      string    `yaml:"listen"`
	MQTT        hubMQTT   `yaml:"mqtt"`
	Edges       []hubEdge `yaml:"edges"`
	DeviceSites []string  `yaml:"device_sites"`
}

type hubMQTT struct {
	Listen string `yaml:"listen"`
}

type hubEdge struct {
	ID   string `yaml:"id"`
	Site string `yaml:"site"`
}

func hubOf(c Config) hub {
	site := c.Scenario.Site
	return hub{
		Data: filepath.Join(c.Dir, "hub"), Listen: c.Listen, MQTT: hubMQTT{c.MQTT},
		Edges: []hubEdge{{site.Edge, site.Code}}, DeviceSites: []string{site.Code},
	}
}
