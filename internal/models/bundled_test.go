package models

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"bayeslice/internal/modelcard"
	"bayeslice/internal/nets"
	"bayeslice/internal/testenv"
)

// mostBundledMB bounds the bundled models together, so that the program stays small.
const mostBundledMB = 40

// TestEveryBundledModelIsWhatItsNameSays reads each as before it is run. It holds for an empty library too.
func TestEveryBundledModelIsWhatItsNameSays(t *testing.T) {
	list, err := BuiltIn().List()
	if err != nil {
		t.Fatal(err)
	}
	total := int64(0)
	for _, b := range list {
		total += b.Bytes
		f, err := BuiltIn().Read(b.Name)
		if err != nil {
			t.Errorf("%s: %v", b.Name, err)
			continue
		}
		c := f.Card
		if want := string(c.Task) + "-" + strings.ToLower(c.Loss); b.Name != want {
			t.Errorf("%s is a model of task %s and loss %s: it should be named %s", b.Name, c.Task, c.Loss, want)
		}
		if c.State() != modelcard.SyntheticOnly || c.Storage != modelcard.Float16 {
			t.Errorf("%s: state %d, stored as %q; bundled models are trained on generated data alone and stored as float16", b.Name, c.State(), c.Storage)
		}
		if !strings.Contains(c.IntendedUse, "not for diagnosis") || c.Training.Command == "" || len(c.Training.Validation) == 0 || c.Program == "" {
			t.Errorf("%s does not say what it is for, how to train it again, or how good it is: %+v", b.Name, c.Training)
		}
		p, err := nets.FindPreset("compact", c.Task)
		if err != nil {
			t.Fatal(err)
		}
		if c.Recipe.Size != p.Recipe.Size || c.Recipe.SpacingMM != p.Recipe.SpacingMM || !slices.Equal(c.Recipe.Channels, p.Recipe.Channels) {
			t.Errorf("%s prepares exams otherwise than the preset compact: %+v", b.Name, c.Recipe)
		}
	}
	if total > mostBundledMB*1e6 {
		t.Errorf("the bundled models have %d bytes, more than %d MB", total, mostBundledMB)
	}
	for task, name := range preferred {
		if _, ok := BuiltIn().Find(name); !ok && slices.ContainsFunc(list, func(b Bundled) bool { return b.Card.Task == task }) {
			t.Errorf("the preferred %s model %s is not bundled", task, name)
		}
	}
}

// bundledRow is a line of the table in docs/models.md.
var bundledRow = regexp.MustCompile(`(?m)^\| (\S+) \| (anatomy|diagnosis) \| \S+ \| \d+ \| [0-9a-f]+ \|$`)

// TestTheDocumentationListsTheBundledModels compares docs/models.md with the files, line by line.
func TestTheDocumentationListsTheBundledModels(t *testing.T) {
	list, err := BuiltIn().List()
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, b := range list {
		want = append(want, fmt.Sprintf("| %s | %s | %s | %d | %s |", b.Name, b.Card.Task, b.Card.Loss, b.Bytes, b.SHA256))
	}
	text, err := os.ReadFile(filepath.Join(testenv.Root(), "docs", "models.md"))
	if err != nil {
		t.Fatal(err)
	}
	if got := bundledRow.FindAllString(string(text), -1); !slices.Equal(got, want) {
		t.Errorf("the table of docs/models.md should be\n%s\nand is\n%s", strings.Join(want, "\n"), strings.Join(got, "\n"))
	}
}
