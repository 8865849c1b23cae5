//go:build windows || darwin || (linux && gtk)

package viewer

import (
	"errors"
	"fmt"

	"github.com/sqweek/dialog"
)

// nativePick blocks until the user has chosen. The library panics where its toolkit cannot start.
func nativePick(kind pickKind) (path string, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", errNoNativeDialog, r)
		}
	}()
	switch kind {
	case pickFile:
		path, err = dialog.File().Title(pickTitles[kind]).Filter("Exams (ZIP, DICOM, NIfTI, MHA)", examExtensions...).Filter("All files", "*").Load()
	case pickModelFile:
		path, err = dialog.File().Title(pickTitles[kind]).Filter("Models (ONNX)", modelExtensions...).Filter("All files", "*").Load()
	case pickSession:
		path, err = dialog.File().Title(pickTitles[kind]).Filter("Sessions", sessionExtension).Load()
	case pickLabels:
		path, err = dialog.File().Title(pickTitles[kind]).Filter("Labels (NIfTI, MHA)", labelFileExtensions...).Filter("All files", "*").Load()
	case pickSessionSave:
		path, err = dialog.File().Title(pickTitles[kind]).Filter("Sessions", sessionExtension).Save()
	case pickPictureSave:
		path, err = dialog.File().Title(pickTitles[kind]).Filter("Pictures (PNG)", pictureExtension).Save()
	default:
		path, err = dialog.Directory().Title(pickTitles[kind]).Browse()
	}
	if errors.Is(err, dialog.ErrCancelled) {
		err = errPickCancelled
	}
	return path, err
}
