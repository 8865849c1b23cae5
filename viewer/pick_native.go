//go:build windows || darwin || (linux && gtk)

package viewer

import (
	"errors"
	"fmt"
	"strings"

	"github.com/sqweek/dialog"

	"bayeslice/internal/lang"
	"bayeslice/internal/session"
)

// sessionExtension is that of session files, without its dot.
var sessionExtension = strings.TrimPrefix(session.Extension, ".")

// nativePick blocks until the user has chosen. The library panics where its toolkit cannot start.
func nativePick(kind pickKind) (path string, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", errNoNativeDialog, r)
		}
	}()
	switch kind {
	case pickFile:
		path, err = dialog.File().Title(pickTitles[kind].String()).Filter(lang.T("Exams (ZIP, DICOM, NIfTI, MHA, NRRD)"), examExtensions...).Filter(lang.T("All files"), "*").Load()
	case pickModelFile:
		path, err = dialog.File().Title(pickTitles[kind].String()).Filter(lang.T("Models (ONNX)"), modelExtensions...).Filter(lang.T("All files"), "*").Load()
	case pickSession:
		path, err = dialog.File().Title(pickTitles[kind].String()).Filter(lang.T("Sessions"), sessionExtension).Load()
	case pickLabels:
		path, err = dialog.File().Title(pickTitles[kind].String()).Filter(lang.T("Labels (NIfTI, MHA, NRRD, DICOM SEG)"), labelFileExtensions...).Filter(lang.T("All files"), "*").Load()
	case pickSessionSave:
		path, err = dialog.File().Title(pickTitles[kind].String()).Filter(lang.T("Sessions"), sessionExtension).Save()
	case pickPictureSave:
		path, err = dialog.File().Title(pickTitles[kind].String()).Filter(lang.T("Pictures (PNG)"), pictureExtension).Save()
	default:
		path, err = dialog.Directory().Title(pickTitles[kind].String()).Browse()
	}
	if errors.Is(err, dialog.ErrCancelled) {
		err = errPickCancelled
	}
	return path, err
}
