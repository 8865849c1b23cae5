package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"bayeslice/inference"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/models"
	"bayeslice/internal/report"
)

// demoMarker is the file that tells a demo folder from somebody's data.
const demoMarker = ".bayeslice-demo"

// demoJob are the flags of demo.
type demoJob struct {
	out, size string
	samples   int
	seed      uint64
	examOnly  bool
}

func (s *session) demoCommand() *cobra.Command {
	var j demoJob
	c := &cobra.Command{
		Use:   "demo -o FOLDER",
		Short: "Run everything on a synthetic exam with untrained networks",
		Long: "Generates a phantom, writes it as DICOM, reads it back as any exam, samples the anatomy and the diagnosis\nnetwork, and writes both results. The exam is SYNTHETIC and the networks are UNTRAINED: the pictures show\n" +
			"how the program works, not what a trained network finds.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return s.demo(cmd.Context(), j) },
	}
	f := c.Flags()
	f.StringVarP(&j.out, "out", "o", "bayeslice-demo", "folder to write into")
	f.StringVar(&j.size, "size", "small", "size of the networks")
	f.IntVar(&j.samples, "samples", inference.DefaultSamples, "number of Monte-Carlo samples")
	f.Uint64Var(&j.seed, "seed", 1, "seed of the exam, the weights and the noise")
	f.BoolVar(&j.examOnly, "exam-only", false, "write the exam and its labels, and stop")
	return c
}

// demo runs the whole path without a window.
func (s *session) demo(ctx context.Context, j demoJob) error {
	if j.samples < 1 {
		return fmt.Errorf("%w: --samples is %d, at least one sample is needed", errUsage, j.samples)
	}
	if err := claimDemoFolder(j.out); err != nil {
		return err
	}
	made, err := s.writePhantom(ctx, j.out, j.seed, 2)
	if err != nil {
		return err
	}
	examDir := filepath.Join(j.out, "exam")
	s.say("wrote a SYNTHETIC exam with %d lesions to %s", len(made.Labels.List), examDir)
	if j.examOnly {
		return nil
	}
	labels := map[modelcard.Task]string{modelcard.Anatomy: "zones.nii.gz", modelcard.Diagnosis: "lesions.nii.gz"}
	var panels []string
	for _, task := range []modelcard.Task{modelcard.Anatomy, modelcard.Diagnosis} {
		model := filepath.Join(j.out, "models", "untrained-"+j.size+"-"+string(task)+".onnx")
		if err := models.WriteUntrained(model, j.size, task, j.seed, s.program()); err != nil {
			return err
		}
		s.say("\n%s with an UNTRAINED network (%s)", task, j.size)
		result := filepath.Join(j.out, string(task))
		if err := s.infer(ctx, inferJob{exam: examDir, model: model, out: result, samples: j.samples, seed: j.seed,
			reference: filepath.Join(j.out, "labels", labels[task]), overwrite: true}); err != nil {
			return err
		}
		panels = append(panels, filepath.Join(result, report.PanelFile))
	}
	s.say("\nLook at (SYNTHETIC exam, UNTRAINED networks):")
	for _, p := range panels {
		s.say("  %s", p)
	}
	return nil
}

// claimDemoFolder makes the folder and clears what an earlier demo wrote; a folder of anything else is
// left alone.
func claimDemoFolder(dir string) error {
	marker := filepath.Join(dir, demoMarker)
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if _, err := os.Stat(marker); err != nil && len(entries) > 0 {
		return fmt.Errorf("%w: %s holds files that the demo did not write; choose another folder with -o", errUsage, dir)
	}
	for _, old := range []string{"exam", "labels"} {
		if err := os.RemoveAll(filepath.Join(dir, old)); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	return os.WriteFile(marker, []byte("Written by bayeslice demo. SYNTHETIC exam, UNTRAINED networks.\n"), 0o600)
}
