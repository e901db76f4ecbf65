package house

import (
	"errors"
	"fmt"
	"os"

	"go.yaml.in/yaml/v3"
)

// login is a user of the broker.
type login struct {
	User     string `yaml:"user"`
	Password string `yaml:"password"`
}

// credentials is the part of the hub's file of generated passwords that others need.
type credentials struct {
	Edges   map[string]login `yaml:"edges"`
	Devices map[string]login `yaml:"devices"`
}

func (h *House) credentials() (c credentials, err error) {
	text, err := os.ReadFile(h.path("hub/credentials.yaml"))
	if err != nil {
		return c, fmt.Errorf("cannot read the hub's credentials: %w", err)
	}
	if err := yaml.Unmarshal(text, &c); err != nil {
		return c, fmt.Errorf("the hub's credentials: %w", err)
	}
	return c, nil
}

// CopyPassword gives the edge the password that the hub made for it, as an IT person would.
func (h *House) CopyPassword() error {
	c, err := h.credentials()
	if err != nil {
		return err
	}
	for _, e := range c.Edges {
		return os.WriteFile(h.path("edge.password"), []byte(e.Password+"\n"), 0o600)
	}
	return errors.New("the hub's credentials have no edge")
}

// DeviceLogin is what the MQTT devices of a site sign in with.
func (h *House) DeviceLogin(site string) (user, password string, err error) {
	c, err := h.credentials()
	if err != nil {
		return "", "", err
	}
	d, ok := c.Devices[site]
	if !ok {
		return "", "", fmt.Errorf("the hub's credentials have no devices of site %s", site)
	}
	return d.User, d.Password, nil
}
