package viewstate

import (
	"context"

	"bayeslice/internal/lang"
	"bayeslice/internal/modelcard"
)

// TrainData says where the exams of a training come from.
type TrainData uint8

// Kinds of training data, in display order.
const (
	RandomPhantoms TrainData = iota // made up anew for every step
	NNUNetFolder                    // a raw data set in nnU-Net's layout
	ExamFolder                      // exams with masks beside them
)

// TrainDataKinds lists every kind in display order.
var TrainDataKinds = [...]TrainData{RandomPhantoms, NNUNetFolder, ExamFolder}

var trainDataNames = [...]lang.Text{lang.Mark("Randomised phantoms"), lang.Mark("nnU-Net folder"), lang.Mark("Folder of exams with masks")}

// String returns the display name.
func (d TrainData) String() string { return trainDataNames[d].String() }

// NeedsFolder reports whether the exams are read from a folder of the user's.
func (d TrainData) NeedsFolder() bool { return d != RandomPhantoms }

// HasMasks reports whether the user may say where masks lie and what their values mean.
func (d TrainData) HasMasks() bool { return d == ExamFolder }

// Meaning says in a sentence what is learnt from.
func (d TrainData) Meaning() string {
	switch d {
	case NNUNetFolder:
		return lang.T("The folder that holds imagesTr, labelsTr and dataset.json.")
	case ExamFolder:
		return lang.T("One folder per exam, DICOM or NIfTI, and a mask file for each of them.")
	}
	return lang.T("Synthetic exams of random anatomy and contrast, made by this program as they are needed.")
}

// TrainSetup is a training as the user chose it.
type TrainSetup struct {
	Data         TrainData
	Anatomies    int    // of randomised phantoms: how many different ones there are
	DataFolder   string // where the data needs one
	MaskFolder   string // of exams: "" is beside the images
	MaskValues   string // of exams: what the values of masks mean, a [TrainOption]'s ID
	SkipBad      bool   // of a folder: leave out exams that cannot be used instead of stopping
	Task         modelcard.Task
	Loss         string // a [TrainOption]'s ID
	Size         string // a [TrainOption]'s ID
	Steps        int
	LearningRate float64 // at the first step
	Seed         uint64
	Device       string // a [TrainOption]'s ID
	Folder       string // the new run folder is made in it
}

// TrainOption is one of several things to choose from.
type TrainOption struct {
	ID          string
	Name        string // as shown in a list
	Description string // a sentence
}

// TrainChoices is what a training can be made of, and what is proposed.
type TrainChoices struct {
	Losses, Sizes, Devices []TrainOption // none is empty
	MaskValues             []TrainOption // may be empty
	Start                  TrainSetup    // proposed; its Folder is where runs are kept
}

// TrainPlan is what a training will be, told before it starts.
type TrainPlan struct {
	Device      string  // what computes, "CPU (ONNX Runtime 1.27.0)"
	Memory      int64   // bytes expected in use at the most; 0 is unknown
	FreeMemory  int64   // bytes free now; 0 is unknown
	StepSeconds float64 // expected; 0 is unknown
	Seconds     float64 // of the whole run with its validations; 0 is unknown
	Data        string  // for people, without names of patients
	Exams       int     // that are learnt from; 0 where every step makes a new one
	Validation  int     // exams that are not learnt from
	Synthetic   bool    // every one was made by a computer
	RunFolder   string
	Warnings    []string // sentences
}

// TrainProgress is how far a preparation has come. Total is 0 while it is unknown.
type TrainProgress struct {
	Stage       string
	Done, Total int
}

// TrainEvent is something that happened in a run.
type TrainEvent struct {
	Step int // steps done, from 1
	// Learnt holds what the step gave; nil for other events.
	Learnt *TrainStep
	// Checked holds a validation's results; nil for other events.
	Checked *TrainCheck
	// Paused says that the run waits; the next step tells that it goes on.
	Paused bool
	// Device says what computes, with the event that begins a session; "" else.
	Device string
	// Opening says what is done to open the network, such as measuring devices, before anything is learnt; "" for other events.
	Opening string
	// Note is a sentence about what is worth knowing: an exam left out, a damaged checkpoint, a device that was lost.
	Note string
}

// TrainStep is what one training step gave.
type TrainStep struct {
	Loss    float64 // of the segmentation
	KL      float64 // divergence of the latent, nats
	Rate    float64 // learning rate
	Seconds float64 // of this step; 0 is unknown
	Memory  int64   // bytes in use by the program; 0 is unknown, as in an old log
}

// TrainCheck is what validation gave.
type TrainCheck struct {
	Dice  map[string]float64 // hard Dice by a [Class]'s name; those that no exam has are missing
	AUROC float64            // of the exams' lesion scores; NaN is unknown
	NLL   float64            // nats per voxel; NaN is unknown
	Exams int
}

// TrainEnd is how a run ended without an error.
type TrainEnd struct {
	Step      int
	Finished  bool   // all steps are done; else the user stopped it
	Kept      bool   // a checkpoint holds every step done
	Model     string // path of the model file of a finished run
	RunFolder string
}

// TrainRun is a run folder.
type TrainRun struct {
	Folder      string
	Name        string // for people
	Task        modelcard.Task
	Loss, Size  string
	Step, Steps int
	Finished    bool
	Synthetic   bool
	Model       string // path of a finished run's model file
	Problem     string // a sentence where the folder cannot be used, or ""
}

// Trainer carries out trainings. Its methods are called off the window's goroutine, may take long, and end
// early with ctx's error when ctx ends. Callbacks come from any goroutine of the trainer, one at a time.
type Trainer interface {
	// Choices says what can be chosen for a task.
	Choices(ctx context.Context, task modelcard.Task) (TrainChoices, error)
	// Plan looks at a setup without starting it.
	Plan(ctx context.Context, s TrainSetup) (TrainPlan, error)
	// Begin makes the run folder and gets the data ready.
	Begin(ctx context.Context, s TrainSetup, progress func(TrainProgress)) (TrainSession, error)
	// Continue opens an unfinished run.
	Continue(ctx context.Context, folder string, progress func(TrainProgress)) (TrainSession, error)
	// Runs lists the run folders in a folder, the newest first; a folder that is missing has none.
	Runs(ctx context.Context, folder string) ([]TrainRun, error)
	// History reads what happened in a run so far.
	History(ctx context.Context, folder string) ([]TrainEvent, error)
}

// TrainSession is a run that is ready.
type TrainSession interface {
	// Run is the run folder as it is before the session.
	Run() TrainRun
	// Train runs until the end, an error, or the end of ctx, which keeps a checkpoint and is no error.
	Train(ctx context.Context, on func(TrainEvent)) (TrainEnd, error)
	// Pause makes the run wait after the step under way; Resume lets it go on. Both return at once.
	Pause()
	Resume()
	// Close frees what the session holds. It is called once, after Train.
	Close() error
}
