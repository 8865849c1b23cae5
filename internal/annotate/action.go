package annotate

import "fmt"

// Op is a kind of change.
type Op uint8

// Kinds of change. Their numbers are stored in journals and never change.
const (
	OpBrush Op = iota + 1
	OpEraser
	OpPolygon
	OpLasso
	OpPaste
	OpInterpolate
	OpSmooth
	OpIslands
	OpHoles
	OpModel // started from a model's result
	OpLoad  // read from a file
	OpClear
	opEnd
)

var opNames = [...]string{
	OpBrush: "brush", OpEraser: "eraser", OpPolygon: "polygon", OpLasso: "lasso", OpPaste: "paste",
	OpInterpolate: "fill between slices", OpSmooth: "smooth", OpIslands: "remove islands", OpHoles: "fill holes",
	OpModel: "start from the model", OpLoad: "open labels", OpClear: "clear",
}

// String returns the kind in words, in English.
func (o Op) String() string {
	if o > 0 && o < opEnd {
		return opNames[o]
	}
	return "change"
}

// assists reports whether the program had a part in a change, beyond drawing what a hand drew.
func (o Op) assists() bool {
	switch o {
	case OpInterpolate, OpSmooth, OpIslands, OpHoles, OpModel, OpLoad:
		return true
	}
	return false
}

// Action says what one step of a document's history was.
type Action struct {
	Op       Op
	Label    Label // NoLabel where a whole layer or both were concerned
	Mode     Mode  // for tools that draw
	From, To int   // slices that changed, from 0, both inclusive
}

// String returns the action in English, with slices counted from 1: "brush PZ, slice 11".
func (a Action) String() string {
	text := a.Op.String()
	if a.Mode == Erase && a.Op != OpEraser {
		text += " out of"
	}
	if a.Label != NoLabel {
		text += " " + a.Label.String()
	}
	if a.From == a.To {
		return fmt.Sprintf("%s, slice %d", text, a.From+1)
	}
	return fmt.Sprintf("%s, slices %d–%d", text, a.From+1, a.To+1)
}
