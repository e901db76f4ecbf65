package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/klauspost/compress/zstd"
	"google.golang.org/protobuf/proto"

	pb "github.com/tallydock/tallydock/devices/wire/wirepb"
)

// Version is the version that this code writes; it reads 1 to Version.
const Version = 1

// Bounds of an Envelope: a sender keeps to them, a receiver refuses what goes beyond.
const (
	MaxRecords      = 1000
	MaxPayload      = 4 << 20 // bytes of a Payload before compression
	MaxMessageBytes = 1 << 20 // bytes of an encoded message
)

// Stream is one of an edge's two streams.
type Stream uint8

// The streams.
const (
	MainStream   Stream = 1 // movements, passes, alarms: gap-free
	SampleStream Stream = 2 // samples: rising, with gaps where samples were thinned out
)

// Envelope carries consecutive records of one stream.
type Envelope struct {
	Edge       string
	Epoch      uint64
	EpochStart uint64 // seq of the epoch's first main record
	Stream     Stream
	FirstSeq   uint64
	Before     Hash     // hash of the main record FirstSeq-1; zero where that is of an epoch before
	Records    [][]byte // as EncodeRecord made them
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Checksum is the wire's and the store's CRC-32C (Castagnoli).
func Checksum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

// Codec encodes and decodes envelopes. It keeps the compressor's buffers, so it is for one goroutine.
type Codec struct {
	enc *zstd.Encoder
	dec *zstd.Decoder
}

// NewCodec makes a Codec.
func NewCodec() (*Codec, error) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithWindowSize(128<<10), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, fmt.Errorf("cannot make the compressor: %w", err)
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(MaxPayload),
		zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, fmt.Errorf("cannot make the decompressor: %w", err)
	}
	return &Codec{enc, dec}, nil
}

// Encode gives the message of e.
func (c *Codec) Encode(e Envelope) ([]byte, error) {
	if len(e.Records) == 0 || len(e.Records) > MaxRecords {
		return nil, fmt.Errorf("envelope has %d records; 1 to %d are possible", len(e.Records), MaxRecords)
	}
	payload, err := proto.Marshal(&pb.Payload{Records: e.Records})
	if err != nil {
		return nil, fmt.Errorf("cannot encode the payload: %w", err)
	}
	if len(payload) > MaxPayload {
		return nil, fmt.Errorf("payload has %d bytes; at most %d are possible", len(payload), MaxPayload)
	}
	m := &pb.Envelope{
		Version: Version, Edge: e.Edge, Epoch: e.Epoch, EpochStart: e.EpochStart, Stream: uint32(e.Stream),
		FirstSeq: e.FirstSeq, Count: uint32(len(e.Records)), Payload: c.enc.EncodeAll(payload, nil),
	}
	if e.Stream == MainStream {
		m.Before = e.Before[:]
	}
	m.Crc32C = sum(m)
	return proto.Marshal(m)
}

// Decode reads a message and checks all that can be checked without knowing the edge: version, bounds, checksum,
// count. It does not decode the records, so that one bad record does not condemn its neighbours.
func (c *Codec) Decode(b []byte) (Envelope, error) {
	if len(b) > MaxMessageBytes {
		return Envelope{}, fmt.Errorf("message has %d bytes; at most %d are possible", len(b), MaxMessageBytes)
	}
	var m pb.Envelope
	if err := proto.Unmarshal(b, &m); err != nil {
		return Envelope{}, fmt.Errorf("message is no envelope: %w", err)
	}
	if err := checkVersion(m.GetVersion()); err != nil {
		return Envelope{}, err
	}
	if sum(&m) != m.GetCrc32C() {
		return Envelope{}, errors.New("envelope does not match its checksum: it was damaged on the way")
	}
	e := Envelope{
		Edge: m.GetEdge(), Epoch: m.GetEpoch(), EpochStart: m.GetEpochStart(), Stream: Stream(m.GetStream()),
		FirstSeq: m.GetFirstSeq(),
	}
	if err := ValidEdgeID(e.Edge); err != nil {
		return Envelope{}, err
	}
	if m.GetStream() != uint32(MainStream) && m.GetStream() != uint32(SampleStream) {
		return e, fmt.Errorf("stream %d is not known", m.GetStream())
	}
	if e.FirstSeq == 0 || e.Epoch == 0 {
		return e, errors.New("envelope lacks its epoch or its first seq")
	}
	if e.Stream == MainStream {
		var err error
		if e.Before, err = hashOf(m.GetBefore()); err != nil {
			return e, err
		}
	}
	payload, err := c.dec.DecodeAll(m.GetPayload(), nil)
	if err != nil {
		return e, fmt.Errorf("payload cannot be unpacked: %w", err)
	}
	var p pb.Payload
	if err := proto.Unmarshal(payload, &p); err != nil {
		return e, fmt.Errorf("payload is not readable: %w", err)
	}
	e.Records = p.GetRecords()
	if len(e.Records) != int(m.GetCount()) || len(e.Records) == 0 || len(e.Records) > MaxRecords {
		return e, fmt.Errorf("envelope says %d records and holds %d; 1 to %d are possible",
			m.GetCount(), len(e.Records), MaxRecords)
	}
	return e, nil
}

// sum is the checksum of an envelope: the CRC-32C of its numbers as eight bytes each, big-endian, in the order of their
// fields, then edge, before and payload, each behind its length.
func sum(m *pb.Envelope) uint32 {
	var b []byte
	for _, n := range []uint64{
		uint64(m.GetVersion()), m.GetEpoch(), m.GetEpochStart(), uint64(m.GetStream()), m.GetFirstSeq(), uint64(m.GetCount()),
	} {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	b = append(binary.BigEndian.AppendUint64(b, uint64(len(m.GetEdge()))), m.GetEdge()...)
	b = append(binary.BigEndian.AppendUint64(b, uint64(len(m.GetBefore()))), m.GetBefore()...)
	b = binary.BigEndian.AppendUint64(b, uint64(len(m.GetPayload())))
	return crc32.Update(Checksum(b), castagnoli, m.GetPayload())
}

func checkVersion(v uint32) error {
	if v == 0 || v > Version {
		return fmt.Errorf("wire version %d is not known here; this program speaks 1 to %d: update it", v, Version)
	}
	return nil
}

func hashOf(b []byte) (h Hash, err error) {
	if len(b) != len(h) {
		return h, fmt.Errorf("chain hash has %d bytes; %d are needed", len(b), len(h))
	}
	copy(h[:], b)
	return h, nil
}
