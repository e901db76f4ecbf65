package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tallydock/tallydock/hub/broker"
	"github.com/tallydock/tallydock/hub/broker/external"
	"github.com/tallydock/tallydock/hub/config"
	"github.com/tallydock/tallydock/hub/enrol"
	"github.com/tallydock/tallydock/hub/fault"
)

const (
	// serverLife is how long certificates of brokers outside, and of hubs in files for them, are valid.
	serverLife = 398 * 24 * time.Hour
	// listLife is how long a broker takes a list of what is revoked; after that it refuses everybody.
	listLife = 30 * 24 * time.Hour
)

// Outside is a broker outside, or a cluster, whose configuration is written into a folder.
type Outside struct {
	Dir   string   // where the files are written
	There string   // where they will be on the broker's machine; "" = Dir
	Data  string   // where the broker keeps its messages, on its machine; "" = Mosquitto keeps none, NATS keeps them below There
	Hubs  []string // names by which hubs sign in
	// Listen is Mosquitto's host:port.
	Listen string
	// Nodes are NATS's: NAME=HOST, or NAME=HOST:MQTT:CLIENT:ROUTE with ports of its own.
	Nodes []string
}

// WriteMosquitto writes a Mosquitto's configuration; it gives how many edges are let in.
func (e *Enrolment) WriteMosquitto(ctx context.Context, c config.Config, o Outside) (edges int, err error) {
	users, edges, err := e.outsiders(ctx, o.Hubs)
	if err != nil {
		return 0, err
	}
	server, _, err := e.server(o.Dir, "server", c.BrokerNames(), false)
	if err != nil {
		return 0, err
	}
	lists, err := e.RevocationLists(ctx, listLife)
	if err != nil {
		return 0, err
	}
	files, err := external.Mosquitto{
		Dir: o.there(), Data: o.Data, Listen: o.Listen, Server: server, Revocations: lists, Users: users,
	}.Files()
	if err != nil {
		return 0, err
	}
	return edges, e.write(files, o)
}

// WriteNATS writes the configuration of each node of a NATS cluster; it gives how many edges are let in.
func (e *Enrolment) WriteNATS(ctx context.Context, c config.Config, o Outside) (edges int, err error) {
	users, edges, err := e.outsiders(ctx, o.Hubs)
	if err != nil {
		return 0, err
	}
	n := external.NATS{Cluster: "tallydock", Dir: o.there(), Data: o.Data, Users: users}
	if n.Data == "" {
		n.Data = filepath.Join(n.Dir, "data")
	}
	for _, text := range o.Nodes {
		node, host, err := parseNode(text)
		if err != nil {
			return 0, err
		}
		names := append([]string{host}, c.BrokerNames()...)
		var pair enrol.Pair
		if node.Server, pair, err = e.server(o.Dir, node.Name, names, true); err != nil {
			return 0, err
		}
		node.Key, n.Nodes = pair.Public, append(n.Nodes, node)
	}
	files, err := n.Files()
	if err != nil {
		return 0, err
	}
	return edges, e.write(files, o)
}

func (o Outside) there() string {
	if o.There != "" {
		return o.There
	}
	return o.Dir
}

// parseNode reads NAME=HOST or NAME=HOST:MQTT:CLIENT:ROUTE.
func parseNode(text string) (n external.Node, host string, err error) {
	name, rest, ok := strings.Cut(text, "=")
	parts := strings.Split(rest, ":")
	if !ok || parts[0] == "" || len(parts) != 1 && len(parts) != 4 {
		return n, "", fmt.Errorf("%w: node %q is not NAME=HOST or NAME=HOST:MQTT:CLIENT:ROUTE with the three ports", fault.Invalid, text)
	}
	if len(parts) == 1 {
		parts = append(parts, "8883", "4222", "6222")
	}
	at := func(port string) string { return net.JoinHostPort(parts[0], port) }
	return external.Node{Name: name, MQTT: at(parts[1]), Client: at(parts[2]), Route: at(parts[3])}, parts[0], nil
}

// outsiders are those whom a broker outside lets in: the hubs, and the edges that are enrolled.
func (e *Enrolment) outsiders(ctx context.Context, hubs []string) (users []external.User, edges int, err error) {
	for _, name := range hubs {
		p, err := e.hubPair(name)
		if err != nil {
			return nil, 0, err
		}
		users = append(users, outsider(broker.HubUser(name), p.Public))
	}
	held, err := e.Usable(ctx)
	if err != nil {
		return nil, 0, err
	}
	byEdge := map[string]external.User{}
	for _, c := range held {
		u, known := byEdge[c.Edge]
		if !known {
			u = outsider(broker.EdgeUser(c.Edge, c.Site), c.Key)
		} else {
			u.Keys = append(u.Keys, enrol.KeyName(c.Key))
		}
		byEdge[c.Edge] = u
	}
	return slices.AppendSeq(users, maps.Values(byEdge)), len(byEdge), nil
}

func outsider(u broker.User, key [32]byte) external.User {
	u.Certificate = true
	return external.User{User: u, Keys: []string{enrol.KeyName(key)}}
}

func (e *Enrolment) hubPair(name string) (enrol.Pair, error) {
	key, err := e.CA.HubKey(name)
	if err != nil {
		return enrol.Pair{}, err
	}
	return e.CA.IssueHub(name, key, time.Now(), serverLife)
}

// server issues a broker's certificate, for the key of last time where there is one: the nodes of a cluster know one another
// by theirs.
func (e *Enrolment) server(dir, name string, names []string, node bool) (external.Server, enrol.Pair, error) {
	key, err := os.ReadFile(filepath.Join(dir, name+".key"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return external.Server{}, enrol.Pair{}, fmt.Errorf("cannot read the broker's key: %w", err)
	}
	p, err := e.CA.IssueServer(names, node, key, time.Now(), serverLife)
	return external.Server{Chain: p.Chain, Key: p.Key, Trust: e.CA.Trust()}, p, err
}

// write writes a broker's files, and beside them what hubs sign in with that do not have this CA.
func (e *Enrolment) write(files external.Files, o Outside) error {
	for _, name := range o.Hubs {
		p, err := e.hubPair(name)
		if err != nil {
			return err
		}
		files[name+".pem"], files[name+".key"], files["ca.pem"] = p.Chain, p.Key, e.CA.Trust()
	}
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return fmt.Errorf("cannot make the folder of the broker's configuration: %w", err)
	}
	return files.Write(o.Dir)
}
