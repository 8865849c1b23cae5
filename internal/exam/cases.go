package exam

import (
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// kindWord finds the words of file names that say what an image is, bValueWord those that name a
// diffusion image by its b-value alone. The word is the first group, in lower case.
var (
	kindWord   = regexp.MustCompile(`(?:^|[^\pL\pN])(t2w?|d?adc(?:[ _-]?maps?)?|hbv|dwi|sag|cor)(?:[^\pL\pN]|$)`)
	bValueWord = regexp.MustCompile(`(?:^|[^\pL\pN])(b(?:val(?:ue)?)?[ _=-]?[1-9][0-9]{1,3})(?:[^\pL\pN]|$)`)
)

// lastWord returns the last word of a lower-case name, where it stands, and how many there are.
func lastWord(words *regexp.Regexp, stem string) (word string, at, count int) {
	at = -1
	for from := 0; ; count++ { // words may share the character between them
		m := words.FindStringSubmatchIndex(stem[from:])
		if m == nil {
			return word, at, count
		}
		word, at = stem[from+m[2]:from+m[3]], from+m[2]
		from += m[3]
	}
}

// fileToken returns the last such word of a name and where it stands in the lower-case name, "" and
// -1 where there is none. A kind goes before a b-value.
func fileToken(stem string) (token string, at int) {
	stem = strings.ToLower(stem)
	if token, at, _ = lastWord(kindWord, stem); token == "" {
		token, at, _ = lastWord(bValueWord, stem)
	}
	return token, at
}

// nameB returns the b-value in s/mm² that a file's name states, where it states one and no kind of
// image but a diffusion image. Without such a kind b-values below 100 may be something else.
func nameB(stem string) (b float64, ok bool) {
	word, _, count := lastWord(bValueWord, strings.ToLower(stem))
	if count != 1 {
		return 0, false
	}
	b, err := strconv.ParseFloat(strings.TrimLeft(word, "bvalue _=-"), 64)
	token, _ := fileToken(stem)
	return b, err == nil && (token == "dwi" || token == "hbv" || token == word && b >= 100)
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
		token, at := fileToken(stem)
		switch {
		case rules().isLabel(stem):
			labels = append(labels, p)
		case token != "":
			key := filepath.ToSlash(filepath.Dir(p)) + "/" + stem[:at]
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
