package lang

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"golang.org/x/text/language"
)

// English is the tag of the language of the source.
const English = "en"

// version is the version of the files of texts.
const version = 1

// ErrTexts marks a file of texts that cannot be used.
var ErrTexts = errors.New("lang: unusable texts")

// Table is a file of texts: resources/texts/<tag>.json. Immutable once it was read.
type Table struct {
	Version  int    `json:"version"`
	Language string `json:"language"` // BCP 47 tag, which is the file's name too
	Name     string `json:"name"`     // of the language in itself, such as "Nederlands"
	// Texts are the translations by the English text. An empty one is not translated yet.
	Texts map[string]string `json:"texts"`
	// Plurals are the forms by CLDR category ("one", "few", "other" …) by the English form "other".
	Plurals map[string]map[string]string `json:"plurals,omitempty"`
	// Notes tell translators what a text means where it does not say so itself.
	Notes map[string]string `json:"notes,omitempty"`

	tag language.Tag
}

// Read reads a table, in which every translation must take what its English text takes. It fails with
// [ErrTexts].
func Read(data []byte) (*Table, error) {
	t := &Table{}
	if err := json.Unmarshal(data, t); err != nil {
		return nil, fmt.Errorf("%w: not valid JSON (%w); correct the file", ErrTexts, err)
	}
	if t.Version != version {
		return nil, fmt.Errorf("%w: version %d, this program knows %d; use the file that belongs to the program", ErrTexts, t.Version, version)
	}
	tag, err := language.Parse(t.Language)
	if err != nil {
		return nil, fmt.Errorf("%w: %q is no language tag; correct the file", ErrTexts, t.Language)
	}
	t.tag = tag
	for english, translated := range t.Texts {
		if translated != "" && !slices.Equal(verbs(english), verbs(translated)) {
			return nil, fmt.Errorf("%w: %q does not take what %q takes; correct the file", ErrTexts, translated, english)
		}
	}
	for english, forms := range t.Plurals {
		for _, form := range forms {
			if strings.Contains(form, "%") && !slices.Equal(verbs(english), verbs(form)) {
				return nil, fmt.Errorf("%w: %q does not take what %q takes; correct the file", ErrTexts, form, english)
			}
		}
	}
	return t, nil
}

// Choice is a language that texts exist in.
type Choice struct{ Tag, Name string }

// Available lists the languages whose tables lie in the folder "texts" of files, English first, the
// others by tag. It fails with [ErrTexts], naming the file.
func Available(files fs.FS) ([]Choice, error) {
	list, err := fs.Glob(files, "texts/*.json")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTexts, err)
	}
	all := []Choice{{English, "English"}}
	for _, file := range list {
		if tag := strings.TrimSuffix(path.Base(file), ".json"); tag != English {
			t, err := Load(files, tag)
			if err != nil {
				return nil, err
			}
			all = append(all, Choice{tag, t.Name})
		}
	}
	return all, nil
}

// Load reads the table of a language; for English it is nil, since the source has its texts. It fails
// with [ErrTexts], naming the file.
func Load(files fs.FS, tag string) (*Table, error) {
	if tag == English {
		return nil, nil //nolint:nilnil // nil is English throughout this package
	}
	name := path.Join("texts", tag+".json")
	data, err := fs.ReadFile(files, name)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTexts, err)
	}
	t, err := Read(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return t, nil
}

// Pick returns the tag of the available language that suits the user best: wanted are BCP 47 or POSIX
// names ("nl_NL.UTF-8", "de:en"), the dearest first; empty ones and unknown ones are passed over.
// Without a match it is English.
func Pick(available []Choice, wanted ...string) string {
	var tags []language.Tag
	for _, c := range available {
		tags = append(tags, language.Make(c.Tag))
	}
	for _, w := range wanted {
		for name := range strings.SplitSeq(w, ":") {
			name, _, _ = strings.Cut(name, ".")
			name, _, _ = strings.Cut(name, "@")
			tag, err := language.Parse(name)
			if err != nil || tag == language.Und {
				continue
			}
			if _, at, confidence := language.NewMatcher(tags).Match(tag); confidence >= language.Low {
				return available[at].Tag
			}
		}
	}
	return English
}

// FromEnvironment returns the names of the user's languages in the order in which POSIX systems look
// at them, for [Pick]; getenv is os.Getenv.
func FromEnvironment(getenv func(string) string) []string {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if value := getenv(name); value != "" {
			return []string{getenv("LANGUAGE"), value}
		}
	}
	return []string{getenv("LANGUAGE")}
}

// verbs returns the verbs of a format by the argument that each takes, sorted, as "1d" or "2s"; widths
// and precisions do not count.
func verbs(format string) []string {
	var found []string
	next := 1
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			continue
		}
		i++
		for i < len(format) && strings.IndexByte("+-# 0123456789.", format[i]) >= 0 {
			i++
		}
		if i < len(format) && format[i] == '[' {
			end := strings.IndexByte(format[i:], ']')
			if end < 0 {
				return append(found, "unclosed")
			}
			if _, err := fmt.Sscanf(format[i:], "[%d]", &next); err != nil {
				return append(found, "unclosed")
			}
			i += end + 1
		}
		if i < len(format) && format[i] != '%' {
			found = append(found, fmt.Sprintf("%d%c", next, format[i]))
			next++
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}
