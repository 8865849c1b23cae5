#!/usr/bin/env bash
# gofmt, tidy go.mod, go vet, golangci-lint (version pinned in tools/go.mod), and shell syntax.
set -euo pipefail
cd "$(dirname "$0")/.."
unformatted=$(gofmt -l $(git ls-files '*.go'))
if [ -n "$unformatted" ]; then
  printf 'not formatted (make fmt mends it):\n%s\n' "$unformatted" >&2
  exit 1
fi
for script in scripts/*.sh .ci/run; do bash -n "$script"; done
go mod tidy -diff
go vet -tags migrated_fynedo ./...
go tool -modfile=tools/go.mod golangci-lint run --build-tags migrated_fynedo
echo "lint: clean"
