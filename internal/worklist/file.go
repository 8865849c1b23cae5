package worklist

import (
	"fmt"
	"path/filepath"

	"bayeslice/internal/jsonfile"
)

// FileName is the name of a work list in its folder of exams.
const FileName = "bayeslice-worklist.json"

// formatVersion is the version of the file that this program writes.
const formatVersion = 1

// content is what a work list file holds. Fields that this version does not know stay in the file.
type content struct {
	Version int     `json:"version"`
	What    string  `json:"what"`   // for people who open the file
	Folder  string  `json:"folder"` // of the exams: relative to the file's where that can be said, with slashes
	Exams   []Entry `json:"exams"`
}

// whatItIs marks the file as a work list.
const whatItIs = "Bayeslice work list: states, notes and figures of the exams in a folder. The names of folders are the user's own."

// readFile reads a list; a missing file is an empty one. It fails with [ErrList].
func readFile(path string) (content, *jsonfile.File, error) {
	var c content
	f, err := jsonfile.Open(path, formatVersion, &c)
	if err != nil {
		return c, nil, fmt.Errorf("%w: %w", ErrList, err)
	}
	f.Share()
	if f.Found() {
		err = c.check()
	}
	return c, f, err
}

// check refuses a list that was not written by this program.
func (c *content) check() error {
	if c.Version < 1 || c.What == "" {
		return fmt.Errorf("%w: the file is no work list; choose another file for the list", ErrList)
	}
	seen := map[string]bool{}
	for n, e := range c.Exams {
		switch {
		case !filepath.IsLocal(filepath.FromSlash(e.Path)):
			return fmt.Errorf("%w: exam %d lies outside the folder; correct its path, or move the file away to start anew", ErrList, n+1)
		case seen[e.ID()]:
			return fmt.Errorf("%w: exam %d is listed twice; remove one, or move the file away to start anew", ErrList, n+1)
		}
		if _, err := ParseState(string(e.State)); err != nil {
			return fmt.Errorf("%w: exam %d has the state %q; correct it, or move the file away to start anew", ErrList, n+1, e.State)
		}
		seen[e.ID()] = true
	}
	return nil
}
