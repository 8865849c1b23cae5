package viewer

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"syscall"

	"bayeslice/inference"
	"bayeslice/internal/align"
	"bayeslice/internal/annotate"
	"bayeslice/internal/calibrate"
	"bayeslice/internal/compare"
	"bayeslice/internal/exam"
	"bayeslice/internal/imageio"
	"bayeslice/internal/keymap"
	"bayeslice/internal/lang"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/prep"
	"bayeslice/internal/recent"
	"bayeslice/internal/report"
	"bayeslice/internal/review"
	"bayeslice/internal/session"
	"bayeslice/internal/settings"
	"bayeslice/internal/worklist"
	"bayeslice/render"
	"bayeslice/training"
)

// Sentinels that an [Engine]'s errors wrap.
var (
	// ErrRuntime: the inference runtime or its device is missing; the error's own text says what to do.
	ErrRuntime = errors.New("viewer: no inference runtime")
	// ErrRun: the runtime failed in the middle of a run.
	ErrRun = errors.New("viewer: the run failed")
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
type sentence struct{ what, next string }

// sentences is the table of everything the engines decide to refuse, most specific first.
var sentences = []struct {
	err error
	sentence
}{
	{syscall.ENOSPC, sentence{"The disk is full.", "Free some space and try again."}},
	{syscall.EDQUOT, sentence{"Your share of the disk is used up.", "Free some space, or choose a folder on another disk."}},
	{syscall.EROFS, sentence{"This disk can only be read.", "Choose a folder on another disk."}},
	{fs.ErrNotExist, sentence{"The file or folder is not there any more.", "Check the drive or the network, and choose it again."}},
	{report.ErrExists, sentence{"Files of these names are there already.", "Choose another folder or name, or agree that they are replaced."}},
	{report.ErrVerify, sentence{"A written file differs from the result when it is read back.", "Check the disk, and choose a folder on another one; what was there before is unchanged."}},
	{report.ErrFolder, sentence{"The files cannot be written in this folder.", "Choose a folder of your own; what was there before is unchanged."}},
	{report.ErrName, sentence{"This name cannot be used for files.", "Use letters, digits, spaces and hyphens."}},
	{report.ErrPage, sentence{"The report cannot be made.", "The details say what is missing."}},
	{report.ErrNothing, sentence{"There is nothing to write.", "Run a model first, and let at least one sample finish."}},
	{report.ErrForeign, sentence{"This folder holds results of another program.", "Choose another folder."}},
	{report.ErrSpace, sentence{"There is not enough free space.", "Free some space, or choose a folder on another disk."}},
	{fs.ErrPermission, sentence{"This place may not be read or written.", "Check its permissions, or choose a folder of your own."}},
	{exam.ErrSeveralExams, sentence{"This place holds more than one exam.", "Choose one of them."}},
	{exam.ErrNoImages, sentence{"No images were found here.", "Choose the folder that holds the DICOM files, or a NIfTI or MHA file."}},
	{exam.ErrSingleSlice, sentence{"Only single slices were found, no volume.", "Choose the folder with the whole series."}},
	{exam.ErrNoSuchStudy, sentence{"The exam asked for is not in this place.", "Open the folder again and choose one of those listed."}},
	{exam.ErrNoSuchRole, sentence{"This role cannot be chosen by hand.", "Choose a series for T2W, high-b DWI or ADC."}},
	{exam.ErrNoSuch, sentence{"This series cannot take the role.", "Choose a series with an image volume."}},
	{exam.ErrOverrides, sentence{"Your series choices could not be stored or read.", "The choice holds until the exam is closed. Check the space and the rights of the settings folder."}},
	{errOtherExam, sentence{"This place holds another exam than the session was saved with.", "Choose the place where the session's exam is now."}},
	{session.ErrSession, sentence{"The session file cannot be used.", "Choose another file that ends in .bayeslice; the details say what is wrong."}},
	{keymap.ErrKeys, sentence{"The file with your keys cannot be used; the usual keys hold.", "The details say what to do with the file."}},
	{keymap.ErrChord, sentence{"This key cannot be bound.", "Press another key."}},
	{recent.ErrRecent, sentence{"The list of recent exams cannot be used.", "The details say what to do with the file; exams open without it."}},
	{settings.ErrSettings, sentence{"The settings cannot be stored.", "What you chose holds until the window is closed. Check the space and the rights of the settings folder."}},
	{lang.ErrTexts, sentence{"The texts of a language cannot be used.", "English takes their place."}},
	{exam.ErrTooLarge, sentence{"The exam is larger than this program reads.", "Choose the folder of one exam."}},
	{imageio.ErrTooLarge, sentence{"The image is larger than this program reads.", "Crop or resample it first."}},
	{imageio.ErrTruncated, sentence{"A file is incomplete.", "Copy it again from its source."}},
	{imageio.ErrUnsupported, sentence{"The file is of a kind this program does not read.", "Convert it to uncompressed DICOM, NIfTI or MHA."}},
	{imageio.ErrFormat, sentence{"The file is not a valid image.", "Choose DICOM, NIfTI or MHA files."}},
	{exam.ErrUnreadable, sentence{"The exam could not be read.", "Check that all files were copied completely."}},
	{prep.ErrMissingRole, sentence{"The exam lacks a series that the model needs.", "Choose the series by hand under Exam, or run the other model alone."}},
	{prep.ErrGeometry, sentence{"An image does not cover the region the model looks at.", "Check under Exam that the chosen series belong together."}},
	{prep.ErrUnits, sentence{"The unit of the ADC map is not known.", "Choose another ADC series under Exam."}},
	{prep.ErrIntensity, sentence{"The values of an image cannot be normalised.", "Check under Exam that the chosen series hold images."}},
	{prep.ErrRecipe, sentence{"The model asks for a preparation that cannot be followed.", "Choose another model file."}},
	{modelcard.ErrCard, sentence{"The file is not a Bayeslice model.", "Choose a model made by this program (bayeslice model init)."}},
	{inference.ErrModel, sentence{"The model file cannot be used.", "Choose another model file."}},
	{inference.ErrInput, sentence{"The exam was not prepared for this model.", "Run again; if it stays, choose another model."}},
	{inference.ErrOutput, sentence{"The network gave numbers that are no probabilities.", "Choose another model file or device."}},
	{training.ErrExample, sentence{"An exam cannot be learnt from.", "Mend it or take it out of the folder, or tick “Leave out exams that cannot be used”."}},
	{ErrDiverged, sentence{"The training diverged: its loss is no number any more.", "Start a new run with a lower learning rate."}},
	{ErrCheckpoint, sentence{"The run's checkpoints are damaged.", "Start a new run, or copy the run folder again from its source."}},
	{ErrTrainingData, sentence{"These data cannot be learnt from.", "Choose another folder or kind of data; the details say what is missing."}},
	{ErrTrainingRun, sentence{"This run cannot be made or opened.", "The details say why; choose other settings or another folder."}},
	{ErrRuntime, sentence{"The network cannot run on this machine yet.", "See the details for the remedy."}},
	{ErrRun, sentence{"The device could not finish a sample.", "Close other programs to free memory, or choose a smaller model."}},
	{annotate.ErrExists, sentence{"A file of this name is there already.", "Choose another name, or agree that it is replaced."}},
	{annotate.ErrVerify, sentence{"A written file differs from the contours when it is read back.", "Check the disk, and save to another folder."}},
	{annotate.ErrJournal, sentence{"The unsaved contours cannot be written or read.", "The details say why; save the contours as files."}},
	{annotate.ErrGrid, sentence{"The labels do not lie on the T2W image.", "Choose labels that were drawn on this series."}},
	{annotate.ErrLabels, sentence{"The labels do not mean what was asked for.", "Choose a file with 1 for TZ and 2 for PZ, or open it as lesions."}},
	{align.ErrAlign, sentence{"T2W and diffusion cannot be compared.", "Compare the images by eye; the details say why."}},
	{calibrate.ErrReference, sentence{"The reference cannot be used to judge the probabilities.", "Load the reference that belongs to this exam."}},
	{calibrate.ErrSettings, sentence{"These settings cannot be used.", "Choose other settings."}},
	{calibrate.ErrQuiz, sentence{"The file with your quiz results cannot be used.", "Move it away to start afresh; the details name it."}},
	{compare.ErrFrame, sentence{"The reference was drawn in another frame of reference.", "Choose a reference that was drawn on this exam."}},
	{compare.ErrElsewhere, sentence{"The reference does not lie on this exam.", "Choose the reference of this exam."}},
	{compare.ErrNumbering, sentence{"The labels of the reference are not known.", "Say which label is which, or choose another file."}},
	{compare.ErrNothing, sentence{"There is nothing to compare.", "Choose a reference with the same structures."}},
	{review.ErrField, sentence{"This result cannot be searched for uncertain places.", "Run the model again."}},
	{worklist.ErrList, sentence{"The work list cannot be used.", "The details say what to do with its file."}},
	{worklist.ErrFolder, sentence{"This is no folder of exams.", "Choose a folder that holds a folder or ZIP file for each exam."}},
	{worklist.ErrNoEntry, sentence{"The exam is not in the work list.", "Look for new exams in the folder."}},
	{worklist.ErrState, sentence{"The work list has no such state.", "Choose one of the states that are listed."}},
	{worklist.ErrRunning, sentence{"The exams are being sampled already.", "Wait for it, or stop it first."}},
	{render.ErrScene, sentence{"This slice cannot be drawn.", "Press R to reset the view."}},
	{context.DeadlineExceeded, sentence{"This took too long and was stopped.", "Try again."}},
}

// explain returns what happened and what to do next for an error, and its own words as details.
func explain(err error) (what, next, details string) {
	for _, s := range sentences {
		if errors.Is(err, s.err) {
			return s.what, s.next, detail(err)
		}
	}
	return "Something went wrong.", "Try again; if it stays, report the details.", detail(err)
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
