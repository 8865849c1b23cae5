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
	if kind != pickFile {
		path, err = dialog.Directory().Title(pickTitles[kind]).Browse()
	} else {
		path, err = dialog.File().Title(pickTitles[kind]).Filter("Exams (ZIP, DICOM, NIfTI, MHA)", examExtensions...).Filter("All files", "*").Load()
	}
	if errors.Is(err, dialog.ErrCancelled) {
		err = errPickCancelled
	}
	return path, err
}
