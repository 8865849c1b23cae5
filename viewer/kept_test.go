package viewer

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"

	"bayeslice/internal/exam"
	"bayeslice/internal/keymap"
	"bayeslice/internal/lang"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/settings"
	"bayeslice/viewer/viewstate"
)

// keeping returns a harness that keeps things in a folder; accepted says that the research-use text was.
func keeping(t *testing.T, dir string, f *fakeEngine, accepted bool) (*harness, *settings.Store) {
	t.Helper()
	store, err := settings.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if accepted {
		store.Acknowledged = researchVersion
	}
	return newHarness(t, f, Options{Settings: store}), store
}

// quiet waits until workers have nothing to do, and what they handed over is done.
func (h *harness) quiet() {
	h.t.Helper()
	for {
		h.work.Wait() // they hand over without waiting
		select {
		case f := <-h.queue:
			f()
		default:
			return
		}
	}
}

// examPlace makes a place that exists to open an exam from.
func examPlace(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "Doe_John")
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTheResearchTextIsAcceptedOnce(t *testing.T) {
	dir := t.TempDir()
	h, store := keeping(t, dir, &fakeEngine{}, false)
	if text := h.overlayText(); !strings.Contains(text, "not a medical device") || !strings.Contains(text, "I understand") {
		t.Fatalf("the first start shows %q", text)
	}
	test.Tap(buttonIn(t, h.win.Canvas().Overlays().Top(), "I understand"))
	h.quiet()
	if h.overlayText() != "" || store.Acknowledged != researchVersion {
		t.Errorf("%q, %d", h.overlayText(), store.Acknowledged)
	}
	again, _ := keeping(t, dir, &fakeEngine{}, false)
	if text := again.overlayText(); text != "" {
		t.Errorf("the second start shows %q", text)
	}
}

func TestRecentExamsAreListedAndHiddenInPrivateMode(t *testing.T) {
	dir, place := t.TempDir(), examPlace(t)
	f := &fakeEngine{}
	h, _ := keeping(t, dir, f, true)
	h.Open(place)
	h.until("the opening", func() bool { return h.state.Exam() != nil && h.opening == nil })
	h.quiet()
	next, _ := keeping(t, dir, &fakeEngine{}, true)
	next.quiet()
	if text := texts(next.welcome.content); !strings.Contains(text, "Doe_John · T2W/ADC/DWI") {
		t.Errorf("the start page has %q", text)
	}
	next.command(viewstate.HideIdentity)
	next.quiet()
	if text := texts(next.welcome.content); strings.Contains(text, "Doe") || !strings.Contains(text, "Study KEY · T2W/ADC/DWI") {
		t.Errorf("in private mode the start page has %q", text)
	}
	if err := os.Remove(place); err != nil {
		t.Fatal(err)
	}
	next.showRecents()
	next.until("the exam is missed", func() bool { return strings.Contains(texts(next.welcome.content), "not found") })
	next.openRecent(next.kept.entries[0])
	next.until("it is said", func() bool { return strings.Contains(next.overlayText(), "not where it was") })
	if strings.Contains(next.overlayText(), "Doe") {
		t.Error("the path is shown in private mode")
	}
	test.Tap(buttonIn(t, next.win.Canvas().Overlays().Top(), "Take off the list"))
	next.until("the list is empty", func() bool { return len(next.kept.entries) == 0 })
}

func TestThePrivacyKeyClearsTitleOverlaysListsAndFileDialogs(t *testing.T) {
	f := &fakeEngine{}
	f.open = func(context.Context, string, string) (*exam.Exam, error) {
		e := *testExam(f.t)
		e.Name, e.Identity = "Doe_John", exam.Identity{PatientName: "Doe^John", PatientID: "4711", BirthDate: "19500101"}
		return &e, nil
	}
	h, _ := keeping(t, t.TempDir(), f, true)
	h.Open(examPlace(t))
	h.until("the opening", func() bool { return h.state.Exam() != nil && h.opening == nil })
	h.settle()
	named := func() string { return h.win.Title() + "\n" + texts(h.win.Content()) + "\n" + h.overlayText() }
	if text := named(); !strings.Contains(text, "Doe John · 4711 · 1950-01-01") || !strings.Contains(h.win.Title(), "Doe John") {
		t.Errorf("the patient is not named:\n%s", text)
	}
	h.pickPathInWindow(pickFolder, func(string) {})
	if h.files == nil {
		t.Fatal("no dialog lists files")
	}
	h.command(viewstate.HideIdentity)
	h.settle()
	for _, secret := range []string{"Doe", "4711", "1950"} {
		if text := named(); strings.Contains(text, secret) {
			t.Errorf("%s is shown:\n%s", secret, text)
		}
	}
	if h.files != nil || h.overlayText() != "" {
		t.Error("the dialog that lists files is open")
	}
	h.showError("Title", os.ErrNotExist)
	if text := h.overlayText(); strings.Contains(text, "file does not exist") {
		t.Errorf("details that may name files are shown: %s", text)
	}
	h.command(viewstate.HideIdentity)
	if !strings.Contains(h.win.Title(), "Doe John") {
		t.Error("names do not come back")
	}
}

func TestKeysAreChangedAndStored(t *testing.T) {
	dir := t.TempDir()
	h, _ := keeping(t, dir, &fakeEngine{}, true)
	h.editKeys()
	e := &keysEditor{w: h.Window, keys: h.kept.keys}
	if text := e.conflictText(keymap.Any, keymap.Chord{Key: "U"}, "toggle-contours"); !strings.Contains(text, "taken from") {
		t.Errorf("a conflict is not told: %q", text)
	}
	h.kept.keys.Map().Bind(keymap.Any, keymap.Chord{Key: "U"}, "toggle-contours")
	h.state.SetKeys(viewstate.KeymapOf(h.kept.keys.Map()))
	if got := h.state.CommandFor("U", 0); got != viewstate.ToggleContours {
		t.Errorf("U means %v", got)
	}
	test.Tap(buttonIn(t, h.win.Canvas().Overlays().Top(), "Done"))
	h.quiet()
	next, _ := keeping(t, dir, &fakeEngine{}, true)
	if got := next.state.CommandFor("U", 0); got != viewstate.ToggleContours {
		t.Errorf("after a restart U means %v", got)
	}
	if next.profileText() != "Keyboard map: Bayeslice, with your changes" {
		t.Error(next.profileText())
	}
}

func TestTheCatcherTellsCharactersFromKeys(t *testing.T) {
	var got []string
	k := newKeyCatcher("", func(c keymap.Chord) { got = append(got, c.String()) })
	up := func(name fyne.KeyName) { k.KeyUp(&fyne.KeyEvent{Name: name}) }
	k.press("H", viewstate.Ctrl|viewstate.Shift)
	up("LeftShift")
	up("H")
	k.press("/", viewstate.Shift)
	k.TypedRune('?')
	up("/")
	k.press("LeftControl", viewstate.Ctrl)
	up("LeftControl")
	k.press(fyne.KeySpace, 0)
	up(fyne.KeySpace)
	k.press(fyne.KeyEscape, 0)
	up(fyne.KeyEscape)
	if strings.Join(got, " ") != "Ctrl+Shift+H ? Escape" {
		t.Error(got)
	}
}

func TestTheSheetIsSearched(t *testing.T) {
	h := newHarness(t, &fakeEngine{}, Options{})
	all, some := h.sheetLines(""), h.sheetLines("BRUSH smaller")
	if len(all) < 80 || len(some) != 1 || some[0].keys != "[" {
		t.Errorf("%d lines, then %v", len(all), some)
	}
	if len(h.sheetLines("no such thing")) != 0 {
		t.Error("nonsense was found")
	}
}

func TestPreferencesHoldAndAreStored(t *testing.T) {
	dir := t.TempDir()
	h, store := keeping(t, dir, &fakeEngine{}, true)
	scaled := float32(0)
	h.opt.SetScale = func(f float32) { scaled = f }
	h.Open(examPlace(t))
	h.until("the opening", func() bool { return h.state.Exam() != nil && h.opening == nil })
	h.quiet()
	p := newPrefsDialog(h.Window)
	p.scale.SetSelected("150 %")
	p.contrast.SetChecked(true)
	p.private.SetChecked(true)
	p.recents.SetChecked(false)
	p.samples.SetText("7")
	p.seed.SetText("many")
	if p.save(func() {}) || !strings.Contains(p.told.Text, "Seed") {
		t.Errorf("a seed that is no number was stored: %q", p.told.Text)
	}
	p.seed.SetText("9")
	if !p.save(func() {}) {
		t.Fatal(p.told.Text)
	}
	if scaled != 1.5 || colorText != highPalette.text || !h.state.Private() {
		t.Errorf("scale %g, text %v, private %v", scaled, colorText, h.state.Private())
	}
	defer setContrast(false)
	test.Tap(buttonIn(t, h.win.Canvas().Overlays().Top(), "Keep"))
	h.quiet()
	if _, err := os.Stat(store.Recents()); !os.IsNotExist(err) {
		t.Errorf("the list of recent exams is there: %v", err)
	}
	again, err := settings.Open(dir)
	if err != nil || again.UIScale() != 1.5 || !again.Private || !again.NoRecents || again.Samples != 7 || again.Seed != 9 || again.Contrast != settings.HighContrast {
		t.Errorf("%+v, %v", again, err)
	}
	if n, seed := h.Numbers(); n != 7 || seed != 9 {
		t.Error(n, seed)
	}
}

// TestALanguageIsOfferedWhereThereAreTwo holds that English alone is no choice, and that a language of the settings stays.
func TestALanguageIsOfferedWhereThereAreTwo(t *testing.T) {
	h, _ := keeping(t, t.TempDir(), &fakeEngine{}, true)
	h.kept.prefs.Language = "nl"
	p := newPrefsDialog(h.Window)
	shown := func() bool { return shows(p.form(), lang.T("Language")) }
	if shown() {
		t.Error("a choice of one language")
	}
	if !p.save(func() {}) || h.kept.prefs.Language != "nl" {
		t.Errorf("%q, language %q", p.told.Text, h.kept.prefs.Language)
	}
	p.languages = append(p.languages, lang.Choice{Tag: "nl", Name: "Nederlands"})
	p.language.Options = append(p.language.Options, "Nederlands")
	p.language.SetSelected("Nederlands")
	if !shown() {
		t.Error("no choice of two languages")
	}
	if !p.save(func() {}) || h.kept.prefs.Language != "nl" {
		t.Errorf("%q, language %q", p.told.Text, h.kept.prefs.Language)
	}
}

// shows reports whether a label with this text can be seen in o.
func shows(o fyne.CanvasObject, text string) bool {
	if !o.Visible() {
		return false
	}
	if l, ok := o.(*widget.Label); ok {
		return l.Text == text
	}
	c, ok := o.(*fyne.Container)
	return ok && slices.ContainsFunc(c.Objects, func(o fyne.CanvasObject) bool { return shows(o, text) })
}

func TestASizeWithoutAWordIsTakenBack(t *testing.T) {
	h, _ := keeping(t, t.TempDir(), &fakeEngine{}, true)
	scaled := float32(0)
	h.opt.SetScale = func(f float32) { scaled = f }
	before := h.kept.prefs
	h.kept.prefs.Scale = 200
	h.applyPrefs(before)
	test.Tap(buttonIn(t, h.win.Canvas().Overlays().Top(), "Go back"))
	if scaled != 1 || h.kept.prefs.UIScale() != 1 {
		t.Errorf("scale %g, stored %d", scaled, h.kept.prefs.Scale)
	}
	h.quiet()
}

func TestASessionIsRestoredFromItsFile(t *testing.T) {
	dir, place := t.TempDir(), examPlace(t)
	h, _ := keeping(t, dir, &fakeEngine{}, true)
	h.Open(place)
	h.until("the opening", func() bool { return h.state.Exam() != nil && h.opening == nil })
	h.command(viewstate.RunModel)
	h.until("the end", func() bool { return h.running == nil && h.state.Prediction(modelcard.Anatomy) != nil })
	h.state.SetLayout(viewstate.Contour)
	h.state.GoToSlice(0, 1)
	h.state.SetOpacity(0.3)
	path := filepath.Join(t.TempDir(), "s.bayeslice")
	h.saveSessionTo(path)
	h.quiet()
	next, _ := keeping(t, t.TempDir(), &fakeEngine{}, true)
	next.Open(path)
	next.until("the results", func() bool { return next.state.Prediction(modelcard.Diagnosis) != nil && next.running == nil })
	if l, _ := next.state.Layout(); l != viewstate.Contour || next.state.Cursor() != h.state.Cursor() || next.state.Opacity() != 0.3 {
		t.Errorf("layout %v, cursor %v, opacity %g", l, next.state.Cursor(), next.state.Opacity())
	}
	a, b := h.state.Prediction(modelcard.Anatomy), next.state.Prediction(modelcard.Anatomy)
	if a.Seed != b.Seed || a.Samples != b.Samples || a.Card.Name != b.Card.Name {
		t.Errorf("the result is of seed %d, %d samples; was %d, %d", b.Seed, b.Samples, a.Seed, a.Samples)
	}
	if next.origin.path != place {
		t.Errorf("the exam is of %q", next.origin.path)
	}
	if err := os.Rename(place, place+"_moved"); err != nil {
		t.Fatal(err)
	}
	next.OpenSession(path)
	next.until("its new place is asked for", func() bool { return strings.Contains(next.overlayText(), "not where it was") })
}

func TestASessionOfAnotherExamIsRefused(t *testing.T) {
	dir, place := t.TempDir(), examPlace(t)
	h, _ := keeping(t, dir, &fakeEngine{}, true)
	h.Open(place)
	h.until("the opening", func() bool { return h.state.Exam() != nil && h.opening == nil })
	path := filepath.Join(t.TempDir(), "s.bayeslice")
	h.saveSessionTo(path)
	h.quiet()
	f := &fakeEngine{}
	f.open = func(context.Context, string, string) (*exam.Exam, error) {
		e := *testExam(f.t)
		e.Key = "other"
		return &e, nil
	}
	next, _ := keeping(t, t.TempDir(), f, true)
	next.OpenSession(path)
	next.until("it is refused", func() bool { return strings.Contains(next.overlayText(), "another exam") })
	if next.state.Exam() != nil {
		t.Error("the other exam is shown")
	}
	if err := os.WriteFile(path, []byte(`{"version":99}`), 0o600); err != nil {
		t.Fatal(err)
	}
	h.OpenSession(path)
	h.until("a newer one is refused", func() bool { return strings.Contains(h.overlayText(), "update the program") })
}

func TestWhatWasOpenIsOfferedAtTheNextStart(t *testing.T) {
	dir, place := t.TempDir(), examPlace(t)
	h, _ := keeping(t, dir, &fakeEngine{}, true)
	h.Open(place)
	h.until("the opening", func() bool { return h.state.Exam() != nil && h.opening == nil })
	h.quiet()
	h.keepLastSession()
	h.quiet()
	next, _ := keeping(t, dir, &fakeEngine{}, true)
	next.until("the offer", func() bool { return strings.Contains(texts(next.welcome.content), "Go on with Doe_John") })
	next.OpenSession(next.recents.at)
	next.until("the exam", func() bool { return next.state.Exam() != nil && next.opening == nil })
}

// buttonIn returns the button of a text below an object.
func buttonIn(t *testing.T, o fyne.CanvasObject, text string) *widget.Button {
	t.Helper()
	var found *widget.Button
	var walk func(o fyne.CanvasObject)
	walk = func(o fyne.CanvasObject) {
		if b, ok := o.(*widget.Button); ok && b.Text == text {
			found = b
		}
		if c, ok := o.(*fyne.Container); ok {
			for _, x := range c.Objects {
				walk(x)
			}
		} else if w, ok := o.(fyne.Widget); ok {
			for _, x := range test.WidgetRenderer(w).Objects() {
				walk(x)
			}
		}
	}
	if o != nil {
		walk(o)
	}
	if found == nil {
		t.Fatalf("there is no button %q", text)
	}
	return found
}

func TestTypedCharactersActOnce(t *testing.T) {
	h := newHarness(t, &fakeEngine{}, Options{})
	h.openExam()
	before := h.state.Camera(0).FieldMM
	h.views[0].TypedKey(&fyne.KeyEvent{Name: fyne.KeyPlus}) // some keyboards have a key of its own
	h.views[0].TypedRune('+')
	if got := before / h.state.Camera(0).FieldMM; got < 1.19 || got > 1.21 {
		t.Errorf("one + magnifies by %.3f", got)
	}
}

func TestNothingIsRememberedTwice(t *testing.T) {
	dir := t.TempDir()
	h, store := keeping(t, dir, &fakeEngine{}, true)
	h.Open(examPlace(t))
	h.until("the opening", func() bool { return h.state.Exam() != nil && h.opening == nil })
	h.keepLastSession()
	h.quiet()
	if err := os.Remove(store.LastSession()); err != nil {
		t.Fatal(err)
	}
	h.keepLastSession()
	h.quiet()
	if _, err := os.Stat(store.LastSession()); !os.IsNotExist(err) {
		t.Error("the same was written again")
	}
	h.state.SetOpacity(0.11)
	h.keepLastSession()
	h.quiet()
	if _, err := os.Stat(store.LastSession()); err != nil {
		t.Error("a change was not written:", err)
	}
}
