package annotate

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/crc32"

	"bayeslice/internal/geom"
)

// A journal is a file of records: the length of the payload as uint32, its complement, the CRC-32C of the
// payload, all little-endian, and the payload, whose first byte is the kind. The first record is the head,
// the second the contours that the session began with; the rest is what was done, in order.
type recordKind byte

// Kinds of records. Their numbers are stored and never change.
const (
	recordHead recordKind = iota + 1
	recordBase
	recordStep
	recordUndo
	recordRedo
	recordSaved
)

// record is one entry of a journal. step is that of recordStep, and the patches of recordBase.
type record struct {
	kind recordKind
	head journalHead
	step step
}

// journalFormat is the version of the journals written here.
const journalFormat = 1

// journalHead says what a journal belongs to. It holds no identity: the key is a salted hash.
type journalHead struct {
	Format int    `json:"format"`
	Exam   string `json:"exam"` // exam.Exam.Key
	Grid   string `json:"grid"` // [GridDigest]
	Size   [3]int `json:"size"`
}

// GridDigest returns 16 hexadecimal digits that tell grids apart which differ by 0.1 µm or more.
func GridDigest(g geom.Grid) string {
	text := fmt.Sprintf("%v", g.Size)
	for _, row := range g.Affine() {
		for _, v := range row {
			text += fmt.Sprintf(" %.4f", v+0) // −0 becomes 0
		}
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}

// recordPrefix is the bytes before the payload, maxPayload the longest payload: a change of every voxel of
// a large image in runs of one voxel stays below it.
const (
	recordPrefix = 12
	maxPayload   = 1 << 30
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// encode returns the bytes of a record.
func (r record) encode() ([]byte, error) {
	b := make([]byte, recordPrefix, 256)
	b = append(b, byte(r.kind))
	switch r.kind {
	case recordHead:
		text, err := json.Marshal(r.head)
		if err != nil {
			return nil, err
		}
		b = append(b, text...)
	case recordStep, recordBase:
		a := r.step.action
		b = append(b, byte(a.Op), byte(a.Label), byte(a.Mode))
		b = binary.AppendUvarint(b, uint64(len(r.step.patches)))
		for _, p := range r.step.patches {
			b = p.append(b)
		}
	}
	payload := b[recordPrefix:]
	if len(payload) > maxPayload {
		return nil, fmt.Errorf("a change of %d bytes", len(payload))
	}
	le := binary.LittleEndian
	le.PutUint32(b, uint32(len(payload)))
	le.PutUint32(b[4:], ^uint32(len(payload)))
	le.PutUint32(b[8:], crc32.Checksum(payload, castagnoli))
	return b, nil
}

// verdict says how the bytes of a journal go on.
type verdict uint8

const (
	whole   verdict = iota // with a whole record
	ended                  // not at all
	torn                   // with a record whose writing was cut short
	damaged                // with something else
)

// nextRecord splits the first record's payload off b. rest is what follows it.
func nextRecord(b []byte) (payload, rest []byte, v verdict) {
	if len(b) == 0 {
		return nil, nil, ended
	}
	if len(b) < recordPrefix || allZero(b) {
		return nil, b, torn
	}
	le := binary.LittleEndian
	length := le.Uint32(b)
	if le.Uint32(b[4:]) != ^length || length == 0 || length > maxPayload {
		return nil, b, damaged
	}
	end := recordPrefix + int(length)
	if end > len(b) {
		return nil, b, torn
	}
	payload = b[recordPrefix:end]
	if crc32.Checksum(payload, castagnoli) != le.Uint32(b[8:]) {
		if end == len(b) {
			return nil, b, torn
		}
		return nil, b, damaged
	}
	return payload, b[end:], whole
}

// allZero reports whether a file system gave the end of a file its length and not its content.
func allZero(b []byte) bool {
	for _, v := range b {
		if v != 0 {
			return false
		}
	}
	return true
}

// decodeRecord reads a payload. Patches are well formed, but not yet checked against the document.
func decodeRecord(payload []byte) (r record, ok bool) {
	r.kind = recordKind(payload[0])
	b := payload[1:]
	switch r.kind {
	case recordHead:
		return r, json.Unmarshal(b, &r.head) == nil
	case recordUndo, recordRedo, recordSaved:
		return r, len(b) == 0
	case recordStep, recordBase:
		return r.decodeStep(b)
	}
	return r, false
}

func (r record) decodeStep(b []byte) (record, bool) {
	if len(b) < 4 {
		return r, false
	}
	r.step.action = Action{Op: Op(b[0]), Label: Label(b[1]), Mode: Mode(b[2])}
	n, used := binary.Uvarint(b[3:])
	if used <= 0 || n > uint64(layerCount) || r.step.action.Label > CsPCa || r.step.action.Mode > Erase {
		return r, false
	}
	b = b[3+used:]
	for range n {
		p, rest, ok := patchFrom(b)
		if !ok {
			return r, false
		}
		r.step.patches, b = append(r.step.patches, p), rest
	}
	if r.kind == recordStep {
		if len(r.step.patches) == 0 || r.step.action.Op == 0 || r.step.action.Op >= opEnd {
			return r, false
		}
		r.step.action.From, r.step.action.To = r.step.slices()
	}
	return r, len(b) == 0
}
