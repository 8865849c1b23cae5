package modelcard_test

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"bayeslice/internal/modelcard"
	"bayeslice/internal/prep"
)

// valid is the card of a network with dropout 0.4, halved in its last layer.
func valid() modelcard.Card {
	return modelcard.Card{
		Format: modelcard.Version, Name: "test", Task: modelcard.Anatomy, Classes: []string{"background", "TZ", "PZ"},
		Recipe: prep.PaperRecipe(false), Input: "image", Output: "p", Dropout: 0.4, Latent: 8,
		Noise: []modelcard.Noise{
			{Name: "mask.e1", Kind: modelcard.Bernoulli, Keep: 0.6, Shape: []int{1, 4, 4, 8, 8}},
			{Name: "mask.u0", Kind: modelcard.Bernoulli, Keep: 0.8000000001, Shape: []int{1, 4, 4, 16, 16}},
			{Name: "z", Kind: modelcard.Normal, Shape: []int{1, 8, 1, 1, 1}},
		},
	}
}

func TestACardSurvivesItsFile(t *testing.T) {
	text, err := valid().Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := modelcard.Decode(map[string]string{modelcard.MetadataKey: text})
	if err != nil || got.Noise[1].Keep != valid().Noise[1].Keep || got.Dropout != 0.4 {
		t.Errorf("Decode = %+v, %v", got, err)
	}
	if _, err := modelcard.Decode(nil); !errors.Is(err, modelcard.ErrCard) {
		t.Errorf("no card: error = %v, want ErrCard", err)
	}
}

func TestValidateRefusesACardThatCannotBeSampled(t *testing.T) {
	for name, spoil := range map[string]func(c *modelcard.Card){
		"format":                     func(c *modelcard.Card) { c.Format = 99 },
		"task":                       func(c *modelcard.Card) { c.Task = "liver" },
		"classes":                    func(c *modelcard.Card) { c.Classes = []string{"background", "csPCa"} },
		"no input":                   func(c *modelcard.Card) { c.Input = "" },
		"recipe":                     func(c *modelcard.Card) { c.Recipe.Size[0] = 0 },
		"dropout of 1":               func(c *modelcard.Card) { c.Dropout = 1 },
		"negative dropout":           func(c *modelcard.Card) { c.Dropout = -0.1 },
		"dropout that is no number":  func(c *modelcard.Card) { c.Dropout = math.NaN() },
		"dropout against its masks":  func(c *modelcard.Card) { c.Dropout = 0.5 },
		"mask against the dropout":   func(c *modelcard.Card) { c.Noise[0].Keep = 0.600002 },
		"keep that is no number":     func(c *modelcard.Card) { c.Noise[0].Keep = math.NaN() },
		"latent space":               func(c *modelcard.Card) { c.Latent = -1 },
		"noise without a name":       func(c *modelcard.Card) { c.Noise[0].Name = "" },
		"unknown noise":              func(c *modelcard.Card) { c.Noise[2].Kind = "cauchy" },
		"noise without a shape":      func(c *modelcard.Card) { c.Noise[2].Shape = nil },
		"empty latent noise":         func(c *modelcard.Card) { c.Noise[2].Shape[1] = 0 },
		"negative shape of the mask": func(c *modelcard.Card) { c.Noise[0].Shape[4] = -8 },
	} {
		c := valid()
		spoil(&c)
		if err := c.Validate(); !errors.Is(err, modelcard.ErrCard) {
			t.Errorf("%s: error = %v, want ErrCard", name, err)
		}
	}
	if err := valid().Validate(); err != nil {
		t.Errorf("a valid card: %v", err)
	}
	plain := valid()
	plain.Dropout, plain.Noise = 0, plain.Noise[2:]
	if err := plain.Validate(); err != nil {
		t.Errorf("without dropout: %v", err)
	}
}

// trained is the card of a model that was trained on phantoms.
func trained() modelcard.Card {
	c := valid()
	digest := strings.Repeat("0f", 32)
	c.Trained, c.Loss, c.Alpha, c.Gamma, c.Storage = true, "FL", []float64{0.05, 0.3, 0.65}, 2, modelcard.Float16
	c.Training = &modelcard.TrainingFacts{
		Beta: 1e-4, DataSeed: math.MaxUint64, NoiseSeed: 3, Steps: 3000, Batch: 2, LearningRate: 1e-4, LearningRateTo: 1e-7, L2: 1e-4,
		Data:    modelcard.DataFacts{Kind: "randomised phantoms", Synthetic: true, Validation: 24, Folds: 5, Fold: 4, Fingerprint: digest},
		Program: "Bayeslice 0.1.0", Runtime: "ONNX Runtime 1.27.0", Provider: "cpu", Seconds: 12.5,
		Validation: []modelcard.Score{{Name: "WG hard Dice", Value: 0.9}, {Name: "NLL", Value: 0.1}}, StartedFrom: digest,
	}
	return c
}

func TestTheFactsOfATrainingSurviveTheFile(t *testing.T) {
	text, err := trained().Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := modelcard.Decode(map[string]string{modelcard.MetadataKey: text})
	if err != nil || !reflect.DeepEqual(got, trained()) {
		t.Errorf("Decode = %+v, %v", got, err)
	}
}

func TestATrainingThatMisleadsIsRefused(t *testing.T) {
	for name, spoil := range map[string]func(c *modelcard.Card, t *modelcard.TrainingFacts){
		"untrained":          func(c *modelcard.Card, _ *modelcard.TrainingFacts) { c.Trained = false },
		"no loss":            func(c *modelcard.Card, _ *modelcard.TrainingFacts) { c.Loss = "" },
		"storage":            func(c *modelcard.Card, _ *modelcard.TrainingFacts) { c.Storage = "int4" },
		"no steps":           func(_ *modelcard.Card, t *modelcard.TrainingFacts) { t.Steps = 0 },
		"no batch":           func(_ *modelcard.Card, t *modelcard.TrainingFacts) { t.Batch = 0 },
		"negative L2":        func(_ *modelcard.Card, t *modelcard.TrainingFacts) { t.L2 = -1 },
		"time":               func(_ *modelcard.Card, t *modelcard.TrainingFacts) { t.Seconds = math.NaN() },
		"kind of data":       func(_ *modelcard.Card, t *modelcard.TrainingFacts) { t.Data.Kind = "" },
		"fold":               func(_ *modelcard.Card, t *modelcard.TrainingFacts) { t.Data.Fold = 5 },
		"fold without folds": func(_ *modelcard.Card, t *modelcard.TrainingFacts) { t.Data.Folds, t.Data.Fold = 0, 1 },
		"fingerprint":        func(_ *modelcard.Card, t *modelcard.TrainingFacts) { t.Data.Fingerprint = "f00d" },
		"origin":             func(_ *modelcard.Card, t *modelcard.TrainingFacts) { t.StartedFrom = "m.onnx" },
		"unnamed figure":     func(_ *modelcard.Card, t *modelcard.TrainingFacts) { t.Validation[0].Name = "" },
		"figure":             func(_ *modelcard.Card, t *modelcard.TrainingFacts) { t.Validation[1].Value = math.Inf(1) },
	} {
		c := trained()
		spoil(&c, c.Training)
		if err := c.Validate(); !errors.Is(err, modelcard.ErrCard) {
			t.Errorf("%s: error = %v, want ErrCard", name, err)
		}
	}
}

func TestANoticeStandsBesideWhatIsNoPatientsModel(t *testing.T) {
	real, old := trained(), valid()
	real.Training.Data.Synthetic = false
	old.Trained, old.Loss, old.TrainedOn = true, "CE", "somewhere" // as earlier versions wrote it
	for _, c := range []struct {
		name  string
		card  modelcard.Card
		state modelcard.State
		word  string
	}{
		{"untrained", valid(), modelcard.Untrained, "UNTRAINED"},
		{"phantoms", trained(), modelcard.SyntheticOnly, "generated phantoms only"},
		{"patients", real, modelcard.Trained, ""},
		{"earlier version", old, modelcard.Trained, ""},
	} {
		if err := c.card.Validate(); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if got := c.card.State(); got != c.state {
			t.Errorf("%s: state %d, want %d", c.name, got, c.state)
		}
		if got := c.card.Notice(); !strings.Contains(got, c.word) || (got == "") != (c.word == "") {
			t.Errorf("%s: notice %q, want %q in it", c.name, got, c.word)
		}
	}
}
