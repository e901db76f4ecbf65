package e2e_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tallydock/tallydock/deploy/e2e"
	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/store/sqlite"
)

const (
	hubEdges    = 4
	hubTags     = 20_000 // in all, shared out among the edges
	hubRounds   = 4      // each moves every tag once; the first, in which the ledger meets the tags, is not measured
	hubEnvelope = 500    // movements in an envelope
	hubWindow   = 16     // envelopes of an edge on their way, as its uplink has it
)

// measureHubRoad takes the movements a second that one hub brings from MQTT into its ledger on SQLite, until its ack of
// the last, beside what SQLite itself takes of the same rows.
func measureHubRoad(t *testing.T, f *figures) {
	r := openHubRoad(t, programs(t))
	r.send(0, 1)
	before := used(t, r.h.PID("hub"))
	start := time.Now()
	r.send(1, hubRounds)
	took := time.Since(start).Seconds()
	after := used(t, r.h.PID("hub"))
	memory := memory(t, r.h.PID("hub"))
	if err := r.h.Stop("hub"); err != nil {
		t.Fatal(err)
	}
	n := float64((hubRounds - 1) * hubTags)
	raw := r.rawSQLite()
	f.add(fmt.Sprintf("hub, MQTT to committed ledger, %d edges, %d tags", hubEdges, hubTags), n/took, "moves/s",
		"SQLite alone: the same rows, 500 movements a transaction", raw)
	f.add("  of the hub's own CPU", n/(after.cpu-before.cpu).Seconds(), "moves/s", "", 0)
	t.Logf("%.0f movements in %.1f s; the hub uses %.2f cores, its memory is %.1f MiB (most %.1f MiB)",
		n, took, (after.cpu-before.cpu).Seconds()/took, mebibytes(memory["VmRSS"]), mebibytes(memory["VmHWM"]))
}

// hubRoad is a hub with edges that have much to say.
type hubRoad struct {
	t     *testing.T
	h     *benchHouse
	edges []*loadEdge
}

// loadEdge speaks the wire protocol as an edge, from messages that were made before.
type loadEdge struct {
	id       string
	client   *e2e.MQTT
	messages [][][]byte // by round
	acked    chan uint64
	had      uint64
	sent     uint64
}

func openHubRoad(t *testing.T, bin string) *hubRoad {
	t.Helper()
	var names []string
	for i := range hubEdges {
		names = append(names, fmt.Sprintf("%s-E%d", benchSite, i+1))
	}
	r := &hubRoad{t: t, h: openBench(t, bin, names, nil)}
	r.h.start("hub")
	for i, id := range names {
		r.edges = append(r.edges, r.newEdge(i, id))
	}
	return r
}

func (r *hubRoad) newEdge(i int, id string) *loadEdge {
	r.t.Helper()
	e := &loadEdge{id: id, acked: make(chan uint64, 1024)}
	heard := func(topic string, payload []byte) {
		if a, err := wire.DecodeAck(payload); err == nil {
			e.acked <- a.Upto
		}
	}
	login := r.h.logins.Edges[id]
	var err error
	if e.client, err = e2e.DialMQTT(r.h.MQTT, login.User, string(login.Password), 2*hubWindow, heard); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { e.client.Close() })
	if err := e.client.Subscribe(wire.Topic(id, wire.DownAck)); err != nil {
		r.t.Fatal(err)
	}
	var tags []devices.Tag
	for n := range hubTags / hubEdges {
		tags = append(tags, sgtin(r.t, n*hubEdges+i))
	}
	e.messages = encodeRounds(r.t, id, tags)
	return e
}

// encodeRounds makes the messages of an edge whose tags go from bay to bay.
func encodeRounds(t *testing.T, id string, tags []devices.Tag) (rounds [][][]byte) {
	t.Helper()
	codec, err := wire.NewCodec()
	if err != nil {
		t.Fatal(err)
	}
	env := wire.Envelope{Edge: id, Epoch: 1, EpochStart: 1, Stream: wire.MainStream, FirstSeq: 1}
	var hash wire.Hash
	seq := uint64(0)
	begin := time.Now().Add(-time.Hour)
	for round := range hubRounds {
		var messages [][]byte
		for n, tag := range tags {
			seq++
			raw, err := wire.EncodeRecord(storing(seq, tag, (n+round)%benchBays, begin.Add(time.Duration(seq)*time.Millisecond)))
			if err != nil {
				t.Fatal(err)
			}
			env.Records = append(env.Records, raw)
			hash = wire.Chain(hash, env.Epoch, seq, raw)
			if len(env.Records) < hubEnvelope && n < len(tags)-1 {
				continue
			}
			m, err := codec.Encode(env)
			if err != nil {
				t.Fatal(err)
			}
			messages = append(messages, m)
			env.Records, env.FirstSeq, env.Before = nil, seq+1, hash
		}
		rounds = append(rounds, messages)
	}
	return rounds
}

// storing is the record of a tag that came to a bay.
func storing(seq uint64, tag devices.Tag, bay int, at time.Time) wire.Record {
	return wire.Record{Seq: seq, Movement: &wire.Movement{
		Tag: tag, To: bayCode(bay), BizStep: wire.Storing, Disposition: wire.Accessible, ReadPoint: bayCode(bay), EventTime: at,
		FirstRead: at.Add(-time.Second), LastRead: at, Reads: 12, HasRSSI: true, PeakRSSI: -5230, Confidence: 950,
	}}
}

// send has all edges send the rounds from one to before another, and waits until the hub has acked them all.
func (r *hubRoad) send(from, to int) {
	r.t.Helper()
	var all sync.WaitGroup
	for _, e := range r.edges {
		all.Go(func() {
			for _, messages := range e.messages[from:to] {
				for _, m := range messages {
					if err := e.send(m); err != nil {
						r.t.Errorf("edge %s: %v", e.id, err)
						return
					}
				}
			}
			if err := e.await(e.sent); err != nil {
				r.t.Errorf("edge %s: %v", e.id, err)
			}
		})
	}
	all.Wait()
	if r.t.Failed() {
		r.t.FailNow()
	}
}

func (e *loadEdge) send(message []byte) error {
	e.sent += hubEnvelope
	if e.sent > hubWindow*hubEnvelope {
		if err := e.await(e.sent - hubWindow*hubEnvelope); err != nil {
			return err
		}
	}
	return e.client.Publish(wire.Topic(e.id, wire.UpMovements), message)
}

// await waits until the hub has acked a seq.
func (e *loadEdge) await(seq uint64) error {
	for e.had < seq {
		select {
		case upto := <-e.acked:
			e.had = max(e.had, upto)
		case <-time.After(30 * time.Second):
			return fmt.Errorf("hub acked %d, not %d, and then nothing for 30 s", e.had, seq)
		}
	}
	return nil
}

// rawSQLite inserts the movements and entries that the hub wrote into another file of its schema by prepared statements,
// as many movements in a transaction as the hub's envelopes have, with the hub's settings, and gives the movements a second.
func (r *hubRoad) rawSQLite() float64 {
	r.t.Helper()
	from, err := sql.Open("sqlite", "file:"+filepath.Join(r.h.Dir, "hub", "hub.db")+"?mode=ro")
	if err != nil {
		r.t.Fatal(err)
	}
	defer from.Close()
	movements := readRows(r.t, from, `SELECT * FROM movement ORDER BY id`)
	lines := readRows(r.t, from, `SELECT * FROM movement_line ORDER BY movement, line`)
	if len(movements) != hubRounds*hubTags || len(lines) != len(movements) {
		r.t.Fatalf("the hub has %d movements and %d lines of %d movements", len(movements), len(lines), hubRounds*hubTags)
	}
	file := filepath.Join(r.h.Dir, "raw.db")
	made, err := sqlite.Open(r.t.Context(), file, time.Now, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	made.Close()
	db, err := sql.Open("sqlite", "file:"+file+"?_txlock=immediate&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=cache_size(-16384)")
	if err != nil {
		r.t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	start := time.Now()
	for n := 0; n < len(movements); n += hubEnvelope {
		insertRows(r.t, db, movements[n:n+hubEnvelope], lines[n:n+hubEnvelope])
	}
	return float64(len(movements)) / time.Since(start).Seconds()
}

func readRows(t *testing.T, db *sql.DB, query string) (all [][]any) {
	t.Helper()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		row, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		all = append(all, row)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// insertRows writes one transaction.
func insertRows(t *testing.T, db *sql.DB, movements, lines [][]any) {
	t.Helper()
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	for _, part := range []struct {
		table string
		rows  [][]any
	}{{"movement", movements}, {"movement_line", lines}} {
		s, err := tx.Prepare(`INSERT INTO ` + part.table + ` VALUES (?` + strings.Repeat(`, ?`, len(part.rows[0])-1) + `)`)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range part.rows {
			if _, err := s.Exec(row...); err != nil {
				t.Fatal(err)
			}
		}
		s.Close()
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
}
