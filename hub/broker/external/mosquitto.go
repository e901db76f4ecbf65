package external

import (
	"fmt"
	"strings"

	"github.com/tallydock/tallydock/hub/broker"
)

// Mosquitto is a broker of the version 2.0 or newer.
type Mosquitto struct {
	Dir         string // where its files will be; absolute
	Data        string // where it keeps its messages; "" = in memory only
	Listen      string // host:port
	Server      Server
	Revocations []byte // PEM; one list for each issuing certificate
	Users       []User
}

// Files are mosquitto.conf and what it names.
func (m Mosquitto) Files() (Files, error) {
	users, err := check(m.Users)
	if err != nil {
		return nil, err
	}
	host, port, err := hostPort("the address to listen on", m.Listen)
	if err != nil {
		return nil, err
	}
	dir, err := path(m.Dir, "")
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	fmt.Fprintf(&b, mosquittoConf, broker.MaxPayload, broker.MaxInFlight, port, host, dir)
	if m.Data != "" {
		data, err := path(m.Data, "")
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "\npersistence true\npersistence_location %s/\nautosave_interval 60\n", data)
	}
	return Files{
		"mosquitto.conf": []byte(b.String()), "users.acl": []byte(acl(users)), "ca.pem": m.Server.Trust, "server.pem": m.Server.Chain,
		"server.key": m.Server.Key, "revoked.pem": m.Revocations,
	}, nil
}

const mosquittoConf = `# Written by Tallydock: what is changed here is lost. After the files have changed: systemctl reload mosquitto
per_listener_settings true
message_size_limit %d
max_inflight_messages %d
max_queued_messages 20000

listener %s %s
cafile %[5]s/ca.pem
certfile %[5]s/server.pem
keyfile %[5]s/server.key
crlfile %[5]s/revoked.pem
tls_version tlsv1.2
require_certificate true
use_identity_as_username true
use_username_as_clientid true
allow_anonymous false
allow_zero_length_clientid false
acl_file %[5]s/users.acl
`

func acl(users []User) string {
	var b strings.Builder
	b.WriteString("# Written by Tallydock: what is changed here is lost.\n")
	for _, u := range users {
		fmt.Fprintf(&b, "\nuser %s\n", u.Name)
		for _, f := range u.Publish {
			fmt.Fprintf(&b, "topic write %s\n", f)
		}
		for _, f := range u.Subscribe {
			fmt.Fprintf(&b, "topic read %s\n", f)
		}
	}
	return b.String()
}
