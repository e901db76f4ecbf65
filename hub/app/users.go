package app

import (
	"fmt"
	"sort"

	"golang.org/x/crypto/bcrypt"

	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/broker"
	"github.com/tallydock/tallydock/hub/config"
)

// brokerUsers makes the broker's users: the hub hears every edge, an edge has its own subtree and hears its site's
// devices, and a site's devices publish under their site.
func brokerUsers(c config.Config, logins config.Credentials) ([]broker.User, error) {
	list := []access{{logins.Hub, []string{"td/v1/+/+/down/#"}, []string{wire.HubFilter}, false}}
	for _, e := range c.Edges {
		list = append(list, access{
			logins.Edges[e.ID], []string{wire.Topic(e.ID, "up/#")}, []string{wire.Topic(e.ID, "down/#"), siteTopics(e.Site)}, false,
		})
	}
	for site, login := range logins.Devices {
		list = append(list, access{login, []string{siteTopics(site)}, nil, true})
	}
	sort.Slice(list, func(i, j int) bool { return list[i].login.User < list[j].login.User })
	users := make([]broker.User, 0, len(list))
	for _, a := range list {
		// The least cost: the passwords are 192 random bits, and the hash never leaves this process.
		hash, err := bcrypt.GenerateFromPassword([]byte(a.login.Password), bcrypt.MinCost)
		if err != nil {
			return nil, fmt.Errorf("password of %s in %s: %w", a.login.User, config.CredentialsFile, err)
		}
		users = append(users, broker.User{
			Name: a.login.User, PasswordHash: string(hash), Publish: a.publish, Subscribe: a.subscribe, Shared: a.shared,
		})
	}
	return users, nil
}

type access struct {
	login              config.Login
	publish, subscribe []string
	shared             bool // by all devices of a site
}

func siteTopics(site string) string { return "site/" + site + "/#" }
