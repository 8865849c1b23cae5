package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	"bayeslice/internal/imageio"
	"bayeslice/internal/imageio/dicom"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/models"
	"bayeslice/internal/nets"
	"bayeslice/internal/ort"
	"bayeslice/internal/phantom"
	"bayeslice/internal/prep"
	"bayeslice/internal/report"
	"bayeslice/internal/testenv"
)

// version is what the program under test calls itself.
const version = "0.0.0-test"

// TestMain lets scripts run the program as bayeslice.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"bayeslice": func() {
		ctx, abort, release := Signals(context.Background())
		bundled := models.NewLibrary(fstest.MapFS{}) // what a script says, not what this build embeds
		if dir := os.Getenv("BUNDLED"); dir != "" {
			bundled = models.NewLibrary(os.DirFS(dir))
		}
		code := Execute(ctx, Options{Args: os.Args[1:], Out: os.Stdout, Err: os.Stderr, Version: version, Abort: abort.Done(), Models: bundled})
		release()
		os.Exit(code)
	}})
}

func TestScripts(t *testing.T) {
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	shared := t.TempDir() // of generated anatomies, which scripts need not draw each for itself
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("TESTCACHE", cache)
			e.Setenv("ORTLIBRARY", runtimeLibrary())
			e.Setenv("SHAREDCACHE", shared)
			e.Setenv("XDG_CONFIG_HOME", filepath.Join(e.WorkDir, "config"))
			if os.Getenv(ort.EnvLibrary) != "" {
				e.Setenv(ort.EnvLibrary, os.Getenv(ort.EnvLibrary))
			}
			e.Setenv("XDG_CACHE_HOME", cache)
			return nil
		},
		Condition: func(cond string) (bool, error) {
			switch cond {
			case "ort":
				return ortReason() == "", nil
			case "tmpfs":
				return canMount(), nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
		Cmds: withTraining(map[string]func(*testscript.TestScript, bool, []string){
			"tinymodel": tinyModel, "smallexam": smallExam, "truncate": truncate, "interrupt": interrupt, "waitfor": waitFor, "damage": damageModel, "choose": choose,
		}),
	})
}

// The scripts skip what needs ONNX Runtime; this says so, or fails where it is required.
func TestRuntimeIsThere(t *testing.T) {
	if reason := ortReason(); reason != "" {
		testenv.SkipOrFail(t, "ort", "inference is not tested here: "+reason)
	}
}

func ortReason() string {
	if _, err := ort.Open(ort.Options{}); err != nil {
		return err.Error()
	}
	return ""
}

func canMount() bool {
	dir, err := os.MkdirTemp("", "bayeslice-mount-*")
	if err != nil {
		return false
	}
	defer os.RemoveAll(dir)
	return exec.Command("unshare", "-rm", "sh", "-c", "mount -t tmpfs -o size=64k none "+dir).Run() == nil
}

// tinyModel TASK FILE [LOSS] writes a network small enough for a test: 4 to 8 filters on 32 × 32 × 8
// voxels. With a loss its card says that it was trained on phantoms.
func tinyModel(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: tinymodel TASK FILE [LOSS]")
	}
	task := modelcard.Task(args[0])
	c := nets.PaperM1(task)
	c.Size = [3]int{8, 32, 32}
	c.Filters = [nets.Levels]int{4, 4, 8, 8, 8}
	c.Reduction, c.Latent, c.Head = 2, 4, [2]int{4, 4}
	recipe := prep.PaperRecipe(task == modelcard.Diagnosis)
	recipe.Size, recipe.SpacingMM = [3]int{32, 32, 8}, [3]float64{2, 2, 6}
	weights, err := nets.Init(c, 1)
	ts.Check(err)
	card := modelcard.Card{Name: "tiny", Recipe: recipe, WeightSeed: 1, IntendedUse: "tests", Program: "test"}
	if len(args) == 2 {
		ts.Check(nets.WriteModel(ts.MkAbs(args[1]), c, weights, card))
		return
	}
	card.Name, card.Loss, card.Alpha, card.Gamma = "tiny "+args[2], args[2], []float64{0.25, 0.75}, 2
	card.Training = &modelcard.TrainingFacts{Beta: 0.5, DataSeed: 11, NoiseSeed: 12, Steps: 300, Batch: 2, LearningRate: 1e-4, LearningRateTo: 1e-7,
		Program: "Bayeslice test", Runtime: "ONNX Runtime 9.9", Provider: "cpu", Seconds: 3723, ValidatedOn: "24 phantoms",
		Validation: []modelcard.Score{{Name: "WG hard Dice", Value: 0.9137}}, Command: "bayeslice train --loss " + args[2],
		Data: modelcard.DataFacts{Kind: "randomised phantoms", Description: "phantoms in the manner of SynthSeg", Synthetic: true, Validation: 24, Fingerprint: strings.Repeat("5e", 32)}}
	ts.Check(models.WriteTrained(ts.MkAbs(args[1]), c, weights, card))
}

// smallExam DIR SEED writes a phantom as `bayeslice phantom` does, but of few voxels.
func smallExam(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: smallexam DIR SEED")
	}
	seed, err := strconv.ParseUint(args[1], 10, 64)
	ts.Check(err)
	made, err := phantom.Generate(context.Background(), fewVoxels(seed))
	ts.Check(err)
	ts.Check(made.WriteDICOM(context.Background(), filepath.Join(ts.MkAbs(args[0]), "exam")))
	ts.Check(made.WriteLabels(filepath.Join(ts.MkAbs(args[0]), "labels")))
}

// fewVoxels is the demonstration exam with coarse images and one lesion.
func fewVoxels(seed uint64) phantom.Config {
	cfg := phantom.DefaultConfig(seed)
	cfg.T2W = phantom.Protocol{Columns: 128, Rows: 128, Slices: 13, PixelMM: 0.8, SliceMM: 5}
	cfg.DWI = phantom.Protocol{Columns: 48, Rows: 48, Slices: 13, PixelMM: 2.5, SliceMM: 5}
	cfg.SubSamples, cfg.SubSamplesDiff, cfg.Lesions = 1, 1, 1
	return cfg
}

// choose EXAM ROLE SERIES stores a choice of series as the window does.
func choose(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: choose EXAM ROLE SERIES")
	}
	e, err := exam.Open(context.Background(), ts.MkAbs(args[0]), exam.Options{})
	ts.Check(err)
	choices, err := exam.OpenOverrides(filepath.Join(ts.Getenv("XDG_CONFIG_HOME"), "bayeslice", "series-choices.json"))
	ts.Check(err)
	ts.Check(choices.Set(e, prep.Channel{Role: args[1]}.ExamRole(), args[2]))
}

// truncate FILE SHARE keeps the first hundredths of a file.
func truncate(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: truncate FILE PERCENT")
	}
	percent, err := strconv.Atoi(args[1])
	ts.Check(err)
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Check(os.Truncate(ts.MkAbs(args[0]), info.Size()*int64(percent)/100))
}

// damage FILE OLD NEW replaces text of equal length in a file.
func damageModel(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 || len(args[1]) != len(args[2]) {
		ts.Fatalf("usage: damage FILE OLD NEW, with texts of one length")
	}
	path := ts.MkAbs(args[0])
	data, err := os.ReadFile(path)
	ts.Check(err)
	if !bytes.Contains(data, []byte(args[1])) {
		ts.Fatalf("%s does not hold %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(path, bytes.ReplaceAll(data, []byte(args[1]), []byte(args[2])), 0o600))
}

// interrupt sends Ctrl-C to the background commands.
func interrupt(ts *testscript.TestScript, _ bool, _ []string) {
	for _, c := range ts.BackgroundCmds() {
		ts.Check(c.Process.Signal(os.Interrupt))
	}
}

// waitFor FILE TEXT waits until a file holds a text.
func waitFor(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: waitfor FILE TEXT")
	}
	for range 2400 {
		if data, err := os.ReadFile(ts.MkAbs(args[0])); err == nil && strings.Contains(string(data), args[1]) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	ts.Fatalf("%s never held %q", args[0], args[1])
}

// execute runs a command line in this process.
func execute(ctx context.Context, o Options, args ...string) (code int, out, errs string) {
	var a, b bytes.Buffer
	o.Args, o.Out, o.Err, o.Version = args, &a, &b, version
	code = Execute(ctx, o)
	return code, a.String(), b.String()
}

func TestAFaultIsToldWithoutData(t *testing.T) {
	secret := "DOE^JOHN"
	code, _, errs := execute(context.Background(), Options{Window: func(context.Context, WindowRequest) error { panic(secret) }})
	if code != ExitFailure || strings.Contains(errs, secret) || !strings.Contains(errs, "fault") || !strings.Contains(errs, "Please report") {
		t.Errorf("code %d, text %q", code, errs)
	}
	code, _, errs = execute(context.Background(), Options{Window: func(context.Context, WindowRequest) error {
		var none []int
		_ = none[len(secret)]
		return nil
	}})
	if code != ExitFailure || !strings.Contains(errs, "index out of range") || !strings.Contains(errs, "cli_test.go") && !strings.Contains(errs, "TestAFaultIsToldWithoutData") {
		t.Errorf("code %d, text %q", code, errs)
	}
}

func TestTheWindowIsHandedItsFlags(t *testing.T) {
	var got WindowRequest
	o := Options{Window: func(_ context.Context, r WindowRequest) error { got = r; return nil }}
	dir := t.TempDir()
	if code, _, errs := execute(context.Background(), o, "open", dir, "--model", "a.onnx", "--device", "cuda", "--threads", "3", "--renderer", "cpu"); code != ExitOK {
		t.Fatalf("code %d: %s", code, errs)
	}
	if got.Exam != dir || len(got.Models) != 1 || got.Provider != "cuda" || got.Threads != 3 || got.Renderer != "cpu" {
		t.Errorf("window got %+v", got)
	}
	if code, _, _ := execute(context.Background(), o); code != ExitOK || got.Exam != "" {
		t.Errorf("without arguments: code %d, %+v", code, got)
	}
	if code, _, errs := execute(context.Background(), Options{}); code != ExitFailure || !strings.Contains(errs, "no window") {
		t.Errorf("without a window: code %d, %q", code, errs)
	}
}

// Every sentinel that an engine exports must have a next step, and every step must be one.
func TestEverySentinelHasANextStep(t *testing.T) {
	known := map[string]bool{}
	for _, s := range nextSteps {
		known[s.name] = true
		text := explain(fmt.Errorf("package: %w: it happened; do this", s.err))
		if remedy.MatchString(s.err.Error()) != (s.next == fromText) && remedy.MatchString(s.err.Error()) {
			t.Errorf("%s: its own text says what to do, and so does the table", s.name)
		}
		if !strings.HasPrefix(text, "bayeslice: ") || s.next != fromText && !strings.Contains(text, "What to do: "+s.next) && !shadowed(s.err) {
			t.Errorf("%s: %q", s.name, text)
		}
		if s.next != fromText && !strings.HasSuffix(s.next, ".") {
			t.Errorf("%s: the next step is no sentence: %q", s.name, s.next)
		}
	}
	aliases := map[string]string{"codec": "imageio"} // re-exported by the package users call
	elsewhere := map[string]bool{"ref": true, "optim": true, "training": true, "schedule": true, "app": true, "viewer": true, "settings": true}
	for _, name := range testenv.Sentinels(t) {
		pkg, id, _ := strings.Cut(name, ".")
		if a, ok := aliases[pkg]; ok {
			name = a + "." + id
		}
		if !known[name] && !elsewhere[pkg] {
			t.Errorf("%s has no next step in sentences.go", name)
		}
	}
}

// What people read holds no package names, one remedy, and no word cut in two.
func TestErrorsAreSentences(t *testing.T) {
	file := fs.PathError{Op: "mkdir", Path: "out", Err: syscall.ENOTDIR}
	display := errors.New("app: no display") // the window's sentinel, which this package does not import
	for want, err := range map[string]error{
		"bayeslice: Mkdir out: not a directory.\nWhat to do: A file stands where a folder is needed: choose another folder.":                                        &file,
		"bayeslice: No file was written: mkdir out: not a directory.\nWhat to do: A file stands where a folder is needed: choose another folder.":                   &report.PartialError{Err: &file},
		"bayeslice: No display: DISPLAY is not set; start the program in a graphical session, or use bayeslice infer.":                                              fmt.Errorf("%w: DISPLAY is not set; start the program in a graphical session, or use bayeslice infer", display),
		"bayeslice: Unusable settings: no configuration folder: neither $XDG_CONFIG_HOME nor $HOME are defined; set HOME or XDG_CONFIG_HOME.":                       errors.New("app: unusable settings: no configuration folder: neither $XDG_CONFIG_HOME nor $HOME are defined; set HOME or XDG_CONFIG_HOME"),
		"bayeslice: No cache folder: neither $XDG_CACHE_HOME nor $HOME are defined.\nWhat to do: Set the environment variable named above to a folder of your own.": errors.New("fetch: no cache folder: neither $XDG_CACHE_HOME nor $HOME are defined"),
		"bayeslice: x.mha: not a valid image file.\nWhat to do: Give DICOM, NIfTI or MHA files.":                                                                    fmt.Errorf("imageio: metaimage: x.mha: %w", imageio.ErrFormat),
		"bayeslice: x.nii: unusable image grid: no spacing.\nWhat to do: The file's geometry is damaged; export it again from its source.":                          fmt.Errorf("imageio: nifti: x.nii: %w: no spacing", geom.ErrGrid),
		"bayeslice: x.mha is a MetaImage inside gzip; decompress it first: not supported.":                                                                          fmt.Errorf("imageio: x.mha is a MetaImage inside gzip; decompress it first: %w", imageio.ErrUnsupported),
		"bayeslice: File is cut short, copy it again from its source.":                                                                                              dicom.ErrTruncated,
		"bayeslice: The gland's volume: 3 mL of a graph: none.\nWhat to do: Try again; if it stays, report this line and the command you ran.":                      errors.New("the gland's volume: 3 mL of a graph: none"),
	} {
		if got := explain(err); got != want {
			t.Errorf("explain(%q) =\n%s\nwant\n%s", err, got, want)
		}
	}
}

// Every package whose errors begin with its name is known to the stripping.
func TestEveryPackagePrefixIsStripped(t *testing.T) {
	found := 0
	for _, root := range []string{"internal", "inference", "render", "app", "viewer", "training"} {
		err := filepath.WalkDir(filepath.Join(testenv.Root(), root), func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err != nil || strings.HasSuffix(f.Name.Name, "test") {
				return err
			}
			ast.Inspect(f, func(n ast.Node) bool {
				lit, ok := n.(*ast.BasicLit)
				if !ok || lit.Kind != token.STRING || !strings.HasPrefix(lit.Value, `"`+f.Name.Name+`: `) {
					return true
				}
				found++
				if got := sentence(errors.New(f.Name.Name + ": it happened")); got != "It happened." {
					t.Errorf("%s: sentence = %q", path, got)
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if found < 50 {
		t.Fatalf("only %d error texts were found", found)
	}
}

// shadowed reports whether an earlier entry of the table answers for the error.
func shadowed(err error) bool {
	for _, s := range nextSteps {
		if errors.Is(err, s.err) {
			return !errors.Is(s.err, err)
		}
	}
	return false
}

func TestAnUnusableSeriesSaysWhy(t *testing.T) {
	e := &exam.Exam{Name: "Study", Series: []*exam.Series{{ID: "5", Images: 3, Problem: "Slice 2 is missing."}, {ID: "6", Images: 1}}}
	var out bytes.Buffer
	s := &session{Options: Options{Out: &out}}
	v := newExamView(e)
	if err := s.printExam(v); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"5 cannot be used: Slice 2 is missing.", "6 cannot be used: The images form no volume.", "unusable"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "0×0×0") || strings.Contains(out.String(), "0.0°") || v.Series[0].Problem == "" {
		t.Errorf("a grid is invented:\n%s", out.String())
	}
}

func TestWrongFlagsExitAsUsage(t *testing.T) {
	for _, args := range [][]string{
		{"doctor", "--threads", "-3"}, {"doctor", "--threads", "100000"}, {"doctor", "--device", "foo"}, {"open", ".", "--renderer", "foo"},
		{"infer"}, {"demo", "x"}, {"infer", "x", "--samples", "1e9"}, {"infer", "x", "--nonsense"}, {"nonsense"},
	} {
		code, out, errs := execute(context.Background(), Options{}, args...)
		if code != ExitUsage || out != "" || !strings.HasPrefix(errs, "bayeslice: ") || strings.Contains(errs, "strconv") || strings.Contains(errs, "arg(s)") {
			t.Errorf("%q: code %d, %q, %q", args, code, out, errs)
		}
	}
}

func TestPlainMeterSpeaksNowAndThen(t *testing.T) {
	var out bytes.Buffer
	m := newMeter(&out, "sampling")
	for i := range 101 {
		m.set(i, 100, "")
	}
	m.close()
	if lines := strings.Count(out.String(), "\n"); lines < 4 || lines > 8 || !strings.Contains(out.String(), "100 of 100") {
		t.Errorf("%d lines:\n%s", lines, out.String())
	}
}

func TestParseCentre(t *testing.T) {
	if v, err := parseCentre(" 1.5, -2,3e1"); err != nil || *v != [3]float64{1.5, -2, 30} {
		t.Errorf("parseCentre = %v, %v", v, err)
	}
	for _, bad := range []string{"1,2", "1,2,x", "1,2,3,4", "NaN,0,0", "inf,0,0"} {
		if _, err := parseCentre(bad); !errors.Is(err, errUsage) {
			t.Errorf("parseCentre(%q) = %v, want a usage error", bad, err)
		}
	}
}

func TestWritingOutlivesTheFirstInterruptAlone(t *testing.T) {
	stop, cancel := context.WithCancel(context.Background())
	abort := make(chan struct{})
	s := &session{Options: Options{Abort: abort}}
	writing, done := s.untilAbort(stop)
	defer done()
	cancel()
	if writing.Err() != nil {
		t.Fatal("the first interrupt stopped the writing")
	}
	close(abort)
	select {
	case <-writing.Done():
	case <-time.After(5 * time.Second):
		t.Fatal("the second interrupt did nothing")
	}
}
