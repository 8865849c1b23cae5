// Command dist writes what desktops of Linux and packages of Debian want beside the program: entry of the menu, icon,
// description for software centres, manual pages, copyright. All is made of FyneApp.toml, the command's own help and the
// embedded licences, so that nothing is said twice. scripts/dist.sh and scripts/deb.sh call it.
package main

import (
	"embed"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"
	"time"

	"github.com/spf13/cobra/doc"

	"bayeslice/internal/about"
	"bayeslice/internal/cli"
	"bayeslice/resources"
)

//go:embed templates
var templates embed.FS

// facts are what the templates name.
type facts struct {
	about.Program
	Summary  string // the comment without what stands in brackets
	Date     time.Time
	Licences []about.Licence
}

func main() {
	share := flag.String("share", "", "folder to fill: applications, icons, metainfo, man")
	debian := flag.String("debian", "", "file of the copyright of a Debian package")
	epoch := flag.Int64("date", 0, "seconds since 1970 of the revision")
	flag.Parse()
	if err := run(*share, *debian, time.Unix(*epoch, 0).UTC()); err != nil {
		fmt.Fprintln(os.Stderr, "dist:", err)
		os.Exit(1)
	}
}

func run(share, debian string, date time.Time) error {
	text, err := os.ReadFile("FyneApp.toml")
	if err != nil {
		return err
	}
	f := facts{Date: date}
	if f.Program, err = about.Read(string(text)); err != nil {
		return err
	}
	if f.Licences, err = about.Licences(); err != nil {
		return err
	}
	f.Summary, _, _ = strings.Cut(f.Desktop.Comment, " (")
	if share != "" {
		err = errors.Join(f.desktop(share), f.manual(filepath.Join(share, "man", "man1")))
	}
	if debian != "" {
		err = errors.Join(err, f.fill("copyright", debian))
	}
	return err
}

// desktop writes the entry, the icon and the description.
func (f facts) desktop(share string) error {
	icon := filepath.Join(share, "icons", "hicolor", "256x256", "apps", f.ID+".png")
	return errors.Join(
		f.fill("desktop", filepath.Join(share, "applications", f.ID+".desktop")),
		f.fill("metainfo.xml", filepath.Join(share, "metainfo", f.ID+".metainfo.xml")),
		write(icon, resources.Icon))
}

// fill writes a template with the facts in it.
func (f facts) fill(name, path string) error {
	t, err := template.New(name).Funcs(template.FuncMap{"list": list}).ParseFS(templates, "templates/"+name)
	if err != nil {
		return err
	}
	var b strings.Builder
	if err := t.ExecuteTemplate(&b, name, f); err != nil {
		return err
	}
	return write(path, []byte(b.String()))
}

// list writes a list as desktop entries want it.
func list(items []string) string { return strings.Join(items, ";") + ";" }

// manual writes a page for every command, from its own help.
func (f facts) manual(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // read by everyone
		return err
	}
	root := cli.Commands(f.Version)
	root.DisableAutoGenTag = true
	return doc.GenManTree(root, &doc.GenManHeader{Section: "1", Date: &f.Date, Source: f.Title(), Manual: f.Name}, dir)
}

func write(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // read by everyone
		return err
	}
	return os.WriteFile(path, text, 0o644) //nolint:gosec // read by everyone
}
