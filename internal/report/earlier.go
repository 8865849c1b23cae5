package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// maxResultBytes bounds how much of an earlier result.json is read.
const maxResultBytes = 16 << 20

// ownNames are the names that [Write] gives to files, beside [ResultFile]. Nothing else is ever removed.
var ownNames = []string{
	PanelFile,
	"probability_tz.nii.gz", "sd_tz.nii.gz", "probability_pz.nii.gz", "sd_pz.nii.gz",
	"probability_cspca.nii.gz", "sd_cspca.nii.gz", "probability_background.nii.gz", "sd_background.nii.gz",
	"entropy.nii.gz", "expected_entropy.nii.gz", "mutual_information.nii.gz",
	"zones.nii.gz", "cspca.nii.gz", "lesions.nii.gz", "model_region.nii.gz",
	zonesSEG, cancerSEG, lesionsSEG, probabilitySEG, contoursName,
}

// earlierFiles lists the files of the earlier result in dir: those that its result.json names and that
// have a name of our own, and the panel; without a result.json, what an unfinished result left. It
// fails with [ErrForeign] where the result.json is not one of this program.
func earlierFiles(dir string) ([]string, error) {
	path := filepath.Join(dir, ResultFile)
	info, err := os.Stat(path) // before opening: a pipe would block
	switch {
	case errors.Is(err, os.ErrNotExist):
		return unfinished(dir), nil
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular() || info.Size() > maxResultBytes:
		return nil, fmt.Errorf("%w: %s is no file of ours", ErrForeign, ResultFile)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	var old struct {
		Format      int    `json:"format"`
		ResearchUse string `json:"researchUse"`
		Files       []struct {
			Name string `json:"name"`
		} `json:"files"`
	}
	if err := json.NewDecoder(io.LimitReader(f, maxResultBytes)).Decode(&old); err != nil {
		return nil, fmt.Errorf("%w: %s cannot be read: %w", ErrForeign, ResultFile, err)
	}
	if old.Format < 1 || old.ResearchUse == "" {
		return nil, fmt.Errorf("%w: %s describes something else", ErrForeign, ResultFile)
	}
	names := []string{PanelFile}
	for _, file := range old.Files {
		if slices.Contains(ownNames, file.Name) && !slices.Contains(names, file.Name) {
			names = append(names, file.Name)
		}
	}
	return names, nil
}

// unfinished lists what a writing that stopped left. Every result begins with a probability map: without
// one, files of our names are somebody else's.
func unfinished(dir string) []string {
	names := present(dir)
	if slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, "probability_") }) {
		return names
	}
	return nil
}

// present lists the files in dir that have a name of our own.
func present(dir string) []string {
	return slices.DeleteFunc(slices.Clone(ownNames), func(name string) bool {
		info, err := os.Lstat(filepath.Join(dir, name))
		return err != nil || info.IsDir()
	})
}

// clearResult takes an earlier result away, so that none of its maps stands beside the new ones.
// Its result.json goes first: the folder must not look whole while it is being replaced.
func clearResult(dir string) error {
	names, err := earlierFiles(dir)
	if err != nil {
		return err
	}
	for _, name := range append([]string{ResultFile}, names...) {
		path := filepath.Join(dir, name)
		if info, err := os.Lstat(path); err != nil || info.IsDir() {
			continue // gone already, or a folder: not ours
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return &PartialError{Err: err}
		}
	}
	return nil
}
