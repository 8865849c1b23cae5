// Package phantom makes seeded, computer-generated bi-parametric prostate MRI exams with exact
// labels. It is layered so that each part can be varied on its own:
//
//   - anatomy: implicit shapes in continuous space ([Anatomy]), with no voxel and no signal;
//   - tissue: relaxation, proton density and diffusion of each tissue, with its texture;
//   - acquisition: what a scanner makes of it: T2W, diffusion by b-value, coil sensitivity, noise,
//     partial volume, and the ADC map fitted to the noisy diffusion images;
//   - randomisation: how the seed and [Config] become the numbers of the other three.
//
// World coordinates are DICOM LPS millimetres. Every random number comes from [Config.Seed] through
// PCG streams that belong to a purpose or a slice, so that the same configuration gives the same
// bytes on any number of processors. A phantom is no patient: everything written from one says
// "SYNTHETIC".
package phantom
