package site

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"time"
)

// Occurrence names something that began at a moment: a UUIDv7 whose random bits are a hash of the edge, the moment and
// the parts. The same occurrence has the same name after a restart, and no source of randomness is needed.
func (p *Plan) Occurrence(at time.Time, parts ...string) string {
	h := sha256.New()
	h.Write([]byte(p.Edge))
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(at.UnixNano())))
	for _, s := range parts {
		h.Write([]byte{0})
		h.Write([]byte(s))
	}
	var id [16]byte
	copy(id[:], h.Sum(nil))
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(at.UnixMilli()))
	copy(id[:6], ms[2:])
	id[6] = id[6]&0x0f | 0x70
	id[8] = id[8]&0x3f | 0x80
	x := hex.EncodeToString(id[:])
	return x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:]
}
