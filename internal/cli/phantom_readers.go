package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"bayeslice/internal/modelcard"
	"bayeslice/internal/nets"
	"bayeslice/training/cohort"
)

// exportedExams is how many exams are written unless said otherwise: enough to look at.
const exportedExams = 20

// exportPresets have pixels of 1 mm or less: coarser T2W images are not recognised as such.
var exportPresets = []string{"full", "small"}

func (s *session) phantomReadersCommand() *cobra.Command {
	var preset, out string
	choice := cohort.Choice{Format: cohort.Format, SplitSeed: 1, Folds: 2, Runs: 1}
	c := &cobra.Command{
		Use:   "readers -o FOLDER",
		Short: "Generate exams that several simulated readers have labelled, each in his own way",
		Long: "Writes the exams that `train --data readers` learns from, as NIfTI: images, the label of each exam, those of every\nreader, and how often each class was given to each voxel, which is the probability that a calibrated model says.\n" +
			"The same flags give the same exams as in train. Each is an image of the preset's grid.",
		Example: "  bayeslice phantom readers --exams 20 --readers 5 -o cohort\n" +
			"  bayeslice train --task anatomy --data cohort/exams --masks cohort/zones -o runs/zones\n" +
			"  bayeslice evaluate cohort/frequency/zones cohort/zones --task anatomy -o perfect",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if out == "" {
				return usageError("phantom readers needs -o FOLDER")
			}
			return s.phantomReaders(cmd.Context(), choice, preset, out)
		},
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringVarP(&out, "out", "o", "", "folder to write into, new or empty (required)")
	f.IntVar(&choice.Exams, "exams", exportedExams, "exams; more of them begin with the same ones")
	f.IntVar(&choice.Readers, "readers", cohort.DefaultReaders, "simulated readers; the label of each exam is that of one of them")
	f.Float64Var(&choice.Ambiguous, "ambiguous", cohort.DefaultAmbiguous, "share of foci, 0 to 1, that about half of the readers call csPCa")
	f.Uint64Var(&choice.ExamSeed, "exam-seed", cohort.DefaultExamSeed, "seed of exams, readers and labels")
	f.StringVar(&preset, "preset", exportPresets[0], "network whose grid the exams have: "+strings.Join(exportPresets, ", "))
	f.StringVar(&choice.Cache, "cache", "", "folder of anatomies (default: in the user's cache)")
	return c
}

// phantomReaders writes a cohort.
func (s *session) phantomReaders(ctx context.Context, choice cohort.Choice, preset, out string) error {
	if !slices.Contains(exportPresets, preset) {
		return usageError("--preset is %q; it is %s, whose pixels are small enough for exams", preset, strings.Join(exportPresets, " or "))
	}
	p, err := nets.FindPreset(preset, modelcard.Diagnosis)
	if err != nil {
		return err
	}
	if err := choice.Validate(); err != nil {
		return err
	}
	entries, err := os.ReadDir(out)
	switch {
	case err == nil && len(entries) > 0:
		return fmt.Errorf("the folder %s is not empty, and a cohort needs one of its own: %w", out, fs.ErrExist)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	bar := newMeter(s.Err, "generating exams")
	err = cohort.Export(ctx, choice, p.Recipe, out, func(done, total int) { bar.set(done, total, "") })
	bar.close()
	if err != nil {
		return err
	}
	s.say("wrote %s with %s in it: images in %s, labels in %s and %s, those of %s in %s, frequencies in %s", out, plural(choice.Exams, "exam"),
		cohort.ExportExams, cohort.ExportZones, cohort.ExportLesions, plural(choice.Readers, "reader"), cohort.ExportReaders, cohort.ExportFrequency)
	s.say("train on it with --data %s --masks %s", filepath.Join(out, cohort.ExportExams), filepath.Join(out, cohort.ExportZones))
	return nil
}
