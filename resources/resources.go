// Package resources holds what is embedded in the program: its icon, its texts, the licences of its parts, and the
// bundled models, which were trained by this program on generated data only. No patient data and no weights trained elsewhere ever
// lie here.
package resources

import "embed"

//go:generate go run gen_icon.go

// Icon is the window's icon, PNG, 256 × 256. Read only.
//
//go:embed icon.png
var Icon []byte

// Models is the folder "models" with the bundled model files (*.onnx) and a README that says what they
// are. Read only; package internal/models opens them.
//
//go:embed models
var Models embed.FS

// Texts is the folder "texts" with what is written on screen, one file for each language. Read only;
// package internal/lang reads them.
//
//go:embed texts
var Texts embed.FS

// Licences is the folder "licences" with the licence texts of everything that is part of the program, and index.json,
// which lists them. Read only; package internal/about opens them, scripts/licences writes them.
//
//go:embed licences
var Licences embed.FS
