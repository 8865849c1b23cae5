package about

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"runtime"
	"slices"

	"bayeslice/resources"
)

// ErrLicences marks embedded licences that cannot be read, which is a fault of the build.
var ErrLicences = errors.New("about: damaged licences")

// Licence is that of a part of the program: a library, a typeface, the program itself.
type Licence struct {
	Name    string   // of the part, such as a module's path
	Version string   // of the part; "" where it has the version of the program or of the compiler
	Kind    string   // the licence in short, as SPDX writes it, such as "MIT" or "BSD-3-Clause AND Apache-2.0"
	On      []string `json:",omitempty"` // operating systems; empty for all
	Note    string   `json:",omitempty"` // what is to be known beside the text, a sentence
	File    string   // name of the text, in the folder of licences
}

// LicencesFolder is where the texts lie in [resources.Licences].
const LicencesFolder = "licences"

// index is the file that lists them.
const index = "index.json"

// Licences lists the parts of the program on this operating system: the program first, then what is no Go module, then
// the modules by path. It fails with [ErrLicences].
func Licences() ([]Licence, error) {
	b, err := fs.ReadFile(resources.Licences, path.Join(LicencesFolder, index))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrLicences, err)
	}
	var all []Licence
	if err := json.Unmarshal(b, &all); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrLicences, err)
	}
	return slices.DeleteFunc(all, func(l Licence) bool { return len(l.On) > 0 && !slices.Contains(l.On, runtime.GOOS) }), nil
}

// Text reads the licence's text. It fails with [ErrLicences].
func (l Licence) Text() (string, error) {
	b, err := fs.ReadFile(resources.Licences, path.Join(LicencesFolder, l.File))
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrLicences, err)
	}
	return string(b), nil
}
