package viewer

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/test"

	"bayeslice/viewer/viewstate/picking"
)

// folders makes files and, where a name ends in a slash, folders; it returns where.
func folders(t *testing.T, names ...string) string {
	t.Helper()
	root := t.TempDir()
	for _, n := range names {
		path := filepath.Join(root, filepath.FromSlash(n))
		folder := filepath.Dir(path)
		if strings.HasSuffix(n, "/") {
			folder = path
		}
		if err := os.MkdirAll(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		if folder != path {
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	return root
}

// asking shows the picker and waits for its list.
func asking(t *testing.T, q picking.Question, folder, selected string) (h *harness, d *pickDialog, chosen *string) {
	t.Helper()
	h, chosen = newHarness(t, &fakeEngine{}, Options{}), new(string)
	d = h.showPicker("Choose", q, folder, selected, func(path string) { *chosen = path })
	h.listed(d)
	return h, d, chosen
}

func (h *harness) listed(d *pickDialog) {
	h.t.Helper()
	h.until("the list", func() bool { return !d.picker.Busy() })
}

// on presses keys where the focus is.
func (h *harness) on(keys ...fyne.KeyName) {
	for _, k := range keys {
		h.win.Canvas().Focused().TypedKey(&fyne.KeyEvent{Name: k})
	}
}

// selected is the name of the selected line.
func (d *pickDialog) selected() string {
	if at := d.picker.At(); at >= 0 {
		return d.picker.Entries()[at].Name
	}
	return ""
}

func TestAFileIsPickedByKeysAlone(t *testing.T) {
	root := folders(t, "alpha/", "Beta/one.nii", "Beta/two.nii", "Beta/notes.txt", "gamma.nii")
	h, d, chosen := asking(t, picking.Question{Extensions: []string{".nii"}}, root, "")
	if h.win.Canvas().Focused() != d.list || d.selected() != "alpha" {
		t.Fatalf("the focus is on %T, %q is selected", h.win.Canvas().Focused(), d.selected())
	}
	if !d.choose.Disabled() {
		t.Error("a folder can be opened as a file")
	}
	h.on(fyne.KeyDown, fyne.KeyRight)
	h.listed(d)
	if d.picker.Folder() != filepath.Join(root, "Beta") || !strings.Contains(d.told.Text, "1 other file here") {
		t.Errorf("in %s: %q", d.picker.Folder(), d.told.Text)
	}
	h.on(fyne.KeyBackspace)
	h.listed(d)
	if d.selected() != "Beta" {
		t.Errorf("one up %q is selected", d.selected())
	}
	d.list.TypedRune('g')
	if d.selected() != "gamma.nii" || d.choose.Disabled() {
		t.Errorf("a letter goes to %q, Open disabled %v", d.selected(), d.choose.Disabled())
	}
	h.on(fyne.KeyReturn)
	if *chosen != filepath.Join(root, "gamma.nii") || h.win.Canvas().Overlays().Top() != nil {
		t.Errorf("chosen %q, the dialog is open: %v", *chosen, h.win.Canvas().Overlays().Top() != nil)
	}
}

func TestEscapeChoosesNothing(t *testing.T) {
	h, _, chosen := asking(t, picking.Question{}, folders(t, "a.nii"), "")
	h.on(fyne.KeyEscape)
	if *chosen != "" || h.win.Canvas().Overlays().Top() != nil || h.files != nil {
		t.Errorf("chosen %q", *chosen)
	}
	h, _, chosen = asking(t, picking.Question{}, folders(t, "a.nii"), "")
	h.win.Canvas().Unfocus() // as by a click beside the list
	h.win.Canvas().OnTypedKey()(&fyne.KeyEvent{Name: fyne.KeyEscape})
	if *chosen != "" || h.win.Canvas().Overlays().Top() != nil || h.files != nil {
		t.Errorf("without a focus: chosen %q", *chosen)
	}
}

func TestAFolderIsChosenByControlEnter(t *testing.T) {
	root := folders(t, "exams/1/", "exams/2/x.dcm")
	h, d, chosen := asking(t, picking.Question{Folder: true}, root, "exams")
	h.on(fyne.KeyReturn)
	h.listed(d)
	h.on(fyne.KeyEnd)
	d.list.TypedShortcut(&desktop.CustomShortcut{KeyName: fyne.KeyReturn, Modifier: fyne.KeyModifierControl})
	if *chosen != filepath.Join(root, "exams", "2") {
		t.Errorf("chosen %q", *chosen)
	}
}

func TestTheFolderThatWasGoneIntoIsTheChoice(t *testing.T) {
	root := folders(t, "exams/patient/07-07-2011/", "exams/other/")
	h, d, chosen := asking(t, picking.Question{Folder: true}, root, "exams")
	if d.choose.Text != "Choose “exams”" {
		t.Errorf("the button says %q", d.choose.Text)
	}
	d.path.OnSubmitted(filepath.Join(root, "exams", "patient"))
	h.until("the folder", func() bool { return filepath.Base(d.picker.Folder()) == "patient" && !d.picker.Busy() })
	if d.choose.Text != "Choose this folder" || !strings.Contains(d.told.Text, "Enter chooses this folder") {
		t.Errorf("the button says %q, below stands %q", d.choose.Text, d.told.Text)
	}
	h.on(fyne.KeyDown)
	if d.choose.Text != "Choose “07-07-2011”" {
		t.Errorf("the button says %q", d.choose.Text)
	}
	h.on(fyne.KeyBackspace)
	h.listed(d)
	h.on(fyne.KeyReturn) // into patient
	h.listed(d)
	h.on(fyne.KeyReturn)
	if *chosen != filepath.Join(root, "exams", "patient") {
		t.Errorf("chosen %q", *chosen)
	}
}

func TestATypedPathIsGoneTo(t *testing.T) {
	root := folders(t, "exams/here.nii", "exams/notes.txt")
	h, d, chosen := asking(t, picking.Question{Extensions: []string{".nii"}}, root, "")
	for _, c := range []struct{ path, told string }{
		{"gone", "There is nothing to be opened at this path"},
		{filepath.Join("exams", "notes.txt"), "A file of this kind is not what is asked for here."},
	} {
		d.path.OnSubmitted(c.path)
		h.until(c.told, func() bool { return strings.Contains(d.told.Text, c.told) })
	}
	d.path.OnSubmitted(filepath.Join(root, "exams"))
	h.until("the folder", func() bool { return d.selected() == "here.nii" })
	if h.win.Canvas().Focused() != d.list || d.path.Text != filepath.Join(root, "exams") {
		t.Errorf("the focus is on %T, the path is %q", h.win.Canvas().Focused(), d.path.Text)
	}
	h.win.Canvas().Focus(d.path)
	h.on(fyne.KeyEscape) // back to the list, not out of the dialog
	if h.win.Canvas().Focused() != d.list || h.win.Canvas().Overlays().Top() == nil {
		t.Errorf("the focus is on %T", h.win.Canvas().Focused())
	}
	d.path.OnSubmitted("here.nii")
	h.until("the file", func() bool { return *chosen == filepath.Join(root, "exams", "here.nii") })
}

func TestAFolderThatIsGoneBeginsAtTheNearest(t *testing.T) {
	root := folders(t, "exams/")
	_, d, _ := asking(t, picking.Question{Folder: true}, filepath.Join(root, "exams", "last", "week"), "patient")
	if d.picker.Folder() != filepath.Join(root, "exams") || d.picker.Err() != nil {
		t.Errorf("in %s, %v", d.picker.Folder(), d.picker.Err())
	}
	if !strings.Contains(d.told.Text, "Nothing is here.") {
		t.Errorf("told %q", d.told.Text)
	}
}

func TestAnUnreadableFolderIsASentenceAndLeadsOut(t *testing.T) {
	root := folders(t, "file")
	h, d, _ := asking(t, picking.Question{Folder: true}, filepath.Join(root, "file"), "") // a file cannot be listed, for root neither
	if d.picker.Err() == nil || !strings.Contains(d.told.Text, "This folder cannot be read") || !d.choose.Disabled() {
		t.Errorf("told %q, %v; Choose disabled %v", d.told.Text, d.picker.Err(), d.choose.Disabled())
	}
	h.on(fyne.KeyBackspace)
	h.listed(d)
	if d.picker.Folder() != root || d.picker.Err() != nil {
		t.Errorf("in %s, %v", d.picker.Folder(), d.picker.Err())
	}
}

func TestHiddenFoldersAreListedWhenAskedFor(t *testing.T) {
	_, d, _ := asking(t, picking.Question{Folder: true}, folders(t, ".cache/", "exams/"), "exams")
	if n := len(d.picker.Entries()); n != 1 {
		t.Errorf("%d lines", n)
	}
	d.hidden.SetChecked(true)
	if n := len(d.picker.Entries()); n != 2 || d.selected() != "exams" {
		t.Errorf("%d lines, %q is selected", n, d.selected())
	}
}

func TestANameThatIsTakenIsTold(t *testing.T) {
	root := folders(t, "there.png")
	t.Setenv("HOME", root)
	h := newHarness(t, &fakeEngine{}, Options{})
	chosen := ""
	h.askSaveName(pickPictureSave, "there", ".png", func(path string) { chosen = path })
	h.until("what is there", func() bool { return strings.Contains(h.overlayText(), "will be replaced") })
	h.on(fyne.KeyReturn)
	h.until("the answer", func() bool { return chosen != "" })
	if chosen != filepath.Join(root, "there.png") {
		t.Errorf("chosen %q", chosen)
	}

	chosen = ""
	h.askSaveName(pickPictureSave, "there", ".png", func(path string) { chosen = path })
	h.on(fyne.KeyReturn) // before the disk was asked
	h.until("the question", func() bool { return strings.Contains(h.overlayText(), "1 file is there already") })
	test.Tap(h.button("Keep them"))
	h.settle()
	if chosen != "" {
		t.Errorf("chosen %q", chosen)
	}
}

func TestPlacesAreOfferedButNotInPrivateMode(t *testing.T) {
	h := newHarness(t, &fakeEngine{}, Options{})
	h.rememberPlace(pickModelFile, filepath.Join(t.TempDir(), "models", "m.onnx"))
	h.until("the place", func() bool { return len(h.kept.places) == 1 })
	if got := h.lastFolders(); len(got) != 1 || filepath.Base(got[0]) != "models" {
		t.Errorf("offered %q", got)
	}
	if folder, name := h.startOf(pickModelFile); filepath.Base(folder) != "models" || name != "m.onnx" {
		t.Errorf("begins in %q at %q", folder, name)
	}
	h.setPrivate(true)
	if got := h.lastFolders(); got != nil {
		t.Errorf("private mode offers %q", got)
	}
}
