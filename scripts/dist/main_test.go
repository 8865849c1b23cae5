package main

import (
	"bytes"
	"encoding/xml"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bayeslice/internal/about"
	"bayeslice/internal/testenv"
)

// made returns every file that run writes, by its path below the folder.
func made(t *testing.T) map[string]string {
	t.Helper()
	dir := t.TempDir()
	if err := run(filepath.Join(dir, "share"), filepath.Join(dir, "copyright"), time.Date(2026, 11, 24, 1, 2, 3, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		files[filepath.ToSlash(rel)] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestWhatStandsBesideTheProgram(t *testing.T) {
	t.Chdir(testenv.Root())
	files := made(t)
	text, err := os.ReadFile("FyneApp.toml")
	if err != nil {
		t.Fatal(err)
	}
	p, err := about.Read(string(text))
	if err != nil {
		t.Fatal(err)
	}
	for file, wanted := range map[string][]string{
		"share/applications/" + p.ID + ".desktop":  {"\nName=Bayeslice\n", "\nExec=bayeslice open %f\n", "\nIcon=" + p.ID + "\n", "\nCategories=Science;MedicalSoftware;\n"},
		"share/metainfo/" + p.ID + ".metainfo.xml": {"<id>" + p.ID + "</id>", `version="` + p.Version + `" date="2026-11-24"`, "Not a medical device"},
		"share/man/man1/bayeslice.1":               {"Research use only"},
		"share/man/man1/bayeslice-infer.1":         {"Ctrl-C stops sampling"},
		"share/man/man1/bayeslice-licences.1":      {"index"},
	} {
		for _, want := range wanted {
			if !strings.Contains(files[file], want) {
				t.Errorf("%s lacks %q:\n%.400s", file, want, files[file])
			}
		}
	}
	if err := xml.NewDecoder(strings.NewReader(files["share/metainfo/"+p.ID+".metainfo.xml"])).Decode(new(struct{})); err != nil {
		t.Errorf("the description is no XML: %v", err)
	}
	if icon := files["share/icons/hicolor/256x256/apps/"+p.ID+".png"]; !bytes.HasPrefix([]byte(icon), []byte("\x89PNG")) {
		t.Error("the icon is no PNG")
	}
	all, err := about.Licences()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range all {
		if !strings.Contains(files["copyright"], "\n "+l.Name) {
			t.Errorf("the copyright of the package does not name %s", l.Name)
		}
	}
	for name, again := range made(t) {
		if files[name] != again {
			t.Errorf("%s differs from one making to the next", name)
		}
	}
}
