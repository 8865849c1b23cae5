package app

import _ "embed"

//go:generate go run gen_icon.go

// icon is the window's icon, PNG.
//
//go:embed icon.png
var icon []byte
