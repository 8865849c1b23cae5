package edit

import (
	"errors"
	"strings"
	"unicode"

	"bayeslice/internal/annotate"
	"bayeslice/internal/geom"
	"bayeslice/internal/lang"
)

func oneVec(v geom.Vec3) []geom.Vec3 { return []geom.Vec3{v} }

var opTexts = map[annotate.Op]lang.Text{
	annotate.OpBrush:       lang.Mark("Brush"),
	annotate.OpEraser:      lang.Mark("Eraser"),
	annotate.OpPolygon:     lang.Mark("Polygon"),
	annotate.OpLasso:       lang.Mark("Lasso"),
	annotate.OpPaste:       lang.Mark("Paste"),
	annotate.OpInterpolate: lang.Mark("Fill between slices"),
	annotate.OpSmooth:      lang.Mark("Smooth"),
	annotate.OpIslands:     lang.Mark("Remove islands"),
	annotate.OpHoles:       lang.Mark("Fill holes"),
	annotate.OpModel:       lang.Mark("Start from the model"),
	annotate.OpLoad:        lang.Mark("Open labels"),
	annotate.OpClear:       lang.Mark("Clear"),
}

// OpText returns the display name of a kind of change.
func OpText(o annotate.Op) string { return opTexts[o].String() }

// ActionText names a step of history: "Brush PZ, slice 11".
func ActionText(a annotate.Action) string {
	if a.Op == 0 {
		return ""
	}
	text := OpText(a.Op)
	if a.Label != annotate.NoLabel {
		text += " " + a.Label.String()
	}
	if a.Mode == annotate.Erase && a.Op != annotate.OpEraser {
		text = lang.T("%s (erasing)", text)
	}
	if a.From == a.To {
		return lang.T("%s, slice %d", text, a.From+1)
	}
	return lang.T("%s, slices %d–%d", text, a.From+1, a.To+1)
}

// noteTexts returns what is to be said about a proposal.
func noteTexts(p *annotate.Proposal) []string {
	var out []string
	for _, k := range p.Skipped() {
		out = append(out, lang.T("Slice %d stays as it is: the outlines on both sides of it do not overlap there.", k+1))
	}
	return out
}

// errorText tells why a change was not made, as a sentence.
func errorText(err error) string {
	if errors.Is(err, annotate.ErrNothing) {
		return lang.T("Nothing was changed: %s.", strings.TrimPrefix(err.Error(), annotate.ErrNothing.Error()+": "))
	}
	r := []rune(strings.TrimPrefix(err.Error(), "annotate: "))
	r[0] = unicode.ToUpper(r[0])
	return string(r) + "."
}
