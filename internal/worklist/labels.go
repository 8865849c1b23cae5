package worklist

import (
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
	"strings"
	"unicode"
)

// LabelsFolder returns the folder in which the labels of an exam are kept: one for each exam, in a folder beside the
// list's file. It need not exist. Folders of exams keep their name; a name that is more than a folder's, such as that of a
// ZIP with one of its studies, gets a digest behind it, so that no two exams share a folder.
func (s *Store) LabelsFolder(e Entry) string {
	id := e.ID()
	name := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune(" _-.", r) {
			return r
		}
		return '-'
	}, id)
	if name != id || e.Path == "." {
		sum := sha256.Sum256([]byte(id))
		name = strings.Trim(name, " .") + "-" + hex.EncodeToString(sum[:4])
	}
	return filepath.Join(filepath.Dir(s.path), labelsFolder, strings.TrimPrefix(name, "-"))
}
