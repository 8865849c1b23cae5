package cli

import (
	"context"
	"errors"
	"io/fs"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"

	"bayeslice/inference"
	"bayeslice/internal/about"
	"bayeslice/internal/align"
	"bayeslice/internal/annotate"
	"bayeslice/internal/calibrate"
	"bayeslice/internal/cluster"
	"bayeslice/internal/compare"
	"bayeslice/internal/dicomweb"
	"bayeslice/internal/evaluate"
	"bayeslice/internal/evaluate/chart"
	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	"bayeslice/internal/imageio"
	"bayeslice/internal/imageio/dicom"
	"bayeslice/internal/imageio/dicom/jpegls"
	"bayeslice/internal/imageio/dicom/openjpeg"
	"bayeslice/internal/imageio/dicomout"
	"bayeslice/internal/imageio/dicomseg"
	"bayeslice/internal/imageio/rtstruct"
	"bayeslice/internal/keymap"
	"bayeslice/internal/lang"
	"bayeslice/internal/measure"
	"bayeslice/internal/metrics"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/models"
	"bayeslice/internal/nets"
	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/onnx/pb"
	"bayeslice/internal/ort"
	"bayeslice/internal/ort/fetch"
	"bayeslice/internal/phantom"
	"bayeslice/internal/prep"
	"bayeslice/internal/recent"
	"bayeslice/internal/report"
	"bayeslice/internal/report/paper"
	"bayeslice/internal/resultfile"
	"bayeslice/internal/review"
	"bayeslice/internal/sectors"
	sessionfile "bayeslice/internal/session"
	"bayeslice/internal/settings"
	"bayeslice/internal/study"
	"bayeslice/internal/syserr"
	"bayeslice/internal/volume"
	"bayeslice/internal/worklist"
	"bayeslice/render"
	"bayeslice/training"
	"bayeslice/training/cohort"
	"bayeslice/training/dataset"
	"bayeslice/training/loss"
	"bayeslice/training/step"
	"bayeslice/training/synth"
	"bayeslice/training/trainer"
)

// disclaimer stands in the help and at the end of every result.
const disclaimer = report.Disclaimer

// fromText marks sentinels whose own text ends in what to do next.
const fromText = "-"

// nextSteps says what to do about each error that an engine decides on; the most specific first. The
// names are those of the source, so that a test can tell which sentinel is missing.
var nextSteps = []struct {
	name string
	err  error
	next string
}{
	{"syserr.DiskFull", syserr.DiskFull, "Free some space, or choose an output folder on another disk; complete files are kept."},
	{"syserr.ReadOnlyDisk", syserr.ReadOnlyDisk, "Choose an output folder that can be written to."},
	{"syserr.FileTooBig", syserr.FileTooBig, "The system limits the size of files; raise the limit (ulimit -f), or choose another disk."},
	{"syserr.InUse", syserr.InUse, "Another program has this file open: close it there and try again."},
	{"syserr.NoFolder", syserr.NoFolder, "A file stands where a folder is needed: choose another folder."},
	{"syscall.EISDIR", syscall.EISDIR, "A folder stands where a file is needed: choose another file."},
	{"cli.errNoWindow", errNoWindow, "Use the headless commands; see `bayeslice help`."},
	{"annotate.ErrExists", annotate.ErrExists, fromText},
	{"annotate.ErrVerify", annotate.ErrVerify, fromText},
	{"annotate.ErrJournal", annotate.ErrJournal, "Check the space and the rights of the folder for autosaved contours."},
	{"annotate.ErrGrid", annotate.ErrGrid, "Choose labels that were drawn on this T2W series."},
	{"annotate.ErrLabels", annotate.ErrLabels, "Choose a file with 1 for TZ and 2 for PZ, or one of lesions."},
	{"annotate.ErrBusy", annotate.ErrBusy, fromText},
	{"annotate.ErrStale", annotate.ErrStale, fromText},
	{"annotate.ErrNothing", annotate.ErrNothing, fromText},
	{"report.ErrExists", report.ErrExists, "Choose another folder with -o, or add --overwrite."},
	{"report.ErrForeign", report.ErrForeign, "Choose another folder with -o."},
	{"report.ErrPage", report.ErrPage, "See `bayeslice infer --help` for what a report needs."},
	{"report.ErrFolder", report.ErrFolder, "Choose another folder with -o, or free some space."},
	{"report.ErrName", report.ErrName, fromText},
	{"report.ErrNothing", report.ErrNothing, "Let at least one sample finish."},
	{"report.ErrSpace", report.ErrSpace, "Free some space, or choose an output folder on another disk."},
	{"paper.ErrPage", paper.ErrPage, "Report this line and the command you ran."},
	{"report.ErrVerify", report.ErrVerify, "Check the disk, and write to another folder."},
	{"exam.ErrSeveralExams", exam.ErrSeveralExams, fromText},
	{"exam.ErrNoImages", exam.ErrNoImages, "Give the folder that holds the DICOM files, or a NIfTI or MHA file."},
	{"exam.ErrSingleSlice", exam.ErrSingleSlice, "Give the folder with the whole series."},
	{"exam.ErrNoSuchStudy", exam.ErrNoSuchStudy, "Run `bayeslice exam show EXAM`, which lists what is there."},
	{"exam.ErrNoSuchRole", exam.ErrNoSuchRole, "Use --role with T2W, HBV or ADC."},
	{"exam.ErrNoSuch", exam.ErrNoSuch, "Run `bayeslice exam show EXAM` for the series and their IDs."},
	{"exam.ErrOverrides", exam.ErrOverrides, "Move the file with the stored choices away, and choose again."},
	{"about.ErrMetadata", about.ErrMetadata, "The program was built wrongly: install it again."},
	{"about.ErrLicences", about.ErrLicences, "The program was built wrongly: install it again."},
	{"settings.ErrSettings", settings.ErrSettings, fromText},
	{"lang.ErrTexts", lang.ErrTexts, fromText},
	{"keymap.ErrKeys", keymap.ErrKeys, fromText},
	{"recent.ErrRecent", recent.ErrRecent, "Check the space and the rights of the settings folder, or switch the list off in the preferences."},
	{"resultfile.ErrResults", resultfile.ErrResults, "Run the models again."},
	{"session.ErrSession", sessionfile.ErrSession, "Choose a session file that this program wrote."},
	{"keymap.ErrChord", keymap.ErrChord, "Name a key as the keyboard sheet does, such as Ctrl+Shift+H."},
	{"exam.ErrUnsupported", exam.ErrUnsupported, fromText},
	{"exam.ErrTooLarge", exam.ErrTooLarge, "Give the folder of one exam."},
	{"prep.ErrMissingRole", prep.ErrMissingRole, fromText},
	{"prep.ErrGeometry", prep.ErrGeometry, fromText},
	{"prep.ErrIntensity", prep.ErrIntensity, fromText},
	{"prep.ErrUnits", prep.ErrUnits, fromText},
	{"ort.ErrLibrary", ort.ErrLibrary, fromText},
	{"ort.ErrProvider", ort.ErrProvider, fromText},
	{"ort.ErrModel", ort.ErrModel, "Use a model written by this program (`bayeslice model init`)."},
	{"ort.ErrInput", ort.ErrInput, "Use a model written by this program (`bayeslice model init`)."},
	{"ort.ErrMemory", ort.ErrMemory, "Close other programs, use --device cpu, or a smaller model."},
	{"ort.ErrRun", ort.ErrRun, "Close other programs to free memory, use --device cpu, or a smaller model."},
	{"ort.ErrClosed", ort.ErrClosed, "Run the command again."},
	{"fetch.ErrPlatform", fetch.ErrPlatform, fromText},
	{"fetch.ErrNPM", fetch.ErrNPM, fromText},
	{"fetch.ErrChecksum", fetch.ErrChecksum, fromText},
	{"fetch.ErrPackage", fetch.ErrPackage, fromText},
	{"modelcard.ErrCard", modelcard.ErrCard, "Use a model written by this program (`bayeslice model init`)."},
	{"models.ErrUnknown", models.ErrUnknown, "Run `bayeslice model list` for the models that come with the program."},
	{"models.ErrUntold", models.ErrUntold, "Report this line and the command you ran."},
	{"pb.ErrExternalData", pb.ErrExternalData, fromText},
	{"pb.ErrUnsupported", pb.ErrUnsupported, "Use a model written by this program (`bayeslice model init`)."},
	{"pb.ErrMalformed", pb.ErrMalformed, "Check that the file is an ONNX model and was copied completely."},
	{"inference.ErrModel", inference.ErrModel, "Use another model; `bayeslice model list` names those that come with the program."},
	{"inference.ErrInput", inference.ErrInput, "Use another model file; this one does not follow its own recipe."},
	{"inference.ErrOutput", inference.ErrOutput, "Use another model file, or --device cpu."},
	{"graph.ErrGraph", graph.ErrGraph, "Use a model written by this program (`bayeslice model init`)."},
	{"prep.ErrRecipe", prep.ErrRecipe, "Use another model file."},
	{"measure.ErrMeasure", measure.ErrMeasure, fromText},
	{"sectors.ErrGland", sectors.ErrGland, fromText},
	{"align.ErrAlign", align.ErrAlign, fromText},
	{"calibrate.ErrReference", calibrate.ErrReference, "Load the reference that belongs to this exam."},
	{"calibrate.ErrSettings", calibrate.ErrSettings, "Choose other settings."},
	{"calibrate.ErrQuiz", calibrate.ErrQuiz, "Move the file away to start afresh."},
	{"compare.ErrFrame", compare.ErrFrame, fromText},
	{"compare.ErrElsewhere", compare.ErrElsewhere, fromText},
	{"compare.ErrNumbering", compare.ErrNumbering, fromText},
	{"compare.ErrNothing", compare.ErrNothing, fromText},
	{"review.ErrField", review.ErrField, "Use another model; `bayeslice model list` names those that come with the program."},
	{"cluster.ErrJob", cluster.ErrJob, fromText},
	{"cluster.ErrNoSlurm", cluster.ErrNoSlurm, fromText},
	{"cluster.ErrSlurm", cluster.ErrSlurm, fromText},
	{"cluster.ErrQueued", cluster.ErrQueued, fromText},
	{"worklist.ErrFolder", worklist.ErrFolder, fromText},
	{"worklist.ErrList", worklist.ErrList, fromText},
	{"worklist.ErrNoEntry", worklist.ErrNoEntry, "Run `bayeslice worklist show FOLDER` for the exams and their names."},
	{"worklist.ErrState", worklist.ErrState, fromText},
	{"worklist.ErrRunning", worklist.ErrRunning, fromText},
	{"metrics.ErrInput", metrics.ErrInput, "Check that prediction and reference belong to the same exam and have the same classes."},
	{"metrics.ErrUndefined", metrics.ErrUndefined, "Add exams that have what is to be measured, or leave the figure out."},
	{"evaluate.ErrExists", evaluate.ErrExists, "Choose another folder with -o, or add --overwrite."},
	{"evaluate.ErrExam", evaluate.ErrExam, fromText},
	{"evaluate.ErrFolder", evaluate.ErrFolder, fromText},
	{"evaluate.ErrSettings", evaluate.ErrSettings, fromText},
	{"evaluate.ErrResult", evaluate.ErrResult, fromText},
	{"chart.ErrChart", chart.ErrChart, "Report this line and the command you ran."},
	{"cli.errLeftOut", errLeftOut, "Mend or remove the exams that are listed, or add --skip-bad."},
	{"nets.ErrConfig", nets.ErrConfig, "Choose another size; see `bayeslice model init --help`."},
	{"training.ErrExample", training.ErrExample, "Correct the exam, or add --skip-bad to leave out exams that cannot be used."},
	{"trainer.ErrCheckpoint", trainer.ErrCheckpoint, "Use another checkpoint, or start a new run."},
	{"trainer.ErrConfig", trainer.ErrConfig, "Choose other settings; see `bayeslice train --help`."},
	{"trainer.ErrRun", trainer.ErrRun, "Name another folder, or see `bayeslice train show RUN`."},
	{"trainer.ErrDiverged", trainer.ErrDiverged, fromText},
	{"study.ErrFile", study.ErrFile, fromText},
	{"study.ErrFolder", study.ErrFolder, fromText},
	{"study.ErrIndex", study.ErrIndex, fromText},
	{"study.ErrBusy", study.ErrBusy, fromText},
	{"study.ErrNothing", study.ErrNothing, fromText},
	{"study.ErrIncomplete", study.ErrIncomplete, fromText},
	{"cohort.ErrChoice", cohort.ErrChoice, "Choose other data; see `bayeslice train --help`."},
	{"step.ErrConfig", step.ErrConfig, "Choose other settings; see `bayeslice train --help`."},
	{"loss.ErrOptions", loss.ErrOptions, "Choose other values with --alpha and --gamma; see `bayeslice train --help`."},
	{"dataset.ErrData", dataset.ErrData, fromText},
	{"dataset.ErrSplits", dataset.ErrSplits, fromText},
	{"synth.ErrConfig", synth.ErrConfig, "Choose other settings; see `bayeslice train --help`."},
	{"phantom.ErrConfig", phantom.ErrConfig, "Choose other values; see `bayeslice phantom --help`."},
	{"dicomout.ErrValue", dicomout.ErrValue, "Choose another seed for the phantom, and report this one."},
	{"imageio.ErrTruncated", imageio.ErrTruncated, "Copy the file again from its source."},
	{"imageio.ErrTooLarge", imageio.ErrTooLarge, "Crop or resample the image first."},
	{"imageio.ErrUnsupported", imageio.ErrUnsupported, "Convert the file to uncompressed DICOM, NIfTI or MHA."},
	{"imageio.ErrFormat", imageio.ErrFormat, "Give DICOM, NIfTI or MHA files."},
	{"cli.errNamed", errNamed, fromText},
	{"dicomweb.ErrAddress", dicomweb.ErrAddress, fromText},
	{"dicomweb.ErrUnreachable", dicomweb.ErrUnreachable, fromText},
	{"dicomweb.ErrTLS", dicomweb.ErrTLS, fromText},
	{"dicomweb.ErrAuth", dicomweb.ErrAuth, fromText},
	{"dicomweb.ErrServer", dicomweb.ErrServer, fromText},
	{"dicomweb.ErrAnswer", dicomweb.ErrAnswer, "Check the address, and whether the server speaks DICOMweb."},
	{"dicomweb.ErrObject", dicomweb.ErrObject, fromText},
	{"dicomweb.ErrFolder", dicomweb.ErrFolder, "Name a new folder with -o, on a disk with room."},
	{"dicomseg.ErrNotSegmentation", dicomseg.ErrNotSegmentation, "Give a DICOM SEG object, NIfTI or MHA."},
	{"dicomseg.ErrSegments", dicomseg.ErrSegments, fromText},
	{"rtstruct.ErrNotStructures", rtstruct.ErrNotStructures, "Give a DICOM RTSTRUCT object."},
	{"rtstruct.ErrGrid", rtstruct.ErrGrid, "Give contours that were drawn on this T2W series."},
	{"dicom.ErrNotDICOM", dicom.ErrNotDICOM, "Give the folder that holds the DICOM files."},
	{"dicom.ErrTruncated", dicom.ErrTruncated, fromText},
	{"dicom.ErrMalformed", dicom.ErrMalformed, "Copy or export the files again from their source."},
	{"dicom.ErrUnsupported", dicom.ErrUnsupported, "Export the series uncompressed."},
	{"dicom.ErrNotImage", dicom.ErrNotImage, "Give the folder that holds the images."},
	{"dicom.ErrTooLarge", dicom.ErrTooLarge, "Give the folder of one exam."},
	{"dicom.ErrGeometry", dicom.ErrGeometry, "Give a folder with complete axial series."},
	{"jpegls.ErrDamaged", jpegls.ErrDamaged, "Copy or export the files again from their source."},
	{"jpegls.ErrTruncated", jpegls.ErrTruncated, "Copy or export the files again from their source."},
	{"jpegls.ErrSize", jpegls.ErrSize, "Copy or export the files again from their source."},
	{"jpegls.ErrUnsupported", jpegls.ErrUnsupported, "Export the series uncompressed."},
	{"openjpeg.ErrCodestream", openjpeg.ErrCodestream, "Copy or export the files again from their source."},
	{"openjpeg.ErrSize", openjpeg.ErrSize, "Copy or export the files again from their source."},
	{"openjpeg.ErrTooLarge", openjpeg.ErrTooLarge, "Give the folder of one exam."},
	{"openjpeg.ErrComponents", openjpeg.ErrComponents, "Give the folder of the greyscale images."},
	{"render.ErrScene", render.ErrScene, "Report the exam's grid and the command you ran."},
	{"render.ErrDevice", render.ErrDevice, "Draw on the CPU with --renderer cpu."},
	{"render.ErrVolumeSize", render.ErrVolumeSize, "Draw on the CPU with --renderer cpu."},
	{"render.ErrClosed", render.ErrClosed, "Run the command again."},
	{"volume.ErrGeometry", volume.ErrGeometry, "Check that the images and masks belong to the same exam."},
	{"geom.ErrGrid", geom.ErrGrid, "The file's geometry is damaged; export it again from its source."},
	{"fs.ErrPermission", fs.ErrPermission, "Check the permissions, or use a folder of your own."},
	{"fs.ErrExist", fs.ErrExist, "Choose another file or folder with -o, or add --overwrite."},
	{"fs.ErrNotExist", fs.ErrNotExist, "Check the spelling of the path, and that the drive is connected."},
	{"exam.ErrUnreadable", exam.ErrUnreadable, "Check that all files were copied completely and can be read."},
	{"context.DeadlineExceeded", context.DeadlineExceeded, "Try again."},
}

// imperatives are the verbs with which the remedies inside error texts begin.
const imperatives = "add|check|choose|close|connect|convert|copy|correct|crop|decompress|export|free|give|install|let|" +
	"make|move|name|open|put|raise|rename|report|resample|restart|restore|run|set|split|start|train|unpack|update|use"

// remedy finds a next step inside an error's text: after a semicolon, or as a clause of its own. The
// window's errors, which this package must not import, carry theirs like that.
var remedy = regexp.MustCompile(`; (?:` + imperatives + `) |[,:] (?:` + imperatives + `) [^,:;]*(?:: |$)`)

// noHome finds what the standard library says where it cannot tell a user's folders.
var noHome = regexp.MustCompile(`(?:neither )?(?:\$\w+ nor )?(?:\$\w+|%\w+%) (?:is not|are|is) defined`)

// explain returns what happened and what to do next, as sentences.
func explain(err error) string {
	text := "bayeslice: " + sentence(err)
	if next := nextStep(err); next != fromText {
		text += "\nWhat to do: " + next
	}
	return text
}

// nextStep returns what to do about an error, or fromText where its own words say it.
func nextStep(err error) string {
	if remedy.MatchString(err.Error()) && !errors.Is(err, training.ErrExample) { // whose texts do not know the flag
		return fromText
	}
	for _, s := range nextSteps {
		if errors.Is(err, s.err) {
			return s.next
		}
	}
	if noHome.MatchString(err.Error()) {
		return "Set the environment variable named above to a folder of your own."
	}
	return "Try again; if it stays, report this line and the command you ran."
}

// packages are the names that errors begin with.
const packages = "about|align|annotate|app|augment|autodiff|calibrate|chart|cli|cluster|codec|cohort|compare|dataset|devices|dicom|dicomout|dicomseg|dicomweb|edit|evaluate|exam|explore|fetch|findings|fold|geom|graph|imageio|inference|jpegls|jsonfile|keymap|lang|loss|measure|metaimage|metrics|" +
	"modelcard|models|nets|nifti|nrrd|openjpeg|optim|ort|paper|pb|phantom|prep|probe|reading|recent|ref|render|report|resultfile|review|rewrite|rtstruct|schedule|scratch|sectors|session|settings|step|study|synth|tensor|trainer|training|viewer|viewstate|volume|worklist"

// packagePrefix finds the names of packages where an error or one wrapped in it begins: never in the
// middle of a clause, where they are words.
var packagePrefix = regexp.MustCompile(`(^|\n|: )(?:(?:` + packages + `): )+`)

// statPrefix finds the name of the system call that looks a file up, which says nothing to a reader.
var statPrefix = regexp.MustCompile(`(^|\n|: )l?stat `)

// sentence makes the words of an error readable. A file name at the beginning stays as it is.
func sentence(err error) string {
	told := packagePrefix.ReplaceAllString(err.Error(), "$1")
	text := statPrefix.ReplaceAllString(told, "$1")
	at := statPrefix.FindStringIndex(told)
	path := at != nil && at[0] == 0
	if word, _, _ := strings.Cut(text, " "); !path && !strings.ContainsAny(word, `./\`) {
		first, size := utf8.DecodeRuneInString(text)
		text = string(unicode.ToUpper(first)) + text[size:]
	}
	if !strings.HasSuffix(text, ".") && !strings.HasSuffix(text, "\n") {
		text += "."
	}
	return text
}

// shellWord returns a path so that a shell reads it as one word: as it is where nothing in it is special,
// else in double quotes, which Windows reads too, or in single ones where it holds what a POSIX shell expands
// between double ones. A path that begins with a hyphen gets ./ before it, since it would be read as a flag.
func shellWord(path string) string {
	if strings.HasPrefix(path, "-") {
		path = "./" + path
	}
	special := func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune(`_-./\:+,@%`, r)
	}
	switch {
	case path != "" && !strings.ContainsFunc(path, special) && (runtime.GOOS == "windows" || !strings.Contains(path, `\`)):
		return path
	case runtime.GOOS == "windows" || !strings.ContainsAny(path, "\"$`\\!"):
		return `"` + path + `"`
	}
	return `'` + strings.ReplaceAll(path, `'`, `'\''`) + `'`
}
