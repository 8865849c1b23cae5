package models

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"

	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"

	"bayeslice/internal/geom"
	"bayeslice/internal/volume"
	"bayeslice/render"
)

// Measures of a contact sheet in pixels.
const (
	tilePX   = 340
	tilesRow = 4
	linePX   = 16
	tileMM   = 90.0 // of the patient, in each direction
)

// writeContactSheet draws every slice that holds part of the zones or of a mask, and one slice more at each end:
// the zones as filled outlines in their colours, the first mask white, the second dotted white.
func writeContactSheet(ctx context.Context, path string, title []string, t2w *volume.Volume, zones *volume.Mask, masks []*volume.Mask) error {
	first, last := shownSlices(append([]*volume.Mask{zones}, masks...))
	rows := (last - first + tilesRow) / tilesRow
	top := linePX * (len(title) + 1)
	sheet := image.NewRGBA(image.Rect(0, 0, tilePX*tilesRow, top+rows*tilePX))
	draw.Draw(sheet, sheet.Bounds(), image.NewUniform(color.Black), image.Point{}, draw.Src)
	for i, line := range title {
		write(sheet, 4, linePX*(i+1), line)
	}
	renderer := render.NewCPU()
	defer func() { _ = renderer.Close() }() // the CPU renderer's cannot fail
	for k := first; k <= last; k++ {
		tile, err := renderer.Render(ctx, tileScene(t2w, zones, masks, k), tilePX, tilePX)
		if err != nil {
			return err
		}
		at := image.Pt((k-first)%tilesRow*tilePX, top+(k-first)/tilesRow*tilePX)
		draw.Draw(sheet, tile.Bounds().Add(at), tile, image.Point{}, draw.Src)
		write(sheet, at.X+4, at.Y+tilePX-6, fmt.Sprintf("slice %d of %d", k+1, t2w.Grid().Size[2]))
	}
	return writePNG(path, sheet)
}

// shownSlices returns the first and the last slice to draw.
func shownSlices(masks []*volume.Mask) (first, last int) {
	size := masks[0].Grid().Size
	first, last = size[2], -1
	for _, m := range masks {
		for i, l := range m.Data() {
			if k := i / (size[0] * size[1]); l != 0 {
				first, last = min(first, k), max(last, k)
			}
		}
	}
	if last < 0 {
		return 0, size[2] - 1
	}
	return max(0, first-1), min(size[2]-1, last+1)
}

// tileScene is slice k about the middle of the image.
func tileScene(t2w *volume.Volume, zones *volume.Mask, masks []*volume.Mask, k int) render.Scene {
	g := t2w.Grid()
	plane := render.PlaneFor(g, float64(k), tilePX, tilePX, render.Camera{})
	plane.Centre = g.World(geom.Vec3{float64(g.Size[0]-1) / 2, float64(g.Size[1]-1) / 2, float64(k)})
	plane.PixelMM = tileMM / tilePX
	scene := render.Scene{Plane: plane, Base: t2w, Interp: volume.Linear, Window: render.T2WWindow(t2w)}
	for c, zone := range []string{render.ZoneTransition, render.ZonePeripheral} {
		scene.Contours = append(scene.Contours, render.Contour{Field: render.MaskField(zones, uint8(c+1)), Level: 0.5, Color: render.ZoneColor(zone), Width: 1.6, Fill: 0.2})
	}
	for i, m := range masks {
		for c := range uint8(2) {
			scene.Contours = append(scene.Contours, render.Contour{Field: render.MaskField(m, c+1), Level: 0.5, Color: color.NRGBA{255, 255, 255, 255}, Width: 1.2, Dash: float64(4 * i)})
		}
	}
	return scene
}

func write(on draw.Image, x, y int, text string) {
	d := font.Drawer{Dst: on, Src: image.NewUniform(color.White), Face: basicfont.Face7x13, Dot: fixed.P(x, y)}
	d.DrawString(text)
}

func writePNG(path string, img image.Image) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := png.Encode(f, img); err != nil {
		_ = f.Close() // the file is not whole anyway
		return err
	}
	return f.Close()
}
