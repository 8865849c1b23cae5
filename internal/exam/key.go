package exam

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"strings"
)

// appSalt keys exam keys where the caller gives no salt of its own; see [Options.Salt].
const appSalt = "bayeslice exam key v1"

// keyer turns identifiers into keys that do not show them.
type keyer []byte

func newKeyer(salt []byte) keyer {
	if len(salt) == 0 {
		return keyer(appSalt)
	}
	return keyer(salt)
}

// hash returns the first n hexadecimal digits of HMAC-SHA-256 over the parts, "" where all are empty.
func (k keyer) hash(n int, parts ...string) string {
	if strings.Join(parts, "") == "" {
		return ""
	}
	m := hmac.New(sha256.New, k)
	m.Write([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(m.Sum(nil))[:n]
}

// hashVoxels is [keyer.hash] over a lead and the little-endian voxels, without a copy of them.
func (k keyer) hashVoxels(n int, lead string, data []float32) string {
	m := hmac.New(sha256.New, k)
	m.Write([]byte(lead + "\x00"))
	b := make([]byte, 0, 1<<16)
	for len(data) > 0 {
		part := data[:min(len(data), cap(b)/4)]
		b = b[:0]
		for _, x := range part {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
		}
		m.Write(b)
		data = data[len(part):]
	}
	return hex.EncodeToString(m.Sum(nil))[:n]
}

// examKey returns [Exam.Key] of a study.
func (k keyer) examKey(study string) string {
	if study == "" {
		study = "no StudyInstanceUID"
	}
	return k.hash(32, "study", study)
}

// nameOf returns an exam's display name, "Study 4F2A".
func nameOf(key string) string { return "Study " + strings.ToUpper(key[:4]) }
