package about

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"bayeslice/internal/testenv"
)

func TestFyneAppSaysEverything(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(testenv.Root(), "FyneApp.toml"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := Read(string(text))
	if err != nil {
		t.Fatal(err)
	}
	if p.Name != "Bayeslice" || p.ID != "org.bayeslice.Bayeslice" || p.Title() != "Bayeslice "+p.Version || p.Build < 1 {
		t.Errorf("%+v", p)
	}
	if !regexp.MustCompile(`^\d+\.\d+\.\d+$`).MatchString(p.Version) {
		t.Errorf("version %q is not three numbers", p.Version)
	}
	if d := p.Desktop; d.GenericName == "" || len(d.Categories) == 0 || len(d.Keywords) == 0 || !strings.Contains(d.Comment, "research use only") {
		t.Errorf("the section for desktops lacks something: %+v", d)
	}
	changes, err := os.ReadFile(filepath.Join(testenv.Root(), "CHANGELOG.md"))
	if err != nil || !strings.Contains(string(changes), "## ["+p.Version+"]") {
		t.Errorf("CHANGELOG.md says nothing of version %s (%v)", p.Version, err)
	}
}

func TestReadRefusesWhatLacksAVersion(t *testing.T) {
	for _, text := range []string{"", "[Details]\nName = \"x\"\nID = \"y\"\n", "[Details", "[Details]\nBuild = \"one\"\n"} {
		if _, err := Read(text); !errors.Is(err, ErrMetadata) {
			t.Errorf("%q: %v, want ErrMetadata", text, err)
		}
	}
}

func TestBuild(t *testing.T) {
	if b := buildOf(nil); b.Short() != "" || !b.Time.IsZero() || b.Go == "" || !strings.Contains(b.Platform, "/") {
		t.Errorf("without what the compiler notes: %+v", b)
	}
	b := buildOf(&debug.BuildInfo{Settings: []debug.BuildSetting{
		{Key: "vcs.revision", Value: "0123456789abcdef0123"}, {Key: "vcs.modified", Value: "true"}, {Key: "vcs.time", Value: "2026-11-23T23:46:45Z"},
	}})
	if b.Short() != "0123456789ab+" || !b.Time.Equal(time.Date(2026, 11, 23, 23, 46, 45, 0, time.UTC)) {
		t.Errorf("%+v, %q", b, b.Short())
	}
}

func TestEveryLicenceHasItsText(t *testing.T) {
	all, err := Licences()
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]bool{}
	for _, l := range all {
		have[l.Name] = true
		if text, err := l.Text(); err != nil || len(text) < 300 || l.Kind == "" {
			t.Errorf("%s (%s): %d characters, %v", l.Name, l.Kind, len(text), err)
		}
	}
	for _, name := range []string{"Bayeslice", "Go", "ONNX Runtime", "OpenJPEG", "fyne.io/fyne/v2", "github.com/tetratelabs/wazero"} {
		if !have[name] {
			t.Errorf("%s is not in the list", name)
		}
	}
	if all[0].Name != "Bayeslice" || have["github.com/inconshreveable/mousetrap"] && !strings.HasPrefix(ThisBuild().Platform, "windows") {
		t.Errorf("the list begins with %s, or names what another system links", all[0].Name)
	}
	if _, err := (Licence{File: "missing"}).Text(); !errors.Is(err, ErrLicences) {
		t.Errorf("a missing text: %v", err)
	}
}

func TestWrap(t *testing.T) {
	text := "Short line\n\n  a margin that is kept on and on\tthen a tab\naverylongwordwithoutanyblank end\n"
	want := []string{"Short line", "", "  a margin that", "  is kept on and", "  on    then a", "  tab", "averylongwordwit", "houtanyblank end"}
	if got := Wrap(text, 16); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := Wrap("äöü äöü", 3); !slices.Equal(got, []string{"äöü", "äöü"}) {
		t.Errorf("%q", got)
	}
	if got := Wrap("ab", 0); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("no columns: %q", got)
	}
}
