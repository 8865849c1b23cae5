// Package synth makes examples to learn from out of nothing but shapes and chance: prostates with their
// surroundings whose contrast, texture, resolution, noise, position and field of view are random, in the
// manner of SynthSeg (Billot et al., Medical Image Analysis 2023). A network that has seen every contrast
// has to hold on to shape and neighbourhood, which real scans share.
//
// It works in two steps. A pool of anatomies of [bayeslice/internal/phantom] is laid once on a lattice as
// tissues, without any signal ([New]; kept in Config.Cache). Each draw then picks one, turns, scales, shifts,
// mirrors and bends it, gives every tissue an intensity, adds suspicious and harmless foci, and images it with
// a scanner of random slices, coil, noise and field of view, on the model's grid and normalised as
// [bayeslice/internal/prep] does. Four draws in five keep the order of brightness that T2-weighted images
// have, within wide bounds; the fifth gives every tissue any brightness.
//
// Volumes spread as in screening and biopsy cohorts (whole gland 20–110 mL, median about 45 mL, transition
// zone 0.3–0.7 of it and rising with the volume); see [bayeslice/internal/phantom] for the shapes.
//
// Nothing here comes from a patient. Everything follows from Config.Seed: equal configurations give equal
// bytes on any number of processors.
package synth
