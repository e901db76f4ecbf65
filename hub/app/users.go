package app

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/bcrypt"

	"github.com/tallydock/tallydock/hub/broker"
	"github.com/tallydock/tallydock/hub/config"
)

// brokerUsers makes the broker's users of the configuration, in the order of their names: the hub, the edges, and the devices
// of each site. They sign in by passwords; where edges are enrolled, these may by their certificates as well.
func brokerUsers(c config.Config, logins config.Credentials) ([]broker.User, error) {
	passwords := map[string]config.Secret{logins.Hub.User: logins.Hub.Password}
	users := []broker.User{broker.HubUser(logins.Hub.User)}
	for _, e := range c.Edges {
		u := broker.EdgeUser(e.ID, e.Site)
		u.Certificate = c.Enrol.On()
		users, passwords[e.ID] = append(users, u), logins.Edges[e.ID].Password
	}
	for site, login := range logins.Devices {
		users, passwords[login.User] = append(users, broker.DeviceUser(login.User, site)), login.Password
	}
	slices.SortFunc(users, func(a, b broker.User) int { return strings.Compare(a.Name, b.Name) })
	for i, u := range users {
		// The least cost: the passwords are 192 random bits, and the hash never leaves this process.
		hash, err := bcrypt.GenerateFromPassword([]byte(passwords[u.Name]), bcrypt.MinCost)
		if err != nil {
			return nil, fmt.Errorf("password of %s in %s: %w", u.Name, config.CredentialsFile, err)
		}
		users[i].PasswordHash = string(hash)
	}
	return users, nil
}
