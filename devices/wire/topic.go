package wire

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
)

// Partitions is how many partitions the edges are spread over; the unit of work that hub replicas share out.
const Partitions = 64

// Topics of an edge, under td/v1/{partition}/{edge}/.
const (
	UpMovements = "up/movements" // main stream: movements, passes and verdicts
	UpAlarms    = "up/alarms"    // main stream: alarm transitions and what comes of them
	UpSamples   = "up/samples"   // sample stream
	UpStatus    = "up/status"    // Status, retained; also the MQTT will
	DownAck     = "down/ack"     // Ack, retained
	DownCommand = "down/command" // Command
	DownConfig  = "down/config"  // Configuration, retained
	DownCatalog = "down/catalog" // Catalog, retained
)

// HubFilter is the subscription by which a hub hears every edge.
const HubFilter = "td/v1/+/+/up/#"

// PartitionFilter is the subscription by which a hub hears the edges of one partition. It has no '#', for which some
// brokers count two.
func PartitionFilter(partition int) string { return "td/v1/" + strconv.Itoa(partition) + "/+/up/+" }

// ValidEdgeID reports whether id can name an edge: 1 to 64 of A-Z a-z 0-9 . _ -
func ValidEdgeID(id string) error {
	if len(id) == 0 || len(id) > 64 {
		return fmt.Errorf("edge id %q has %d characters; 1 to 64 are possible", id, len(id))
	}
	for _, c := range id {
		if !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-", c) {
			return fmt.Errorf("edge id %q has the character %q; letters, digits, '.', '_' and '-' are possible", id, c)
		}
	}
	return nil
}

// Partition of an edge: FNV-1a (32 bit) of its id, mod Partitions.
func Partition(edge string) int {
	h := fnv.New32a()
	h.Write([]byte(edge))
	return int(h.Sum32() % Partitions)
}

// Topic of an edge, e.g. Topic("SZ1-E1", UpMovements).
func Topic(edge, leaf string) string {
	return "td/v1/" + strconv.Itoa(Partition(edge)) + "/" + edge + "/" + leaf
}

// ParseTopic takes a topic apart and checks that its partition is the edge's.
func ParseTopic(topic string) (edge, leaf string, err error) {
	p := strings.SplitN(topic, "/", 5)
	if len(p) != 5 || p[0] != "td" || p[1] != "v1" {
		return "", "", fmt.Errorf("topic %q is not td/v1/PARTITION/EDGE/…", topic)
	}
	if err := ValidEdgeID(p[3]); err != nil {
		return "", "", fmt.Errorf("topic %q: %w", topic, err)
	}
	if p[2] != strconv.Itoa(Partition(p[3])) {
		return "", "", fmt.Errorf("topic %q: edge %s belongs to partition %d", topic, p[3], Partition(p[3]))
	}
	return p[3], p[4], nil
}
