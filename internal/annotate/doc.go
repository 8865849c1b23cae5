// Package annotate is the engine for drawing and correcting contours: a document that holds the zones
// and lesions of one exam on its T2W grid, the tools that change it, undo, and a journal that survives
// the death of the program. It knows no window, and keeps no identity of a patient.
//
// A [Document] has two layers of labels. The zone layer holds one of background, TZ and PZ per voxel; the
// whole gland is their union and is never stored, so that WG = TZ ∪ PZ holds whatever is done. The lesion
// layer lies over it and overlaps the zones freely.
//
// Points are continuous voxel coordinates (i, j) of a slice k, integers being voxel centres; lengths are
// millimetres in the plane of the slice, by the grid's spacing.
package annotate
