package viewer

import (
	"errors"
	"runtime"

	"bayeslice/internal/lang"
)

// errNoNativeDialog says that the system's own dialog is not built in or not usable here; Fyne's is used instead.
var errNoNativeDialog = errors.New("viewer: no native dialog")

// errPickCancelled says that the user closed the dialog without a choice.
var errPickCancelled = errors.New("viewer: nothing was chosen")

// pickKind is what the user may choose.
type pickKind uint8

const (
	pickFolder pickKind = iota
	pickFile
	pickDataFolder
	pickMaskFolder
	pickRunsFolder
	pickModelFile
	pickSession
	pickSessionSave
	pickLabels
	pickLabelFolder
	pickExportFolder
	pickPictureSave
	pickExams
)

// pickTitles are the titles of the system's dialogs.
var pickTitles = [...]lang.Text{lang.Mark("Open exam folder"), lang.Mark("Open exam file"), lang.Mark("Choose the folder of the data"), lang.Mark("Choose the folder of the masks"), lang.Mark("Choose the folder in which runs are kept"), lang.Mark("Open model file"), lang.Mark("Open session"), lang.Mark("Save session"), lang.Mark("Open labels"), lang.Mark("Choose the folder for the contours"), lang.Mark("Choose the folder for exported files"), lang.Mark("Save this view"), lang.Mark("Open a folder of exams")}

// pickUses name what choices are for: one begins where the last of the same use was made. They are stored.
var pickUses = [...]string{pickFolder: "exam", pickFile: "exam", pickDataFolder: "training-data", pickMaskFolder: "training-data", pickRunsFolder: "runs",
	pickModelFile: "model", pickSession: "session", pickSessionSave: "session", pickLabels: "labels", pickLabelFolder: "labels",
	pickExportFolder: "export", pickPictureSave: "export", pickExams: "exams"}

// examExtensions are the files that hold an exam by themselves.
var examExtensions = []string{"zip", "dcm", "nii", "gz", "mha", "mhd", "nrrd", "nhdr"}

// modelExtensions are the files that hold a model.
var modelExtensions = []string{"onnx"}

// pickNatively shows the system's own dialog on a goroutine with an OS thread to itself, which the
// native toolkits want, and calls done there with a path, [errPickCancelled] or [errNoNativeDialog].
func pickNatively(kind pickKind, done func(path string, err error)) {
	go func() {
		runtime.LockOSThread() // not unlocked: the thread ends with the goroutine, and the toolkit's state with it
		path, err := nativePick(kind)
		done(path, err)
	}()
}
