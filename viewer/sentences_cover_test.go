package viewer

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"testing"

	"bayeslice/internal/testenv"
)

// headless are errors that the window cannot meet, and why.
var headless = map[string]string{
	"ort": "the application turns them into ErrRuntime and ErrRun", "fetch": "the application turns them into ErrRuntime",
	"models": "the application lists models by name", "pb": "wrapped in inference.ErrModel", "graph": "wrapped in inference.ErrModel",
	"nets": "networks are made by training", "trainer": "turned into ErrTrainingRun, ErrCheckpoint and ErrDiverged", "cohort": "turned into ErrTrainingData",
	"dataset": "turned into ErrTrainingData", "synth": "turned into ErrTrainingRun", "loss": "turned into ErrTrainingRun", "step": "turned into ErrTrainingRun",
	"optim": "of the trainer alone", "ref": "of tests alone", "dicom": "wrapped in exam.ErrUnreadable", "rtstruct": "wrapped in report.ErrVerify", "dicomweb": "a command", "dicomseg.ErrNotSegmentation": "known as imageio.ErrUnsupported",
	"phantom": "the demo has settings of its own", "codec": "known as imageio's", "evaluate": "a command", "chart": "of the command evaluate", "testenv": "of tests",
	"about":            "embedded texts, a fault of the build; a test reads them all",
	"render.ErrDevice": "the window draws on the CPU then", "render.ErrVolumeSize": "the window draws on the CPU then", "render.ErrClosed": "the window is closing",
	"study": "a command", "cluster": "of the command study",
	"jpegls": "wrapped by readers", "openjpeg": "wrapped by readers",
	"geom.ErrGrid": "wrapped by readers", "volume.ErrGeometry": "wrapped by readers",
	"metrics.ErrInput": "wrapped by compare and calibrate", "metrics.ErrUndefined": "figures that do not exist are shown as such",
	"paper.ErrPage":      "wrapped in report.ErrPage or of a fault",
	"measure.ErrMeasure": "the tools say it beside the image", "sectors.ErrGland": "candidates are listed without a place then",
	"annotate.ErrBusy": "the editor says it", "annotate.ErrStale": "the editor says it", "annotate.ErrNothing": "the editor says it",
}

// told lists the errors that the table of sentences names in the source.
func told(t *testing.T) map[string]bool {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "sentences.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	ast.Inspect(f, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if pkg, ok := s.X.(*ast.Ident); ok {
				out[pkg.Name+"."+s.Sel.Name] = true
			}
		}
		return true
	})
	return out
}

// A new error of an engine has a sentence here, or a reason why the window cannot meet it.
func TestEveryErrorThatTheWindowMeetsHasASentence(t *testing.T) {
	table := told(t)
	for _, name := range testenv.Sentinels(t) {
		pkg, _, _ := strings.Cut(name, ".")
		if !table[name] && headless[name] == "" && headless[pkg] == "" {
			t.Errorf("%s has no row in sentences.go", name)
		}
		if table[name] && headless[name] != "" {
			t.Errorf("%s has a sentence, and a reason for none", name)
		}
	}
}
