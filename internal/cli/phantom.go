package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"bayeslice/internal/phantom"
)

func (s *session) phantomCommand() *cobra.Command {
	var out string
	var seed uint64
	var count, lesions int
	var overwrite bool
	c := &cobra.Command{
		Use:   "phantom -o FOLDER",
		Short: "Generate synthetic exams with exact labels",
		Long: "Writes a computer-generated bi-parametric prostate MRI as DICOM into FOLDER/exam, and its exact labels\n(zones: 1 = TZ, 2 = PZ; lesions: 1) as NIfTI into FOLDER/labels. With --count N there is one such folder\n" +
			"per seed. The same seed gives the same bytes.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case out == "":
				return fmt.Errorf("%w: phantom needs -o FOLDER", errUsage)
			case count < 1:
				return fmt.Errorf("%w: --count is %d, at least one exam is needed", errUsage, count)
			}
			dirs := phantomFolders(out, seed, count)
			for _, dir := range dirs { // before the first is generated
				if err := claimPhantomFolder(dir, overwrite); err != nil {
					return err
				}
			}
			for i, dir := range dirs {
				if _, err := s.writePhantom(cmd.Context(), dir, seed+uint64(i), lesions); err != nil {
					return err
				}
				s.say("wrote %s", dir)
			}
			return nil
		},
	}
	c.Flags().StringVarP(&out, "out", "o", "", "folder to write into (required)")
	c.Flags().Uint64Var(&seed, "seed", 1, "seed of the first exam")
	c.Flags().IntVar(&count, "count", 1, "number of exams, with consecutive seeds")
	c.Flags().BoolVar(&overwrite, "overwrite", false, "replace an earlier phantom in the folder; other files are never removed")
	c.AddCommand(s.phantomReadersCommand())
	c.Flags().IntVar(&lesions, "lesions", phantom.RandomLesions, fmt.Sprintf("number of csPCa lesions, 0 to %d (default: drawn from the seed)", phantom.MaxLesions))
	return c
}

// phantomFolders names a folder for each exam.
func phantomFolders(out string, seed uint64, count int) []string {
	if count == 1 {
		return []string{out}
	}
	dirs := make([]string, count)
	for i := range dirs {
		dirs[i] = filepath.Join(out, fmt.Sprintf("seed-%d", seed+uint64(i)))
	}
	return dirs
}

// claimPhantomFolder refuses a folder that holds anything. To overwrite takes an earlier phantom away,
// and refuses what else lies where the exam goes.
func claimPhantomFolder(dir string, overwrite bool) error {
	place := dir
	if overwrite {
		place = filepath.Join(dir, "exam")
		if err := phantom.ClearDICOM(place); err != nil {
			return err
		}
	}
	entries, err := os.ReadDir(place)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && len(entries) == 0:
		return nil
	case err != nil:
		return err
	case overwrite:
		return fmt.Errorf("%w: %s holds files that phantom did not write; choose another folder with -o", errUsage, place)
	}
	return fmt.Errorf("the folder %s is not empty, and a phantom needs one of its own: %w", place, fs.ErrExist)
}

// writePhantom generates an exam and writes it with its labels.
func (s *session) writePhantom(ctx context.Context, dir string, seed uint64, lesions int) (*phantom.Exam, error) {
	bar := newMeter(s.Err, "generating slices")
	cfg := phantom.DefaultConfig(seed)
	cfg.Lesions = lesions
	cfg.Progress = func(done, total int) { bar.set(done, total, "") }
	made, err := phantom.Generate(ctx, cfg)
	bar.close()
	if err != nil {
		return nil, err
	}
	if err := made.WriteDICOM(ctx, filepath.Join(dir, "exam")); err != nil {
		return nil, err
	}
	return made, made.WriteLabels(filepath.Join(dir, "labels"))
}
