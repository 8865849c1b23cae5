package viewer

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
)

// figureTable is a table of a name and right-aligned figures, small and without lines.
type figureTable struct {
	*fyne.Container
	layout *figureTableLayout
	texts  [][]*canvas.Text
}

// figureRow is a line of it.
type figureRow struct {
	name    string
	color   color.Color // of the name
	figures []string
}

// newFigureTable makes a table with a heading for each column, the names' first.
func newFigureTable(heads ...string) *figureTable {
	t := &figureTable{layout: &figureTableLayout{columns: len(heads)}}
	t.Container = &fyne.Container{Layout: t.layout}
	t.addRow(heads, colorMuted)
	return t
}

func (t *figureTable) addRow(cells []string, c color.Color) {
	var row []*canvas.Text
	for i := range t.layout.columns {
		cell := canvas.NewText("", c)
		cell.TextSize = textCaption + 1
		if i < len(cells) {
			cell.Text = cells[i]
		}
		if i > 0 {
			cell.Alignment = fyne.TextAlignTrailing
		}
		row = append(row, cell)
		t.Objects = append(t.Objects, cell)
	}
	t.texts = append(t.texts, row)
}

// set shows lines below the headings.
func (t *figureTable) set(rows []figureRow) {
	for len(t.texts) < len(rows)+1 {
		t.addRow(nil, colorText)
	}
	if len(t.texts) > len(rows)+1 {
		t.texts = t.texts[:len(rows)+1]
		t.Objects = t.Objects[:len(t.texts)*t.layout.columns]
	}
	for i, row := range rows {
		cells := t.texts[i+1]
		cells[0].Text, cells[0].Color, cells[0].TextStyle.Bold = row.name, row.color, true
		for n := range cells[1:] {
			cells[n+1].Text = ""
			if n < len(row.figures) {
				cells[n+1].Text = row.figures[n]
			}
		}
	}
	t.Refresh()
}

// figureTableLayout gives the names a wider column.
type figureTableLayout struct{ columns int }

const (
	figureRowHeight = 19
	figureNameWidth = 62
)

// MinSize implements [fyne.Layout].
func (l *figureTableLayout) MinSize(o []fyne.CanvasObject) fyne.Size {
	return fyne.NewSize(figureNameWidth+52*float32(l.columns-1), figureRowHeight*float32(len(o)/l.columns))
}

// Layout implements [fyne.Layout].
func (l *figureTableLayout) Layout(o []fyne.CanvasObject, size fyne.Size) {
	w := (size.Width - figureNameWidth) / float32(max(1, l.columns-1))
	for i, cell := range o {
		row, column := i/l.columns, i%l.columns
		y := figureRowHeight * float32(row)
		if column == 0 {
			place(cell, 0, y, figureNameWidth, figureRowHeight)
		} else {
			place(cell, figureNameWidth+w*float32(column-1), y, w, figureRowHeight)
		}
	}
}
