package viewer

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"bayeslice/internal/exam"
	"bayeslice/internal/testenv"
)

// What to do about just these files goes before what is said of their kind.
func TestTheAdviceOfARefusedExamIsTheNextStep(t *testing.T) {
	dir := testenv.Data(t, "pydicom_test_files")
	for name, want := range map[string][3]string{
		"examples_rgb_color.dcm": {"This cannot be opened as an exam.", "Open the folder of the greyscale MR images instead.", "a colour image (RGB)."},
		"MR_truncated.dcm":       {"The exam could not be read.", "Copy it again from its source.", "the file is cut short ("},
	} {
		_, err := exam.Open(t.Context(), filepath.Join(dir, name), exam.Options{})
		what, next, details := explain(err)
		if what != want[0] || next != want[1] || !strings.Contains(details, want[2]) || strings.Contains(details, ";") {
			t.Errorf("%s: %q, %q, %q", name, what, next, details)
		}
	}
}

// Every file of the odd corpora, dropped on the window, opens or is refused in sentences that say what to do next: the window opens
// exams as here. What the package exam says of every file and folder of all corpora is held by its own test.
func TestOddFilesAreRefusedInSentences(t *testing.T) {
	said, refused := map[string]bool{}, 0
	for _, corpus := range []string{"pydicom_test_files", "panimg", "nibabel", "dicom2nifti"} {
		err := filepath.WalkDir(testenv.Data(t, corpus), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			_, err = exam.Open(t.Context(), path, exam.Options{})
			if err == nil || errors.Is(err, exam.ErrSeveralExams) { // the window lists them
				return nil
			}
			refused++
			what, next, details := explain(err)
			said[what+" "+next] = true
			for _, text := range []string{what, next, details} {
				if !strings.HasSuffix(text, ".") || strings.ToUpper(text[:1]) != text[:1] || strings.Contains(text, "Something went wrong") {
					t.Errorf("%s: %q", filepath.Base(path), text)
				}
			}
			if strings.Contains(next, "details") {
				t.Errorf("%s: nothing to do but to read the details: %q, %q", filepath.Base(path), what, details)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for s := range said {
		t.Log(s)
	}
	if refused < 100 {
		t.Errorf("only %d files were refused", refused)
	}
}
