#!/bin/bash
# Installs a build, moves the tree, and builds every example and the README's program against it as a user would:
# with pkg-config, shared and static, and with find_package, and runs what was built that way.
#   tests/install/run.sh BUILD_FOLDER
set -eu
here=$(cd "$(dirname "$0")" && pwd)
examples=$(cd "$here/../../examples" && pwd)
build=$(cd "$1" && pwd)
cc=${CC:-cc}
work=$build/install-test

rm -rf "$work"
mkdir -p "$work/bin"
cmake --install "$build" --prefix "$work/first" >"$work/install.log"
mv "$work/first" "$work/prefix"

pc=$(find "$work/prefix" -name farcall.pc)
export PKG_CONFIG_PATH=${pc%/*}
libdir=$(pkg-config --variable=libdir farcall)

sed -n '/^```c$/,/^```$/{/^```/d;p}' "$here/../../README.md" >"$work/readme.c"

# $(pkg-config ...) stays unquoted: it is a list of flags.
for source in "$here/version.c" "$work/readme.c" "$examples"/*.c; do
  name=$(basename "$source" .c)
  $cc -o "$work/bin/$name" "$source" $(pkg-config --cflags --libs farcall)
  $cc -o "$work/bin/$name-static" "$source" \
    $(pkg-config --cflags --libs --static farcall | sed "s|-lfarcall|$libdir/libfarcall.a|")
done
version=$(pkg-config --modversion farcall)
LD_LIBRARY_PATH=$libdir "$work/bin/version" "$version"
"$work/bin/version-static" "$version"

for consumer in "$here" "$examples"; do
  folder=$work/$(basename "$consumer")
  cmake -S "$consumer" -B "$folder" -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_C_COMPILER="$cc"
  cmake --build "$folder" -j2
  ctest --test-dir "$folder" --output-on-failure
done
