package external

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/broker"
	"github.com/tallydock/tallydock/hub/fault"
)

// NATS is a cluster of NATS servers with MQTT on each; one node is possible, three are needed to outlive one.
type NATS struct {
	Cluster string // its name
	Dir     string // where the files will be on each node; absolute
	Data    string // where the nodes keep their messages, in a folder each; absolute
	Nodes   []Node
	Users   []User
}

// Node is one server of the cluster. Its certificate is for its routes as well: it must be one for servers and clients.
type Node struct {
	Name   string
	MQTT   string // host:port for edges and hubs
	Client string // host:port for NATS's own protocol, by which nobody but the nodes comes in
	Route  string // host:port for the other nodes, who dial it by this name
	Server Server
	Key    [32]byte // SHA-256 of the SubjectPublicKeyInfo of its certificate
}

// Files are NAME.conf of each node and what they name.
func (n NATS) Files() (Files, error) {
	users, err := check(n.Users)
	if err != nil {
		return nil, err
	}
	if err := n.check(); err != nil {
		return nil, err
	}
	files := Files{}
	for _, node := range n.Nodes {
		text, err := n.conf(node, users)
		if err != nil {
			return nil, err
		}
		files[node.Name+".conf"], files[node.Name+".pem"] = []byte(text), node.Server.Chain
		files[node.Name+".key"], files[node.Name+"-ca.pem"] = node.Server.Key, node.Server.Trust
	}
	return files, nil
}

func (n NATS) check() error {
	var errs []error
	if !plain(n.Cluster) || len(n.Nodes) == 0 {
		errs = append(errs, fmt.Errorf("%w: a cluster needs a name of letters, digits and '-', and nodes", fault.Invalid))
	}
	for _, node := range n.Nodes {
		if !plain(node.Name) {
			errs = append(errs, fmt.Errorf("%w: node name %q has more than letters, digits and '-'", fault.Invalid, node.Name))
		}
		for what, address := range map[string]string{"mqtt": node.MQTT, "client": node.Client, "route": node.Route} {
			_, _, err := hostPort("the "+what+" address of node "+node.Name, address)
			errs = append(errs, err)
		}
	}
	for _, u := range n.Users {
		if len(u.Keys) == 0 || strings.ContainsAny(strings.Join(u.Keys, ""), "\"\\\r\n") {
			errs = append(errs, fmt.Errorf("%w: user %q needs the URIs of the keys of its certificates", fault.Invalid, u.Name))
		}
	}
	return errors.Join(errs...)
}

func plain(name string) bool {
	return name != "" && strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

func (n NATS) conf(node Node, users []User) (string, error) {
	store, err := path(n.Data, node.Name)
	if err != nil {
		return "", err
	}
	dir, err := path(n.Dir, node.Name)
	if err != nil {
		return "", err
	}
	var routes []string
	var nodes []string
	for _, other := range n.Nodes {
		nodes = append(nodes, hex.EncodeToString(other.Key[:]))
		if other.Name != node.Name {
			routes = append(routes, "tls://"+other.Route)
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, natsHead, node.Name, broker.MaxPayload, node.Client, tlsBlock(dir, pinned(nodes)), store, broker.MaxStore)
	fmt.Fprintf(&b, natsMQTT, node.MQTT, maxAckPending, broker.AckWait, broker.SessionExpiry, min(3, len(n.Nodes)),
		tlsBlock(dir, "verify_and_map: true"))
	if len(n.Nodes) > 1 {
		fmt.Fprintf(&b, natsCluster, n.Cluster, node.Route, list(routes), tlsBlock(dir, pinned(nodes)))
	}
	b.WriteString("\nauthorization {\n  users: [\n")
	for _, u := range users {
		b.WriteString(natsUser(u))
	}
	b.WriteString("  ]\n}\n")
	return b.String(), nil
}

const natsHead = `# Written by Tallydock: what is changed here is lost. After the file has changed: nats-server --signal reload
server_name: %q
max_payload: %d
listen: %q
%s
jetstream {
  store_dir: %q
  max_file_store: %d
}
`

// maxAckPending is for hubs that subscribe to each partition: NATS lets a session have 65,535 over all its subscriptions.
const maxAckPending = 65535 / wire.Partitions

const natsMQTT = `
mqtt {
  listen: %q
  max_ack_pending: %d
  ack_wait: %q
  consumer_inactive_threshold: %q
  stream_replicas: %d
%s
}
`

const natsCluster = `
cluster {
  name: %q
  listen: %q
  routes: %s
%s
}
`

// tlsBlock is a listener's; who says whom it lets in.
func tlsBlock(file, who string) string {
	return fmt.Sprintf("tls { cert_file: %q, key_file: %q, ca_file: %q, timeout: 5, %s }", file+".pem", file+".key", file+"-ca.pem", who)
}

// pinned lets in keys, of which there is one at least: an empty list would let in everybody.
func pinned(keys []string) string { return "verify: true, pinned_certs: " + list(keys) }

func natsUser(u User) string {
	var b strings.Builder
	for _, key := range u.Keys {
		fmt.Fprintf(&b, "    # %s\n    { user: %q, allowed_connection_types: [\"MQTT\"], permissions: { publish: %s, subscribe: %s } }\n",
			u.Name, key, allow(u.Publish), allow(u.Subscribe))
	}
	return b.String()
}

// allow gives what a user may use; check has found the filters to be right.
func allow(filters []string) string {
	subjects, err := broker.Subjects(filters)
	if err != nil || len(subjects) == 0 {
		return `{ deny: [">"] }`
	}
	return "{ allow: " + list(subjects) + " }"
}

func list(texts []string) string {
	quoted := slices.Clone(texts)
	for i, t := range quoted {
		quoted[i] = fmt.Sprintf("%q", t)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
