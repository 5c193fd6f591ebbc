#!/bin/bash
# Installs a build, moves the tree, and builds every example against it as a user would: with pkg-config, shared
# and static, and with find_package.
#   tests/install/run.sh BUILD_FOLDER
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd)
cc=${CC:-cc}
work=$build/install-test
programs=("$here/version.c" "$here"/../../examples/*.c)
if [ ! -e "${programs[1]}" ]; then programs=("$here/version.c"); fi

rm -rf "$work"
mkdir -p "$work/bin"
cmake --install "$build" --prefix "$work/first" >"$work/install.log"
mv "$work/first" "$work/prefix"

pc=$(find "$work/prefix" -name farcall.pc)
export PKG_CONFIG_PATH=${pc%/*}
libdir=$(pkg-config --variable=libdir farcall)
version=$(pkg-config --modversion farcall)

# $(pkg-config ...) stays unquoted: it is a list of flags.
for source in "${programs[@]}"; do
  name=$(basename "$source" .c)
  $cc -o "$work/bin/$name" "$source" $(pkg-config --cflags --libs farcall)
  $cc -o "$work/bin/$name-static" "$source" $(pkg-config --cflags farcall) "$libdir/libfarcall.a" \
    $(pkg-config --libs-only-l --libs-only-other --static farcall | sed 's/-lfarcall//')
done
LD_LIBRARY_PATH=$libdir "$work/bin/version" "$version"
"$work/bin/version-static" "$version"

list=$(IFS=';'; echo "${programs[*]}")
cmake -S "$here" -B "$work/consumer" -DCMAKE_PREFIX_PATH="$work/prefix" -DPROGRAMS="$list" -DCMAKE_C_COMPILER="$cc"
cmake --build "$work/consumer"
"$work/consumer/version_farcall" "$version"
"$work/consumer/version_static" "$version"
