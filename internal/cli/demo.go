package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"bayeslice/inference"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/models"
	"bayeslice/internal/nets"
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
		Short: "Run everything on a synthetic exam",
		Long: "Generates a phantom, writes it as DICOM, reads it back as any exam, samples an anatomy and a diagnosis network,\nand writes both results. The networks are those that come with the program, trained on generated phantoms only,\n" +
			"or, with --size, UNTRAINED ones of that size. The exam is SYNTHETIC: the pictures show how the program works, not\nwhat a network finds in patients.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return s.demo(cmd.Context(), j) },
	}
	f := c.Flags()
	f.StringVarP(&j.out, "out", "o", "bayeslice-demo", "folder to write into")
	f.StringVar(&j.size, "size", "", "use untrained networks: "+strings.Join(nets.PresetNames(), " or "))
	f.IntVar(&j.samples, "samples", inference.DefaultSamples, "number of Monte-Carlo samples")
	f.Uint64Var(&j.seed, "seed", 1, "seed of the exam, the noise and untrained weights")
	f.BoolVar(&j.examOnly, "exam-only", false, "write the exam and its labels, and stop")
	return c
}

// demoTasks are the tasks of the demo, and the label that is drawn with each result.
var demoTasks = []struct {
	task  modelcard.Task
	label string
}{{modelcard.Anatomy, "zones.nii.gz"}, {modelcard.Diagnosis, "lesions.nii.gz"}}

// demo runs the whole path without a window.
func (s *session) demo(ctx context.Context, j demoJob) error {
	if j.samples < 1 {
		return fmt.Errorf("%w: --samples is %d, at least one sample is needed", errUsage, j.samples)
	}
	if j.size != "" && !slices.Contains(nets.PresetNames(), j.size) {
		return usageError("--size %q is not known; it is one of %s", j.size, strings.Join(nets.PresetNames(), ", "))
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
	for _, d := range demoTasks {
		model, err := s.demoModel(j, d.task)
		if err != nil {
			return err
		}
		result := filepath.Join(j.out, string(d.task))
		s.say("\n%s", d.task)
		if err := s.infer(ctx, inferJob{exam: examDir, models: []string{model}, out: result, samples: j.samples, seed: j.seed,
			reference: filepath.Join(j.out, "labels", d.label), overwrite: true}); err != nil {
			return err
		}
	}
	return nil
}

// demoModel returns the bundled model of a task, or an untrained one that it writes where the user asked
// for one or the program comes without.
func (s *session) demoModel(j demoJob, task modelcard.Task) (string, error) {
	if _, err := s.bundled().List(); err != nil {
		return "", err
	}
	if b, ok := s.bundled().Best(task); ok && j.size == "" {
		return b.Name, nil
	}
	size := cmp.Or(j.size, "small")
	path := filepath.Join(j.out, "models", "untrained-"+size+"-"+string(task)+".onnx")
	return path, models.WriteUntrained(path, size, task, j.seed, s.program())
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
	return os.WriteFile(marker, []byte("Written by bayeslice demo. The exam is SYNTHETIC.\n"), 0o600)
}
