package viewer

import (
	"context"
	"slices"

	"bayeslice/inference"
	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/prep"
)

// Progress is how far an opening has come. Total is 0 while it is unknown.
type Progress struct {
	Stage       string // what is being done, in words
	Done, Total int
}

// Model is a model that can be run.
type Model struct {
	ID        string // unique in a list: the path, or the name of a bundled one
	Card      modelcard.Card
	Bundled   bool // it comes with the program
	Preferred bool // of the models of its task, the one to choose at first
}

// Job asks for a run of one model.
type Job struct {
	Model   Model
	Samples int // at most
	Seed    uint64
	// Converge also ends the run when further samples would no longer change what is read from the maps.
	Converge bool
	// Moves displaces images before the network sees them, by exam.Series.ID, world LPS mm; see prep.Options.
	Moves map[string]geom.Vec3
	// Known are finished results of the exam. One that the run would only repeat is returned in its place.
	Known []*inference.Prediction
	// Measuring is told before each device that is measured, which happens where there is more than one and the model is new to this
	// machine; its Stage names the device. May be nil.
	Measuring func(Progress)
}

// Repeats returns the known result that the run would repeat, bit for bit but for the device, with a model file of a
// SHA-256 and images that are displaced as given; nil where there is none.
func (j Job) Repeats(sha string, moved []prep.Moved) *inference.Prediction {
	end := inference.Completed
	if j.Converge {
		end = inference.Converged
	}
	for _, p := range j.Known {
		if p.ModelSHA == sha && p.Seed == j.Seed && p.Stop == end && (p.Requested == j.Samples || len(p.Card.Noise) == 0) && slices.Equal(p.Moved, moved) {
			return p
		}
	}
	return nil
}

// Device is what runs the network.
type Device struct {
	Name     string // "CPU (ONNX Runtime 1.27.0)"
	Fallback string // why it is not the one asked for, in words; "" where it is
}

// Engine is the application behind the window. Its methods are called off the UI goroutine, several
// at a time, and may take long; they end early, with ctx's error, when ctx does. Callbacks come from
// any goroutine of the engine, one at a time.
type Engine interface {
	// OpenExam reads the exam at path; study selects one of several (see exam.Options.Study).
	OpenExam(ctx context.Context, path, study string, progress func(Progress)) (*exam.Exam, error)
	// DemoExam makes a phantom exam and reads it.
	DemoExam(ctx context.Context, progress func(Progress)) (*exam.Exam, error)
	// Choose puts a series into a role and remembers the choice.
	Choose(ctx context.Context, e *exam.Exam, role exam.Role, seriesID string) (*exam.Exam, error)
	// Models lists the models; problems are sentences about files that cannot be used.
	Models(ctx context.Context) (models []Model, problems []string)
	// OpenModel reads and checks a model file, which [Engine.Models] then lists too.
	OpenModel(ctx context.Context, path string) (Model, error)
	// Predict samples one model on an exam. on gets snapshots; the result of a cancelled run with
	// at least one sample is returned without an error, with its stop reason; that of a failed one
	// with at least one sample is returned beside the error.
	Predict(ctx context.Context, e *exam.Exam, job Job, on func(*inference.Prediction)) (*inference.Prediction, Device, error)
}
