package exam

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
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

// examKey returns [Exam.Key] of a study.
func (k keyer) examKey(study string) string {
	if study == "" {
		study = "no StudyInstanceUID"
	}
	return k.hash(32, "study", study)
}

// nameOf returns an exam's display name, "Study 4F2A".
func nameOf(key string) string { return "Study " + strings.ToUpper(key[:4]) }
