package broker

import "github.com/tallydock/tallydock/devices/wire"

// HubUser is the hub itself: it hears every edge and speaks to each.
func HubUser(name string) User {
	return User{Name: name, Publish: []string{"td/v1/+/+/down/#"}, Subscribe: []string{wire.HubFilter}}
}

// EdgeUser is an edge: it has its own topics, and hears the devices of its site.
func EdgeUser(id, site string) User {
	return User{Name: id, Publish: []string{wire.Topic(id, "up/#")}, Subscribe: []string{wire.Topic(id, "down/#"), siteTopics(site)}}
}

// DeviceUser is all devices of a site, which publish below it.
func DeviceUser(name, site string) User {
	return User{Name: name, Publish: []string{siteTopics(site)}, Shared: true}
}

func siteTopics(site string) string { return "site/" + site + "/#" }
