// Package archtest holds tests about the code base itself: which package may import which, who owns
// which library, that every package says what it is for. Nothing here is linked into the program.
package archtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"bayeslice/internal/testenv"
)

const module = "bayeslice"

// height is the layer of each package: a package imports only packages of a lower height. A package
// that is not in the table fails the test, so that adding one is a decision.
var height = map[string]int{
	"":                                 14, // main
	"app":                              13, // wires engines and window together
	"viewer":                           11, // Fyne
	"internal/cli":                     12, // headless commands
	"internal/study":                   11, // tasks × losses × runs × folds, trained, evaluated, reported
	"viewer/viewstate/explore":         10, // exploring calibration
	"viewer/viewstate/edit":            10, // editing contours
	"viewer/viewstate/exporting":       10, // what leaves the program
	"viewer/viewstate/picking":         10, // the choice of a file or folder
	"viewer/viewstate/compare":         10, // contours against a reference
	"viewer/viewstate/queue":           10, // what to look at next
	"viewer/viewstate/reading":         10, // measuring and reading
	"viewer/viewstate":                 9,  // the window's state, without a toolkit
	"internal/calibrate":               9,  // do probabilities mean what they say
	"internal/report":                  9,  // result folders and panels
	"internal/resultfile":              9,  // predictions, kept on the disk
	"internal/report/paper":            0,  // one page as PDF and picture
	"internal/report/paper/papertest":  0,  // reads PDF back in tests
	"internal/models":                  9,  // model files on ONNX Runtime
	"internal/devices":                 5,  // which device runs a graph
	"internal/devices/devicestest":     6,  // made-up devices, for tests
	"internal/settings":                3,  // what is kept between sessions
	"internal/keymap":                  3,  // which key means which command
	"internal/about":                   1,  // version and licences
	"internal/recent":                  5,  // the exams opened last
	"internal/session":                 3,  // everything open, as one file
	"internal/jsonfile":                2,  // versioned JSON files
	"inference":                        8,  // sampling
	"training":                         7,  // the paper's recipe
	"training/augment":                 8,  // random changes of examples
	"training/dataset":                 9,  // exams with masks, prepared and dealt out to folds
	"training/synth":                   9,  // randomised phantoms to learn from
	"training/step":                    8,  // a whole training step as one graph
	"training/cohort":                  10, // the data that a user chose for a run
	"training/trainer":                 10, // whole runs
	"training/fold":                    9,  // a trained network, measured on what it did not learn from
	"training/loss":                    4,
	"training/optim":                   0,
	"training/schedule":                0,
	"internal/nets":                    7, // the paper's network
	"internal/evaluate":                7, // a cohort of predictions, measured and reported
	"internal/evaluate/chart":          0, // figures as vector graphics
	"internal/study/findings":          8, // do the paper's findings repeat
	"internal/modelcard":               6,
	"internal/annotate":                7, // drawing and correcting contours
	"internal/prep":                    5,
	"internal/exam":                    4,
	"internal/phantom":                 4,
	"render":                           4,
	"internal/ort":                     4,
	"internal/onnx/rewrite":            4,
	"internal/onnx/autodiff":           4,
	"internal/onnx/probe":              4,
	"internal/onnx/ref":                4,
	"internal/onnx/graphtest":          5, // what tests of graphs share
	"internal/onnx/graph":              3,
	"internal/imageio/dicom":           1,
	"internal/imageio/dicomcode":       0, // what codes of the prostate mean
	"internal/dicomweb":                2, // sends to, finds on and fetches from a server
	"internal/imageio/dicomseg":        2, // DICOM segmentations
	"internal/imageio/rtstruct":        2, // DICOM structure sets
	"internal/imageio/dicomout":        3,
	"internal/imageio":                 3,
	"internal/imageio/dicom/dicomtest": 0, // made-up images for tests
	"internal/imageio/nifti":           2,
	"internal/metrics":                 2, // how good predictions are
	"internal/compare":                 3, // two segmentations of one exam
	"internal/review":                  2, // where a segmentation is expected to be wrong
	"internal/cluster":                 3, // a study on Slurm or Kubernetes
	"internal/cluster/slurmtest":       1, // a real Slurm under test
	"internal/worklist":                5, // a folder of exams, ranked
	"internal/worklist/predict":        9, // its exams sampled by a network
	"internal/measure":                 2, // what readers measure
	"internal/sectors":                 2, // places in the gland
	"internal/align":                   2, // T2W against diffusion
	"internal/findings":                3, // candidates in a reader's words
	"internal/imageio/codec":           1,
	"internal/imageio/metaimage":       2,
	"internal/imageio/nrrd":            2,
	"internal/imageio/dicom/jpegls":    0, // JPEG-LS
	"internal/imageio/dicom/openjpeg":  0, // JPEG 2000 in a sandbox
	"internal/onnx/pb":                 2,
	"internal/volume":                  1,
	"internal/ort/fetch":               1,
	"internal/geom":                    0,
	"internal/seed":                    0, // random streams
	"internal/scratch":                 0, // temporary folders
	"internal/syserr":                  0, // what operating systems refuse
	"internal/privacytest":             1, // whom files name, who connects, for tests
	"internal/fuzztest":                0, // JSON changed by fuzzed bytes, for tests
	"internal/soaktest":                1, // what a process holds, for tests
	"internal/tensor":                  0,
	"internal/testenv":                 0,
	"internal/machine":                 0, // how much memory there is
	"internal/uitest":                  1, // the real window under test
	"internal/colorvision":             0, // how colours look, for tests
	"internal/locale":                  0, // before Fyne looks at the locale
	"internal/lang":                    0, // texts in the user's language
	"resources":                        0,
}

// owners says which packages may import a library directly, and why nobody else does.
var owners = []struct {
	library string
	by      []string
	why     string
}{
	{"github.com/yalue/onnxruntime_go", []string{"internal/ort"}, "native lifetimes and cancellation stay in one place"},
	{"github.com/suyashkumar/dicom", []string{"internal/imageio/dicom", "internal/imageio/dicomout"}, "everything else sees volumes"},
	{"github.com/tetratelabs/wazero", []string{"internal/imageio/dicom/openjpeg"}, "one package runs sandboxed decoders"},
	{"github.com/sqweek/dialog", []string{"viewer"}, "native dialogs belong to the window"},
	{"github.com/go-gl/glfw/", []string{"render", "app"}, "one package draws; the application asks how large the screen is"},
	{"github.com/go-gl/", []string{"render"}, "one package draws"},
	{"fyne.io/fyne/v2/app", []string{"app"}, "it links the window driver"},
	{"fyne.io/", []string{"app", "viewer"}, "engines run headless"},
	{"gonum.org/v1/plot", []string{"internal/evaluate/chart"}, "one package draws figures"},
	{"codeberg.org/go-pdf/fpdf", []string{"internal/report/paper"}, "one package sets pages"},
	{"github.com/BurntSushi/toml", []string{"internal/study", "internal/about"}, "one package reads study files, one FyneApp.toml"},
	{"net/http", []string{"internal/dicomweb"}, "nothing else reaches the network"},
	{"github.com/spf13/cobra", []string{"internal/cli", "scripts/dist"}, "flags belong to the command line, its manual to packages"},
	{"sigs.k8s.io/yaml", []string{"internal/cluster"}, "one package writes manifests"},
	{"google.golang.org/protobuf", []string{"internal/onnx/pb"}, "the wire format stays in one place"},
}

// windowed are the packages that may reach Fyne through their dependencies.
var windowed = map[string]bool{"": true, "app": true, "viewer": true}

type goPackage struct {
	ImportPath  string
	Dir         string
	Imports     []string
	TestImports []string
	Deps        []string
	GoFiles     []string
	CgoFiles    []string
}

// packages lists the module's packages with `go list`.
func packages(t *testing.T) []goPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Dir,Imports,TestImports,Deps,GoFiles,CgoFiles", "./...")
	cmd.Dir = testenv.Root()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var all []goPackage
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// local returns the path of a package inside the module; ok is false for other modules.
func local(importPath string) (path string, ok bool) {
	if importPath == module {
		return "", true
	}
	return strings.CutPrefix(importPath, module+"/")
}

// layerBreaks returns a line for every import that does not go down.
func layerBreaks(pkgs []goPackage, height map[string]int) []string {
	var breaks []string
	for _, p := range pkgs {
		from, _ := local(p.ImportPath)
		if strings.Contains(from, "/cmd/") || strings.HasPrefix(from, "scripts/") || len(p.GoFiles)+len(p.CgoFiles) == 0 {
			continue // small commands beside an engine may use it; test-only packages have no layer
		}
		h, known := height[from]
		if !known {
			breaks = append(breaks, from+" has no layer: add it to the table and to docs/architecture.md")
			continue
		}
		for _, i := range p.Imports {
			if to, ok := local(i); ok && height[to] >= h {
				breaks = append(breaks, from+" imports "+to+", which is not below it")
			}
		}
	}
	return breaks
}

func TestImportsGoDown(t *testing.T) {
	for _, b := range layerBreaks(packages(t), height) {
		t.Error(b)
	}
}

func TestLayerCheckCanFail(t *testing.T) {
	planted := []goPackage{{ImportPath: module + "/inference", GoFiles: []string{"x.go"}, Imports: []string{module + "/viewer"}}}
	if len(layerBreaks(planted, height)) != 1 {
		t.Error("an engine that imports the window was not reported")
	}
}

func TestLibrariesHaveOneOwner(t *testing.T) {
	for _, p := range packages(t) {
		from, _ := local(p.ImportPath)
		for _, i := range p.Imports {
			for _, o := range owners {
				if strings.HasPrefix(i, o.library) {
					if !contains(o.by, from) {
						t.Errorf("%q imports %s; only %v may: %s", from, i, o.by, o.why)
					}
					break
				}
			}
		}
	}
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}

func TestEnginesAreHeadless(t *testing.T) {
	for _, p := range packages(t) {
		from, _ := local(p.ImportPath)
		for _, d := range p.Deps {
			if strings.HasPrefix(d, "fyne.io/") && !windowed[from] {
				t.Errorf("%s depends on %s", from, d)
				break
			}
		}
	}
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	for _, p := range packages(t) {
		documented := 0
		for _, f := range append(p.GoFiles, p.CgoFiles...) {
			file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, f), nil, parser.PackageClauseOnly|parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			if file.Doc != nil {
				documented++
			}
		}
		if documented != 1 && len(p.GoFiles)+len(p.CgoFiles) > 0 {
			t.Errorf("%s has %d package comments, want 1", p.ImportPath, documented)
		}
	}
}

func TestOnlyTheWindowCrossesToTheUIGoroutine(t *testing.T) {
	for _, p := range packages(t) {
		from, _ := local(p.ImportPath)
		if windowed[from] {
			continue
		}
		for _, f := range p.GoFiles {
			file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, f), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok {
					if x, ok := s.X.(*ast.Ident); ok && x.Name == "fyne" && strings.HasPrefix(s.Sel.Name, "Do") {
						t.Errorf("%s/%s calls fyne.%s", from, f, s.Sel.Name)
					}
				}
				return true
			})
		}
	}
}

func TestGoModPinsWithoutReplacing(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(testenv.Root(), "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(text, []byte("\nreplace")) {
		t.Error("go.mod replaces a module")
	}
}
