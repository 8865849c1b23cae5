package app

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"bayeslice/internal/imageio"
	"bayeslice/internal/machine"
	"bayeslice/internal/onnx/graph"
	"bayeslice/training/cohort"
	"bayeslice/training/step"
	"bayeslice/training/trainer"
	"bayeslice/viewer"
	"bayeslice/viewer/viewstate"
)

// demand is what a training step needs of a machine.
type demand struct {
	memory int64   // bytes, about
	work   float64 // multiplications of convolutions and products of matrices
}

// demandOf makes the step's graph once and keeps what was found: it takes seconds at full size.
func (t *trainerOf) demandOf(c trainer.Config) (demand, error) {
	key := fmt.Sprintf("%s %s %s", c.Net.Task, c.Preset, c.Loss.Kind)
	t.mu.Lock()
	defer t.mu.Unlock()
	if d, ok := t.known[key]; ok {
		return d, nil
	}
	s, err := step.New(step.Config{Net: c.Net, Loss: c.Loss, Beta: c.Beta})
	if err != nil {
		return demand{}, trainError(err)
	}
	d := demand{memory: s.Memory(), work: workOf(s.Graph)}
	t.known[key] = d
	return d, nil
}

// workOf counts the multiplications of a graph's convolutions and products of matrices.
func workOf(g *graph.Graph) float64 {
	var sum float64
	for _, n := range g.Nodes() {
		in := n.In()
		if len(in) < 2 {
			continue
		}
		switch n.Op() {
		case "Conv": // each output voxel takes one kernel [out, in/groups, …]
			kernel := in[1].Shape()
			sum += volume(n.Shape()) * volume(kernel[1:])
		case "ConvTranspose": // each input voxel gives one kernel [in, out/groups, …]
			kernel := in[1].Shape()
			sum += volume(in[0].Shape()) * volume(kernel[1:])
		case "MatMul", "Gemm":
			a := in[0].Shape()
			sum += volume(n.Shape()) * float64(a[len(a)-1])
		}
	}
	return sum
}

func volume(shape []int) float64 {
	v := 1.0
	for _, n := range shape {
		v *= float64(n)
	}
	return v
}

// Plan implements [viewstate.Trainer].
func (t *trainerOf) Plan(ctx context.Context, s viewstate.TrainSetup) (viewstate.TrainPlan, error) {
	c, choice, err := t.settings(s)
	if err != nil {
		return viewstate.TrainPlan{}, err
	}
	p := viewstate.TrainPlan{RunFolder: newFolder(s), FreeMemory: machine.Free()}
	if _, err := t.engine.devices(); err != nil {
		return p, err
	}
	for _, d := range t.devices(ctx) {
		if d.ID == s.Device {
			p.Device = d.Name
		}
	}
	if err := countExams(&p, choice, s); err != nil {
		return p, err
	}
	d, err := t.demandOf(c)
	if err != nil {
		return p, err
	}
	p.Memory = d.memory
	if p.FreeMemory > 0 && p.Memory > p.FreeMemory {
		p.Warnings = append(p.Warnings, "This may need more memory than is free; choose a smaller network, or close other programs.")
	}
	p.StepSeconds = t.secondsOf(ctx, c, d, s.Folder)
	executions := float64(p.Validation * c.ValidationSamples * (c.Steps + c.ValidateEvery - 1) / c.ValidateEvery)
	p.Seconds = p.StepSeconds * (float64(c.Steps*c.Batch) + forwardShare*executions)
	return p, ctx.Err()
}

// forwardShare is what an execution of the network takes of a training step: a pass forward is one of
// about three equal parts.
const forwardShare = 1.0 / 3

// countExams says what will be learnt from, as far as can be told without reading the exams.
func countExams(p *viewstate.TrainPlan, choice cohort.Choice, s viewstate.TrainSetup) error {
	if choice.Phantoms() {
		p.Synthetic, p.Validation = true, choice.Held
		p.Data = fmt.Sprintf("Randomised phantoms of %d anatomies", choice.Anatomies)
		return nil
	}
	n, err := examsIn(choice.Path, s.Data)
	if err != nil {
		return err
	}
	p.Validation = n / choice.Folds
	p.Exams = n - p.Validation
	p.Data = filepath.Base(choice.Path)
	return nil
}

// examsIn counts the exams of a folder by the names in it; which of them can be used, opening them tells.
func examsIn(folder string, kind viewstate.TrainData) (int, error) {
	refuse := func(text string) error {
		return fmt.Errorf("%w: %s %s", viewer.ErrTrainingData, filepath.Base(folder), text)
	}
	listed := folder
	_, err := os.Stat(filepath.Join(folder, "dataset.json"))
	switch {
	case kind == viewstate.NNUNetFolder && err != nil:
		return 0, refuse("holds no dataset.json; choose the folder with imagesTr, labelsTr and dataset.json")
	case kind == viewstate.NNUNetFolder:
		listed = filepath.Join(folder, "labelsTr")
	case err == nil:
		return 0, refuse("is in nnU-Net's layout; choose “" + viewstate.NNUNetFolder.String() + "” under Data")
	}
	entries, err := os.ReadDir(listed)
	if err != nil {
		return 0, fmt.Errorf("app: data: %w", withoutPath(err))
	}
	n := 0
	for _, e := range entries {
		if kind == viewstate.ExamFolder && e.IsDir() && e.Name() != "masks" && e.Name() != "labels" || !e.IsDir() && isImage(e.Name()) {
			n++
		}
	}
	if n < 2 {
		return 0, refuse("holds fewer than two exams; one is needed to learn from and one to validate with")
	}
	return n, nil
}

// isImage says whether a file may hold an exam or a mask, by its name.
func isImage(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc(append(imageio.Extensions(), ".zip"), func(x string) bool { return strings.HasSuffix(name, x) })
}
