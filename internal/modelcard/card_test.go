package modelcard_test

import (
	"errors"
	"math"
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
