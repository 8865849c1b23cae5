// Package explore is the state of exploring calibration beside compared models, free of the toolkit: which models are
// compared, how reliable their probabilities are against the reference, which voxels stand behind a bin of the
// diagram, single samples, the distribution at a voxel, the quiz and the guided tour. It draws into the viewports
// as an extension of the window's state. All calls come from the window's goroutine; what takes longer than a
// frame is handed to a [Worker].
package explore
