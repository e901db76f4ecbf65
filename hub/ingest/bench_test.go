package ingest_test

import (
	"path/filepath"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/tallydock/tallydock/devices/wire"
)

const perEnvelope = 250

// BenchmarkMQTTToLedger: an edge publishes envelopes over MQTT, the hub commits and acks them. One op is one movement,
// from the first publish to the last ack.
func BenchmarkMQTTToLedger(b *testing.B) {
	h := openHub(b, filepath.Join(b.TempDir(), "hub.db"))
	broker := startBroker(b)
	h.listen(b, broker, nil)
	var mu sync.Mutex
	var acked uint64
	progress := make(chan struct{}, 1)
	o := mqtt.NewClientOptions().AddBroker("tcp://" + broker.Addr()).SetClientID("bench-SZ1-E1").SetUsername("SZ1-E1").SetPassword("edge-pw")
	c := mqtt.NewClient(o)
	must(b, c.Connect())
	must(b, c.Subscribe(wire.Topic("SZ1-E1", wire.DownAck), 1, func(_ mqtt.Client, m mqtt.Message) {
		if a, err := wire.DecodeAck(m.Payload()); err == nil {
			mu.Lock()
			acked = a.Upto
			mu.Unlock()
			select {
			case progress <- struct{}{}:
			default:
			}
		}
	}))
	messages := encode(b, b.N)
	b.ReportAllocs()
	b.ResetTimer()
	for i, m := range messages {
		for window := uint64(16 * perEnvelope); ; {
			mu.Lock()
			ahead := uint64(i*perEnvelope) > acked+window
			mu.Unlock()
			if !ahead {
				break
			}
			<-progress
		}
		c.Publish(wire.Topic("SZ1-E1", wire.UpMovements), 1, false, m)
	}
	for {
		mu.Lock()
		done := acked == uint64(b.N)
		mu.Unlock()
		if done {
			break
		}
		select {
		case <-progress:
		case <-time.After(20 * time.Second):
			b.Fatal("no ack")
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "movements/s")
	b.StopTimer()
	c.Disconnect(50)
}

func must(b *testing.B, t mqtt.Token) {
	b.Helper()
	if !t.WaitTimeout(10*time.Second) || t.Error() != nil {
		b.Fatal(t.Error())
	}
}

// encode gives the messages of n movements.
func encode(b *testing.B, n int) (messages [][]byte) {
	codec, err := wire.NewCodec()
	if err != nil {
		b.Fatal(err)
	}
	env := wire.Envelope{Edge: "SZ1-E1", Epoch: 1, EpochStart: 1, Stream: wire.MainStream, FirstSeq: 1}
	var hash wire.Hash
	for i := range n {
		r := moved(i)
		r.Seq = uint64(i) + 1
		raw, err := wire.EncodeRecord(r)
		if err != nil {
			b.Fatal(err)
		}
		env.Records = append(env.Records, raw)
		hash = wire.Chain(hash, 1, r.Seq, raw)
		if len(env.Records) == perEnvelope || i == n-1 {
			m, err := codec.Encode(env)
			if err != nil {
				b.Fatal(err)
			}
			messages = append(messages, m)
			env.Records, env.FirstSeq, env.Before = nil, r.Seq+1, hash
		}
	}
	return messages
}
