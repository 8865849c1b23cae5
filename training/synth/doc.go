// Package synth makes examples to learn from out of nothing but shapes and chance: prostates with their
// surroundings whose contrast, texture, resolution, noise, position and field of view are random, in the
// manner of SynthSeg (Billot et al., Medical Image Analysis 2023). A network that has seen every contrast
// has to hold on to shape and neighbourhood, which real scans share.
//
// It works in two steps. A pool of anatomies of [bayeslice/internal/phantom] is laid once on a lattice as
// tissues, without any signal ([New]; kept in Config.Cache). Each draw then picks one, turns, scales, shifts,
// mirrors and bends it, gives every tissue an intensity and textures, adds suspicious and harmless foci, and
// images it with a scanner of random slices, coil, noise and field of view, on the model's grid and normalised
// as [bayeslice/internal/prep] does.
//
//   - T2W: four draws in five keep the order of brightness that T2-weighted images have, within wide bounds;
//     the fifth gives every tissue any brightness (one in twenty where csPCa is sought).
//   - Stacks: 34–92 mm high, slices of 3 mm in half of the draws, else 2.5–4.5 mm; one in five ends inside the
//     model's grid at the sides. What lies outside is the normalised background and has no label.
//   - Diffusion: pixels of 1.5–2.2 mm, kurtosis, Rician noise before the fit of ADC, maps that are empty where
//     there is no signal, high b-values of 1000–2000 s/mm² that are measured or calculated, and a patient who
//     has moved by up to 2 mm.
//   - Foci: 0.2–5 mL, 70 % in PZ, dark on T2W, of low ADC and bright at high b in degrees that go together loosely.
//     The more suspicious a focus, the likelier it is labelled csPCa, and its border is drawn by a reader who
//     errs. An ideal reader of all that is there would reach an area under the ROC curve of 0.98, not 1.
//
// Volumes are log-normal with a median of 44 mL, cut to 18–115 mL, with a transition zone of 0.3–0.75 that
// grows with the volume while the peripheral zone hardly does, as in Turkbey et al. (BJU International 2012, 503
// men) and Sellers et al. (Therapeutic Advances in Urology 2021, 204 men). No draw's volume, shape or signal is
// taken from a patient's exam.
//
// A [Cohort] is the other way to learn: a fixed number of exams, each of an anatomy of its own, that several
// simulated readers have labelled, so that how uncertain a label is can be known.
//
// Everything follows from Config.Seed: equal configurations give equal bytes on any number of processors.
package synth
