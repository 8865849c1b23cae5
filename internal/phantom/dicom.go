package phantom

import (
	"context"
	"errors"
)

// WriteDICOM writes the exam as a DICOM study: one folder per series (T2W, DWI with every acquired
// b-value, ADC, calculated high-b) under dir, which is made where it does not exist.
func (e *Exam) WriteDICOM(ctx context.Context, dir string) error {
	return errors.New("phantom: under construction")
}

// WriteLabels writes zones.nii.gz and lesions.nii.gz on the T2W grid into dir, which is made where
// it does not exist. Values are those of [Labels].
func (e *Exam) WriteLabels(dir string) error { return errors.New("phantom: under construction") }
