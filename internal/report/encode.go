package report

import (
	"encoding/json"
	"image"
	"image/png"
	"io"

	"bayeslice/internal/imageio/codec"
)

func writePNG(path string, img image.Image) error {
	return codec.WriteFile(path, func(w io.Writer) error { return png.Encode(w, img) })
}

func writeJSON(path string, v any) error {
	return codec.WriteFile(path, func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(v)
	})
}
