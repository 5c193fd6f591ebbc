#!/bin/bash
# Builds Go programs into a folder: build_go.sh FOLDER [PACKAGE ...], by default the peers of tests/interop/go. With
# a version behind each package ("...@v1.2.3") they are installed from their own modules.
# Debian 12's Go is too old for today's grpc-go. Newer ones fetch the toolchain that a module asks for by themselves;
# for the old one the same is done here.
# Status 75: something cannot be fetched; any other than 0: it is there and cannot be built.
set -eu
folder=$(realpath -m "$1")
shift
cd "$(dirname "$0")/go"
mkdir -p "$folder"
export GOFLAGS=-mod=mod GOBIN=$folder

go=go
case $(go env GOVERSION) in
  go1.?|go1.?.*|go1.1[0-9]*|go1.20*)
    toolchain=golang.org/toolchain@v0.0.1-go$(sed -n 's/^go //p' go.mod).$(go env GOOS)-$(go env GOARCH)
    (cd "$folder" && { [ -f go.mod ] || go mod init toolchain; } && go mod download "$toolchain") || exit 75
    root=$(go env GOMODCACHE)/$toolchain
    # Before it knew of toolchains, Go took no notice of what is a program in a module.
    chmod u+x "$root"/bin/* "$root"/pkg/tool/*/*
    go=$root/bin/go
    ;;
esac

if [ $# = 0 ]; then
  "$go" mod download || exit 75
  "$go" build -o "$folder/" ./server ./client
else
  for package; do "$go" install "$package" || exit 75; done
fi
