package exam

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
)

// fileTokens are the words of file names that say what an image is.
var fileTokens = []string{"t2w", "t2", "adc", "hbv", "dwi", "sag", "cor"}

// fileToken returns the last such word of a name, or "".
func fileToken(stem string) string {
	words := strings.FieldsFunc(strings.ToLower(stem), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	slices.Reverse(words)
	for _, w := range words {
		if slices.Contains(fileTokens, w) {
			return w
		}
	}
	return ""
}

// caseGroups sorts files by what is left of their paths without the word that names their kind, so
// that a folder of several cases ("10032_1000032_t2w.mha", …) is told from the files of one. It
// returns nil unless there are several and each has a T2W of its own. Label files go with the case
// whose name theirs begins with.
func caseGroups(paths []string) map[string][]string {
	groups, t2 := map[string][]string{}, map[string]bool{}
	var labels []string
	for _, p := range paths {
		stem := strings.ToLower(imageStem(p))
		token := fileToken(stem)
		switch {
		case rules().isLabel(stem):
			labels = append(labels, p)
		case token != "":
			key := filepath.ToSlash(filepath.Dir(p)) + "/" + stem[:strings.LastIndex(stem, token)]
			groups[key] = append(groups[key], p)
			t2[key] = t2[key] || strings.HasPrefix(token, "t2")
		}
	}
	if len(t2) < 2 || len(groups) != countTrue(t2) {
		return nil
	}
	for _, p := range labels {
		for key := range groups {
			if strings.HasPrefix(filepath.ToSlash(filepath.Dir(p))+"/"+strings.ToLower(imageStem(p)), key) {
				groups[key] = append(groups[key], p)
			}
		}
	}
	return groups
}

func countTrue(m map[string]bool) (n int) {
	for _, v := range m {
		if v {
			n++
		}
	}
	return n
}

// pickCase chooses among the cases of a folder as [Options.Study] says. A case's key here is that
// of its files' names, since their voxels are not read yet.
func (op *opener) pickCase(groups map[string][]string) ([]string, error) {
	several := &SeveralExamsError{}
	var hits []string
	for key := range groups {
		hash := op.keys.hash(32, "case", path.Base(key))
		if want := strings.ToLower(op.options.Study); want != "" && strings.HasPrefix(hash, want) {
			hits = append(hits, key)
		}
		several.Studies = append(several.Studies, StudyInfo{Key: hash, Name: nameOf(hash), Series: len(groups[key])})
	}
	slices.SortFunc(several.Studies, func(a, b StudyInfo) int { return strings.Compare(a.Key, b.Key) })
	if len(hits) == 1 {
		return groups[hits[0]], nil
	}
	if op.options.Study != "" && len(hits) == 0 {
		return nil, fmt.Errorf("%w: none begins with %q; %s", ErrNoSuchStudy, op.options.Study, strings.TrimPrefix(several.Error(), "exam: "))
	}
	return nil, several
}
