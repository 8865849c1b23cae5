// Package trainer runs the training of a network: it draws examples, runs the step's graph, adds up
// gradients over a batch, updates the parameters, validates, and keeps everything in a run folder from
// which training goes on after any interruption as if nothing had happened.
//
// A run folder holds
//
//	run.json                 the settings (Config), written once
//	log.jsonl                one Event a line, only ever appended to
//	checkpoint-0000500.bin   parameters and optimiser state after 500 steps; the newest two are kept
//	model.onnx               the finished model
//	lock                     held by the process that trains
//
// On the CPU with a fixed number of threads, a run that was interrupted, even by kill -9, ends in the
// same weights, bit for bit, as one that was not: example n and the noise of example n depend on n and
// the seeds alone, and a checkpoint holds all other state.
//
// The package knows no runtime, no file format of exams and no toolkit; what runs graphs is an
// [inference.OpenRunner].
package trainer
