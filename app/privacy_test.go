//go:build linux

package app

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"bayeslice/internal/modelcard"
	"bayeslice/internal/phantom"
	"bayeslice/internal/privacytest"
	"bayeslice/internal/settings"
	"bayeslice/internal/testenv"
	"bayeslice/internal/uitest"
)

// childTrace is the environment variable that names a file for what strace sees of the program under test.
const childTrace = "BAYESLICE_TEST_TRACE"

// enterTrace starts the program anew under strace where [childTrace] is set; the program keeps its process. New files are
// readable by everyone as far as the program lets them, as most systems have it. It returns where there is nothing to do, or
// it fails.
func enterTrace() error {
	trace := os.Getenv(childTrace)
	if trace == "" {
		return nil
	}
	syscall.Umask(0o022)
	strace, err := exec.LookPath("strace")
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if err := os.Unsetenv(childTrace); err != nil {
		return err
	}
	return syscall.Exec(strace, append([]string{"strace", "-D"}, privacytest.Strace(trace, self)...), os.Environ())
}

// TestWindowIsOfflineAndDiscreet works on an exam full of names, in the real window: open, run, draw, export, save the session,
// end. No connection is made but to the display and services of this machine, private mode names nobody to the window
// manager either, and what is left behind names the patient only where docs/privacy.md says so.
func TestWindowIsOfflineAndDiscreet(t *testing.T) {
	needRuntime(t)
	if testing.Short() {
		t.Skip("a window takes half a minute")
	}
	privacytest.NeedStrace(t)
	if _, err := exec.LookPath("xprop"); err != nil {
		testenv.SkipOrFail(t, "display", "xprop is not installed, so that nobody sees what the window manager is told (make setup-test)")
	}
	root, trace := t.TempDir(), filepath.Join(t.TempDir(), "trace")
	left := func(name string) string { return filepath.Join(root, name) }
	for _, name := range []string{"home", "tmp"} {
		if err := os.Mkdir(left(name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	s := uitest.Start(t, 1280, 800)
	models := []string{tinyModel(t, modelcard.Anatomy, "FL"), tinyModel(t, modelcard.Diagnosis, "FL")}
	p := launch(t, s, Options{Exam: identified(t), Config: left("config"), Models: models, Samples: 3}, childTrace+"="+trace, "HOME="+left("home"),
		"XDG_CONFIG_HOME="+left("home/config"), "XDG_CACHE_HOME="+left("home/cache"), "TMPDIR="+left("tmp"))
	p.Press("I understand")
	tree := p.Until("the exam", func(tree *uitest.Tree) bool { return len(viewports(tree)) > 2 && strings.Contains(tree.Texts(), "T2W") })
	if told := windowProperties(t, s); !strings.Contains(told, "QZSURNAME") || !strings.Contains(tree.Texts(), "QZSURNAME") {
		t.Errorf("the window names nobody at all, so that private mode cannot be judged:\n%s", told)
	}
	p.Key("ctrl+shift+h")
	p.Until("no names", func(tree *uitest.Tree) bool { return len(marksIn(tree.Texts())) == 0 })
	if told := marksIn(windowProperties(t, s)); len(told) > 0 {
		t.Errorf("in private mode the window manager is told %q", told)
	}
	p.Press("Run")
	awaitRun(p)
	p.Key("F6", "b")
	p.SeeText("EDIT PZ")
	view := viewports(p.Tree())[0].Box
	p.Drag(uitest.Left, "", view.At(0.35, 0.5), view.At(0.6, 0.5))
	p.Until("a stroke", func(tree *uitest.Tree) bool { return len(tree.Match("", "^Last step: Brush")) > 0 })
	p.Key("ctrl+e")
	p.Press("Choose …")
	chooseHome(p)
	p.PressLast("Export")
	p.Within(2*time.Minute, "the written files", func(tree *uitest.Tree) bool { return len(tree.Find("Button", "Show folder")) > 0 })
	if told := marksIn(p.Tree().Texts()); len(told) > 0 {
		t.Errorf("in private mode the window shows %q", told)
	}
	p.Press("Close")
	p.Key("ctrl+q")
	p.SeeText("Save the contours?")
	p.Press("Close, keep for later")
	p.End()

	checkSockets(t, trace)
	checkLeft(t, root, []string{
		`config/(recent|last-session)\.json: (QZFOLDER|2003-05)`, // settings.md: paths of exams, months of studies
	})
	open, err := privacytest.Exposed(left("config"))
	if err != nil || len(open) > 0 {
		t.Errorf("others may read %q, %v", open, err)
	}
	if tmp, err := os.ReadDir(left("tmp")); err != nil || len(tmp) > 0 {
		t.Errorf("temporary files stay: %v, %v", tmp, err)
	}
}

// Where the user wants no traces there are none, neither of the exam's place nor of its month.
func TestNoTracesWhereNoneAreWanted(t *testing.T) {
	if testing.Short() {
		t.Skip("a window takes half a minute")
	}
	root := t.TempDir()
	store, err := settings.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	store.NoRecents, store.Private = true, true
	if err := store.Save(); err != nil {
		t.Fatal(err)
	}
	s := uitest.Start(t, 1280, 800)
	p := launch(t, s, Options{Exam: identified(t), Config: root}, "HOME="+root, "XDG_CONFIG_HOME="+root, "XDG_CACHE_HOME="+root)
	p.Press("I understand")
	tree := p.Until("the exam", func(tree *uitest.Tree) bool { return len(viewports(tree)) > 2 && strings.Contains(tree.Texts(), "T2W") })
	if told := append(marksIn(tree.Texts()), marksIn(windowProperties(t, s))...); len(told) > 0 {
		t.Errorf("private from the start, and the window tells %q", told)
	}
	p.Key("ctrl+q")
	p.End()
	checkLeft(t, root, nil)
}

// identified writes an exam full of names and returns its folder.
func identified(t *testing.T) string {
	t.Helper()
	made, err := phantom.Generate(t.Context(), smallPhantom())
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), privacytest.Folder)
	if err := errors.Join(made.WriteDICOM(t.Context(), dir), privacytest.Identify(dir, "A")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// marksIn lists the marks of [privacytest.Marks] in a text that do not merely describe a series.
func marksIn(text string) []string {
	return slices.DeleteFunc(privacytest.Marks(), func(m string) bool { return !strings.Contains(text, m) || m == "QZSERIESTEXT" })
}

// windowProperties returns everything that the window tells other programs about itself.
func windowProperties(t *testing.T, s *uitest.Screen) string {
	t.Helper()
	find := exec.Command("xdotool", "search", "--onlyvisible", "--class", ".")
	find.Env = s.Environ()
	ids, err := find.Output()
	if err != nil {
		t.Fatal(err)
	}
	var told strings.Builder
	for _, id := range strings.Fields(string(ids)) {
		show := exec.Command("xprop", "-id", id)
		show.Env = s.Environ()
		text, err := show.Output()
		if err != nil {
			t.Fatal(err)
		}
		told.Write(text)
	}
	return told.String()
}

// checkSockets asks that nothing but this machine was connected, when strace has written everything.
func checkSockets(t *testing.T, trace string) {
	t.Helper()
	for size := int64(-1); ; time.Sleep(500 * time.Millisecond) {
		info, err := os.Stat(trace)
		if err != nil {
			t.Fatal(err)
		}
		if info.Size() == size {
			break
		}
		size = info.Size()
	}
	families, foreign, err := privacytest.Families(trace)
	if err != nil || !slices.Contains(families, "AF_UNIX") {
		t.Fatalf("strace saw no display: %q, %v", families, err)
	}
	t.Logf("sockets: %q", families)
	if len(foreign) > 0 {
		t.Errorf("the window reaches for the network:\n%s", strings.Join(foreign, "\n"))
	}
}

// checkLeft asks that nothing below a folder names the patient but what the expressions allow.
func checkLeft(t *testing.T, root string, allowed []string) {
	t.Helper()
	found, err := privacytest.Search(root, privacytest.Marks())
	if err != nil {
		t.Fatal(err)
	}
	may := regexp.MustCompile("^(?:" + strings.Join(append(allowed, "$"), "|") + ")$")
	for _, hit := range found {
		if !may.MatchString(hit) {
			t.Errorf("the patient is named: %s", hit)
		}
	}
}
