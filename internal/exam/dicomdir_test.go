package exam

import (
	"context"
	"errors"
	"strings"
	"testing"

	"bayeslice/internal/testenv"
)

// The DICOMDIRs that pydicom tests with, made by other programs: one medium in every encoding and
// with records left out or in another order, which changes nothing about the 31 files of 6 studies that
// they list (as pydicom counts them). The one without offsets is 24 bytes shorter than its lengths say.
func TestRealDICOMDIRs(t *testing.T) {
	for _, c := range []struct {
		name string
		want error
		says string
	}{
		{"DICOMDIR", ErrSeveralExams, "6 exams"},
		{"DICOMDIR-implicit", ErrSeveralExams, "6 exams"},
		{"DICOMDIR-bigEnd", ErrSeveralExams, "6 exams"},
		{"DICOMDIR-reordered", ErrSeveralExams, "6 exams"},
		{"DICOMDIR-nopatient", ErrSeveralExams, "6 exams"},
		{"DICOMDIR-nooffset", ErrUnreadable, "cut short"},
		{"DICOMDIR-empty.dcm", ErrNoImages, "lists no files"},
		{"TINY_ALPHA/DICOMDIR", ErrNoImages, "50 files"},
	} {
		e, err := Open(context.Background(), testenv.Data(t, "pydicom_test_files", "dicomdirtests", c.name), Options{})
		if !errors.Is(err, c.want) || e != nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %v saying %q", c.name, err, c.want, c.says)
		}
	}
}
