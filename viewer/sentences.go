package viewer

import (
	"context"
	"errors"
	"io/fs"
	"regexp"
	"strings"

	"bayeslice/inference"
	product "bayeslice/internal/about"
	"bayeslice/internal/align"
	"bayeslice/internal/annotate"
	"bayeslice/internal/calibrate"
	"bayeslice/internal/compare"
	"bayeslice/internal/exam"
	"bayeslice/internal/imageio"
	"bayeslice/internal/imageio/dicomout"
	"bayeslice/internal/imageio/dicomseg"
	"bayeslice/internal/keymap"
	"bayeslice/internal/lang"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/prep"
	"bayeslice/internal/recent"
	"bayeslice/internal/report"
	"bayeslice/internal/resultfile"
	"bayeslice/internal/review"
	"bayeslice/internal/session"
	"bayeslice/internal/settings"
	"bayeslice/internal/syserr"
	"bayeslice/internal/worklist"
	"bayeslice/render"
	"bayeslice/training"
)

// Sentinels that an [Engine]'s errors wrap.
var (
	// ErrRuntime: the inference runtime is missing; the error's own text says what to do.
	ErrRuntime = errors.New("viewer: no inference runtime")
	// ErrDevice: the device that was chosen cannot be used on this machine, or not for this model.
	ErrDevice = errors.New("viewer: the device cannot be used")
	// ErrRun: the runtime failed in the middle of a run.
	ErrRun = errors.New("viewer: the run failed")
	// ErrMemory: the machine or the device has not enough memory for the model, also after smaller attempts.
	ErrMemory = errors.New("viewer: not enough memory")
	// ErrTrainingData: the data of a training as a whole cannot be used.
	ErrTrainingData = errors.New("viewer: unusable training data")
	// ErrTrainingRun: a run folder or the settings of a training cannot be used.
	ErrTrainingRun = errors.New("viewer: unusable training run")
	// ErrCheckpoint: a run's checkpoints are damaged.
	ErrCheckpoint = errors.New("viewer: damaged checkpoint")
	// ErrDiverged: a training's loss stopped being a number.
	ErrDiverged = errors.New("viewer: the training diverged")
)

// sentence is how an error is told: what happened, and what to do next.
type sentence struct{ what, next lang.Text }

// sentences is the table of everything the engines decide to refuse, most specific first.
var sentences = []struct {
	err error
	sentence
}{
	{syserr.DiskFull, sentence{lang.Mark("The disk is full."), lang.Mark("Free some space and try again.")}},
	{syserr.QuotaFull, sentence{lang.Mark("Your share of the disk is used up."), lang.Mark("Free some space, or choose a folder on another disk.")}},
	{syserr.ReadOnlyDisk, sentence{lang.Mark("This disk can only be read."), lang.Mark("Choose a folder on another disk.")}},
	{syserr.InUse, sentence{lang.Mark("Another program has this file open."), lang.Mark("Close it there and try again.")}},
	{fs.ErrNotExist, sentence{lang.Mark("The file or folder is not there any more."), lang.Mark("Check the drive or the network, and choose it again.")}},
	{report.ErrExists, sentence{lang.Mark("Files of these names are there already."), lang.Mark("Choose another folder or name, or agree that they are replaced.")}},
	{report.ErrVerify, sentence{lang.Mark("A written file differs from the result when it is read back."), lang.Mark("Check the disk, and choose a folder on another one; what was there before is unchanged.")}},
	{report.ErrFolder, sentence{lang.Mark("The files cannot be written in this folder."), lang.Mark("Choose a folder of your own; what was there before is unchanged.")}},
	{report.ErrName, sentence{lang.Mark("This name cannot be used for files."), lang.Mark("Use letters, digits, spaces and hyphens.")}},
	{report.ErrPage, sentence{lang.Mark("The report cannot be made."), lang.Mark("The details say what is missing.")}},
	{report.ErrNothing, sentence{lang.Mark("There is nothing to write."), lang.Mark("Run a model first, and let at least one sample finish.")}},
	{report.ErrForeign, sentence{lang.Mark("This folder holds results of another program."), lang.Mark("Choose another folder.")}},
	{report.ErrSpace, sentence{lang.Mark("There is not enough free space."), lang.Mark("Free some space, or choose a folder on another disk.")}},
	{fs.ErrPermission, sentence{lang.Mark("This place may not be read or written."), lang.Mark("Check its permissions, or choose a folder of your own.")}},
	{exam.ErrSeveralExams, sentence{lang.Mark("This place holds more than one exam."), lang.Mark("Choose one of them.")}},
	{exam.ErrNoImages, sentence{lang.Mark("No images were found here."), lang.Mark("Choose the folder that holds the DICOM files, or a NIfTI or MHA file.")}},
	{exam.ErrSingleSlice, sentence{lang.Mark("Only single slices were found, no volume."), lang.Mark("Choose the folder with the whole series.")}},
	{exam.ErrNoSuchStudy, sentence{lang.Mark("The exam asked for is not in this place."), lang.Mark("Open the folder again and choose one of those listed.")}},
	{exam.ErrNoSuchRole, sentence{lang.Mark("This role cannot be chosen by hand."), lang.Mark("Choose a series for T2W, high-b DWI or ADC.")}},
	{exam.ErrNoSuch, sentence{lang.Mark("This series cannot take the role."), lang.Mark("Choose a series with an image volume.")}},
	{product.ErrLicences, sentence{lang.Mark("The licences in the program cannot be read."), lang.Mark("The program was built wrongly: install it again.")}},
	{exam.ErrOverrides, sentence{lang.Mark("Your series choices could not be stored or read."), lang.Mark("The choice holds until the exam is closed. Check the space and the rights of the settings folder.")}},
	{errOtherExam, sentence{lang.Mark("This place holds another exam than the session was saved with."), lang.Mark("Choose the place where the session's exam is now.")}},
	{resultfile.ErrResults, sentence{lang.Mark("Results that were kept cannot be used."), lang.Mark("They are sampled again from the same models and seeds.")}},
	{session.ErrSession, sentence{lang.Mark("The session file cannot be used."), lang.Mark("Choose another file that ends in .bayeslice; the details say what is wrong.")}},
	{keymap.ErrKeys, sentence{lang.Mark("The file with your keys cannot be used; the usual keys hold."), lang.Mark("The details say what to do with the file.")}},
	{keymap.ErrChord, sentence{lang.Mark("This key cannot be bound."), lang.Mark("Press another key.")}},
	{recent.ErrRecent, sentence{lang.Mark("The list of recent exams cannot be used."), lang.Mark("The details say what to do with the file; exams open without it.")}},
	{settings.ErrSettings, sentence{lang.Mark("The settings cannot be stored."), lang.Mark("What you chose holds until the window is closed. Check the space and the rights of the settings folder.")}},
	{lang.ErrTexts, sentence{lang.Mark("The texts of a language cannot be used."), lang.Mark("English takes their place.")}},
	{exam.ErrTooLarge, sentence{lang.Mark("The exam is larger than this program reads."), lang.Mark("Choose the folder of one exam.")}},
	{dicomseg.ErrSegments, sentence{lang.Mark("The segments of this file do not make one mask."), lang.Mark("Export the zones, or the lesions, as a file of their own; the details say what it holds.")}},
	{dicomout.ErrValue, sentence{lang.Mark("A DICOM object cannot hold this."), lang.Mark("Smooth the contours, or choose NIfTI or MHA; the details say what does not fit.")}},
	{exam.ErrUnsupported, sentence{lang.Mark("This cannot be opened as an exam."), lang.Mark("The details say why; choose the folder of the axial MR images.")}},
	{imageio.ErrTooLarge, sentence{lang.Mark("The image is larger than this program reads."), lang.Mark("Crop or resample it first.")}},
	{imageio.ErrTruncated, sentence{lang.Mark("A file is incomplete."), lang.Mark("Copy it again from its source.")}},
	{imageio.ErrUnsupported, sentence{lang.Mark("The file is of a kind this program does not read."), lang.Mark("Convert it to uncompressed DICOM, NIfTI or MHA.")}},
	{imageio.ErrFormat, sentence{lang.Mark("The file is not a valid image."), lang.Mark("Choose DICOM, NIfTI or MHA files.")}},
	{exam.ErrUnreadable, sentence{lang.Mark("The exam could not be read."), lang.Mark("Check that all files were copied completely.")}},
	{prep.ErrMissingRole, sentence{lang.Mark("The exam lacks a series that the model needs."), lang.Mark("Choose the series by hand under Exam, or run the other model alone.")}},
	{prep.ErrGeometry, sentence{lang.Mark("An image does not cover the region the model looks at."), lang.Mark("Check under Exam that the chosen series belong together.")}},
	{prep.ErrUnits, sentence{lang.Mark("The unit of the ADC map is not known."), lang.Mark("Choose another ADC series under Exam.")}},
	{prep.ErrIntensity, sentence{lang.Mark("The values of an image cannot be normalised."), lang.Mark("Check under Exam that the chosen series hold images.")}},
	{prep.ErrRecipe, sentence{lang.Mark("The model asks for a preparation that cannot be followed."), lang.Mark("Choose another model file.")}},
	{modelcard.ErrCard, sentence{lang.Mark("The file is not a Bayeslice model."), lang.Mark("Choose a model made by this program (bayeslice model init).")}},
	{inference.ErrModel, sentence{lang.Mark("The model file cannot be used."), lang.Mark("Choose another model file.")}},
	{inference.ErrInput, sentence{lang.Mark("The exam was not prepared for this model."), lang.Mark("Run again; if it stays, choose another model.")}},
	{inference.ErrOutput, sentence{lang.Mark("The network gave numbers that are no probabilities."), lang.Mark("Choose another model file or device.")}},
	{training.ErrExample, sentence{lang.Mark("An exam cannot be learnt from."), lang.Mark("Mend it or take it out of the folder, or tick “Leave out exams that cannot be used”.")}},
	{ErrDiverged, sentence{lang.Mark("The training diverged: its loss is no number any more."), lang.Mark("Start a new run with a lower learning rate.")}},
	{ErrCheckpoint, sentence{lang.Mark("The run's checkpoints are damaged."), lang.Mark("Start a new run, or copy the run folder again from its source.")}},
	{ErrTrainingData, sentence{lang.Mark("These data cannot be learnt from."), lang.Mark("Choose another folder or kind of data; the details say what is missing.")}},
	{ErrTrainingRun, sentence{lang.Mark("This run cannot be made or opened."), lang.Mark("The details say why; choose other settings or another folder.")}},
	{ErrDevice, sentence{lang.Mark("The device that was chosen cannot be used here."), lang.Mark("Choose another device, or the automatic choice, in the preferences.")}},
	{ErrRuntime, sentence{lang.Mark("The network cannot run on this machine yet."), lang.Mark("See the details for the remedy.")}},
	{ErrMemory, sentence{lang.Mark("There is not enough memory for this model."), lang.Mark("Close other programs, or choose a smaller model or another device in the preferences.")}},
	{ErrRun, sentence{lang.Mark("The device could not finish a sample."), lang.Mark("Close other programs to free memory, or choose a smaller model.")}},
	{annotate.ErrExists, sentence{lang.Mark("A file of this name is there already."), lang.Mark("Choose another name, or agree that it is replaced.")}},
	{annotate.ErrVerify, sentence{lang.Mark("A written file differs from the contours when it is read back."), lang.Mark("Check the disk, and save to another folder.")}},
	{annotate.ErrJournal, sentence{lang.Mark("The unsaved contours cannot be written or read."), lang.Mark("The details say why; save the contours as files.")}},
	{annotate.ErrGrid, sentence{lang.Mark("The labels do not lie on the T2W image."), lang.Mark("Choose labels that were drawn on this series.")}},
	{annotate.ErrLabels, sentence{lang.Mark("The labels do not mean what was asked for."), lang.Mark("Choose a file with 1 for TZ and 2 for PZ, or open it as lesions.")}},
	{align.ErrAlign, sentence{lang.Mark("T2W and diffusion cannot be compared."), lang.Mark("Compare the images by eye; the details say why.")}},
	{calibrate.ErrReference, sentence{lang.Mark("The reference cannot be used to judge the probabilities."), lang.Mark("Load the reference that belongs to this exam.")}},
	{calibrate.ErrSettings, sentence{lang.Mark("These settings cannot be used."), lang.Mark("Choose other settings.")}},
	{calibrate.ErrQuiz, sentence{lang.Mark("The file with your quiz results cannot be used."), lang.Mark("Move it away to start afresh; the details name it.")}},
	{compare.ErrFrame, sentence{lang.Mark("The reference was drawn in another frame of reference."), lang.Mark("Choose a reference that was drawn on this exam.")}},
	{compare.ErrElsewhere, sentence{lang.Mark("The reference does not lie on this exam."), lang.Mark("Choose the reference of this exam.")}},
	{compare.ErrNumbering, sentence{lang.Mark("The labels of the reference are not known."), lang.Mark("Say which label is which, or choose another file.")}},
	{compare.ErrNothing, sentence{lang.Mark("There is nothing to compare."), lang.Mark("Choose a reference with the same structures.")}},
	{review.ErrField, sentence{lang.Mark("This result cannot be searched for uncertain places."), lang.Mark("Run the model again.")}},
	{worklist.ErrList, sentence{lang.Mark("The work list cannot be used."), lang.Mark("The details say what to do with its file.")}},
	{worklist.ErrFolder, sentence{lang.Mark("This is no folder of exams."), lang.Mark("Choose a folder that holds a folder or ZIP file for each exam.")}},
	{worklist.ErrNoEntry, sentence{lang.Mark("The exam is not in the work list."), lang.Mark("Look for new exams in the folder.")}},
	{worklist.ErrState, sentence{lang.Mark("The work list has no such state."), lang.Mark("Choose one of the states that are listed.")}},
	{worklist.ErrRunning, sentence{lang.Mark("The exams are being sampled already."), lang.Mark("Wait for it, or stop it first.")}},
	{render.ErrScene, sentence{lang.Mark("This slice cannot be drawn."), lang.Mark("Press R to reset the view.")}},
	{context.DeadlineExceeded, sentence{lang.Mark("This took too long and was stopped."), lang.Mark("Try again.")}},
}

// explain returns what happened and what to do next for an error, and its own words as details.
func explain(err error) (what, next, details string) {
	for _, s := range sentences {
		if !errors.Is(err, s.err) {
			continue
		}
		what, next, details = s.what.String(), s.next.String(), detail(err)
		if why, advice, ok := advised(err, details); ok {
			return what, advice, why
		}
		return what, next, details
	}
	return lang.T("Something went wrong."), lang.T("Try again; if it stays, report the details."), detail(err)
}

// imperative begins what a refusal of an exam says to do about just these files.
var imperative = regexp.MustCompile(`^(open|copy|convert|export|save|decompress|unpack|split|crop|resample|put|ask|check) `)

// advised takes the details of an exam that is refused apart into why, and what to do about just these files where they end in
// that; it goes before what is said of the whole kind.
func advised(err error, details string) (why, advice string, ok bool) {
	i := strings.LastIndex(details, "; ")
	if i < 0 || !imperative.MatchString(details[i+2:]) || errors.Is(err, exam.ErrSeveralExams) {
		return "", "", false
	}
	for _, kind := range []error{exam.ErrUnsupported, exam.ErrUnreadable, exam.ErrNoImages, exam.ErrSingleSlice, exam.ErrTooLarge} {
		if errors.Is(err, kind) {
			return details[:i] + ".", capital(details[i+2:]), true
		}
	}
	return "", "", false
}

// detail makes the words of an error readable: without the package name in front, as a sentence.
func detail(err error) string {
	text := err.Error()
	if i := strings.Index(text, ": "); i > 0 && !strings.ContainsAny(text[:i], " /.") {
		text = text[i+2:]
	}
	text = capital(text)
	if text != "" && !strings.HasSuffix(text, ".") {
		text += "."
	}
	return text
}
