// Package about holds what the program says about itself: its name and version, which stand in FyneApp.toml alone, what
// it was built from, and the licences of everything that is part of it, which are embedded in the program.
package about

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/BurntSushi/toml"
)

// ErrMetadata marks a FyneApp.toml that cannot be read or lacks a name, an identifier or a version.
var ErrMetadata = errors.New("about: damaged FyneApp.toml")

// Program is what FyneApp.toml says.
type Program struct {
	Name    string // as on screen
	ID      string // reversed domain, as desktops know the program
	Version string // three numbers
	Build   int    // counts packages of all versions
	Desktop Desktop
}

// Desktop is what desktops of Linux show of the program.
type Desktop struct {
	GenericName, Comment string
	Categories, Keywords []string
	ExecParams           string // behind the name of the program; %f stands for a file
}

// Read takes the text of FyneApp.toml. It fails with [ErrMetadata].
func Read(text string) (Program, error) {
	var file struct {
		Details struct {
			Name, ID, Version string
			Build             int
		}
		LinuxAndBSD Desktop
	}
	if _, err := toml.Decode(text, &file); err != nil {
		return Program{}, fmt.Errorf("%w: %w", ErrMetadata, err)
	}
	d := file.Details
	if d.Name == "" || d.ID == "" || d.Version == "" {
		return Program{}, fmt.Errorf("%w: Name, ID or Version is missing", ErrMetadata)
	}
	return Program{Name: d.Name, ID: d.ID, Version: d.Version, Build: d.Build, Desktop: file.LinuxAndBSD}, nil
}

// Title is the name with the version, as files carry it.
func (p Program) Title() string { return p.Name + " " + p.Version }

// Build says what a program was built from.
type Build struct {
	Revision string    // of the source; "" where the compiler was not told
	Changed  bool      // the source differed from that revision
	Time     time.Time // of the revision; zero where it is not known
	Go       string    // version of the compiler
	Platform string    // operating system and processor, as in "linux/amd64"
}

// ThisBuild tells it of the running program.
func ThisBuild() Build {
	info, _ := debug.ReadBuildInfo()
	return buildOf(info)
}

// buildOf reads what the compiler noted; info may be nil.
func buildOf(info *debug.BuildInfo) Build {
	b := Build{Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info == nil {
		return b
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.modified":
			b.Changed = s.Value == "true"
		case "vcs.time":
			b.Time, _ = time.Parse(time.RFC3339, s.Value) // zero where the compiler wrote none
		}
	}
	return b
}

// shortRevision is as long as a revision need be to be found.
const shortRevision = 12

// Short is the beginning of the revision, with a plus sign where the source differed from it; "" where it is not known.
func (b Build) Short() string {
	short := b.Revision[:min(shortRevision, len(b.Revision))]
	if short != "" && b.Changed {
		short += "+"
	}
	return short
}
