package viewer

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/widget"

	"bayeslice/internal/lang"
	"bayeslice/viewer/viewstate"
	"bayeslice/viewer/viewstate/explore"
)

// voxelPage shows what the samples of every compared model say at the clicked voxel, class by class.
type voxelPage struct {
	x       *explore.Explore
	content *fyne.Container
	note    *widget.Label
	names   [explore.Slots]*canvas.Text
	rows    [explore.Slots]*fyne.Container
	charts  [explore.Slots][len(viewstate.Classes)]*chart
	cells   [explore.Slots][len(viewstate.Classes)]*fyne.Container // round them
}

func newVoxelPage(x *explore.Explore) *voxelPage {
	p := &voxelPage{x: x, note: caption("")}
	p.content = snugly(p.note)
	for slot := range p.rows {
		p.names[slot] = canvas.NewText("", explore.StyleOf(slot).Color)
		p.names[slot].TextSize, p.names[slot].TextStyle.Bold = textCaption+1, true
		grid := container.New(layout.NewGridLayoutWithColumns(3))
		for i, class := range viewstate.Classes {
			p.charts[slot][i] = newChart(class, lang.T("samples"))
			p.charts[slot][i].small = true
			p.cells[slot][i] = container.New(layout.NewCustomPaddedLayout(0, 0, 3, 3), p.charts[slot][i])
			grid.Add(p.cells[slot][i])
		}
		p.rows[slot] = snugly(container.New(layout.NewCustomPaddedLayout(2, 0, 9, 6), p.names[slot]),
			container.New(layout.NewCustomPaddedLayout(0, 2, 6, 6), grid))
		p.content.Add(p.rows[slot])
	}
	return p
}

func (p *voxelPage) object() fyne.CanvasObject { return p.content }

// refresh implements [explorePage].
func (p *voxelPage) refresh() {
	rows, pinned := p.x.VoxelRows()
	note := lang.T("Each bar counts samples by the probability they give the class there.")
	if !pinned {
		note = lang.T("Click a voxel in one of the pictures to see what every sample of every model says there.")
	}
	for slot := range p.rows {
		visible := pinned && slot < len(rows) && rows[slot].Note == ""
		setVisible(p.rows[slot], visible)
		if !visible {
			if pinned && slot < len(rows) {
				note += " " + rows[slot].Title + ": " + rows[slot].Note
			}
			continue
		}
		p.names[slot].Text = rows[slot].Title
		p.names[slot].Refresh()
		p.showRow(slot, rows[slot])
	}
	p.note.SetText(note)
}

func (p *voxelPage) showRow(slot int, row explore.Row) {
	for i, class := range viewstate.Classes {
		known := false
		for _, h := range row.Histogram {
			if h.Class == class {
				known = true
				p.charts[slot][i].set(h)
			}
		}
		setVisible(p.cells[slot][i], known)
	}
}
