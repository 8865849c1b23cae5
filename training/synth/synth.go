package synth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"bayeslice/internal/modelcard"
	"bayeslice/internal/phantom"
	"bayeslice/internal/prep"
	"bayeslice/training"
)

// generation is the version of what is drawn; it is part of the fingerprint, and rises with every change
// that gives other examples.
const generation = 3

// MaxAnatomies bounds the pool; each anatomy takes 1.5 MB of memory.
const MaxAnatomies = 4000

// ErrConfig marks settings that no examples can be made from; the text says which and what they may be.
var ErrConfig = errors.New("synth: unusable settings of randomised phantoms")

// Config says what is made.
type Config struct {
	Task      modelcard.Task // decides the label: zones, or csPCa
	Recipe    prep.Recipe    // channels among T2W, HBV and ADC; T2W and HBV as the recipe normalises them
	Seed      uint64         // of everything
	Anatomies int            // different anatomies that draws choose from, 1…[MaxAnatomies]
	// Cache is a folder in which the anatomies are kept between runs; it is made if need be. "" keeps them in memory only.
	Cache string
	// Progress is called with finished anatomies, from one goroutine at a time; it must return at once. May be nil.
	Progress func(done, total int)
}

// validate reports the first unusable setting as [ErrConfig].
func (c *Config) validate() error {
	if c.Task != modelcard.Anatomy && c.Task != modelcard.Diagnosis {
		return fmt.Errorf("%w: unknown task %q; there are %q and %q", ErrConfig, c.Task, modelcard.Anatomy, modelcard.Diagnosis)
	}
	if c.Anatomies < 1 || c.Anatomies > MaxAnatomies {
		return fmt.Errorf("%w: %d anatomies; choose 1 to %d", ErrConfig, c.Anatomies, MaxAnatomies)
	}
	if err := c.Recipe.Validate(); err != nil {
		return fmt.Errorf("%w: %w", ErrConfig, err)
	}
	return nil
}

// Generator makes examples. It is a [training.Source], immutable once made, and safe for concurrent use.
type Generator struct {
	config Config
	pool   []*plate
	notes  []string
}

// New lays out the pool of anatomies, from the cache where it holds them. It fails with [ErrConfig], an
// error of the file system, or ctx's error.
func New(ctx context.Context, c Config) (*Generator, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	g := &Generator{config: c}
	if err := g.fill(ctx); err != nil {
		return nil, err
	}
	return g, nil
}

// Notes are sentences about what happened to the cache: files that were damaged and made anew. Empty where
// there is nothing to say.
func (g *Generator) Notes() []string { return g.notes }

// Draw returns example n. It depends on the configuration and n alone. It fails only with ctx's error.
func (g *Generator) Draw(ctx context.Context, n uint64) (*training.Example, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r := stream(g.config.Seed, forDraw, n)
	p := g.pool[r.IntN(len(g.pool))]
	return g.make(r, p, fmt.Sprintf("phantom %d", n), chance(r, cancerShare)), nil
}

// Origin says what the examples are; Validation is left to who chooses the held-out set.
func (g *Generator) Origin() training.Origin {
	return training.Origin{
		Kind: "randomised phantoms", Synthetic: true, Fingerprint: g.fingerprint(),
		Description: fmt.Sprintf("computer-generated exams of random contrast, resolution and field of view from %d computer-generated anatomies; no patient's data", g.config.Anatomies),
	}
}

// fingerprint is the SHA-256 of everything that determines the examples.
func (g *Generator) fingerprint() string {
	b, err := json.Marshal(struct {
		Generation, Layout, Phantom int
		Task                        modelcard.Task
		Recipe                      prep.Recipe
		Seed                        uint64
		Anatomies                   int
	}{generation, layout, phantom.Generation, g.config.Task, g.config.Recipe, g.config.Seed, g.config.Anatomies})
	if err != nil {
		return "" // a recipe that Validate accepted has finite numbers and can be written
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
