#!/usr/bin/env bash
# Packs the shop's API as a container image, from this machine's Debian packages (Python and SQLite) and api.py, into
# an OCI layout: pack.sh OUT. Needs no network and no container engine. Idempotent.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=${1:?usage: pack.sh OUT}
image="$out:latest"

# An image of this very content is there already.
stamp=$(cat "$here/api.py" "$here/pack.sh" /var/lib/dpkg/info/libpython3.11-stdlib:*.md5sums | sha256sum)
[[ ! -f $out/stamp || $(cat "$out/stamp") != "$stamp" ]] || exit 0

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
rm -rf "$out"
umoci init --layout "$out"
umoci new --image "$image"
umoci unpack --rootless --image "$image" "$work/bundle"
root="$work/bundle/rootfs"

# What Python is made of, less what a service has no use for.
mkdir -p "$root"/{usr/bin,usr/lib,tmp,data,srv} "$root/etc"
for link in bin lib lib64; do ln -s "usr/$link" "$root/$link"; done
mkdir -p "$root/usr/lib64"
dpkg -L libpython3.11-minimal libpython3.11-stdlib python3.11-minimal |
  grep -vE '/(test|tests|idlelib|ensurepip|lib2to3|tkinter|distutils|pydoc_data|__pycache__)(/|$)|/usr/share|/etc/|/var/' |
  while read -r path; do
    [[ -f $path || -L $path ]] && [[ ! -d $path ]] && mkdir -p "$root$(dirname "$path")" && cp -a "$path" "$root$path"
  done || true
# The shared libraries of the interpreter and of its modules, and what they need themselves.
find "$root" -type f \( -name '*.so*' -o -name 'python3.11' \) -exec ldd {} + 2>/dev/null |
  grep -oE '/[^ ]+' | grep -v ':$' | sort -u |
  while read -r library; do
    real=$(readlink -f "$library")
    case $real in "$root"*) continue ;; esac
    mkdir -p "$root/usr/lib/$(dirname "${library#*/lib/}" 2>/dev/null)" "$root/usr/lib64"
    case $library in
      /lib64/*) cp -L "$library" "$root/usr/lib64/" ;;
      *) mkdir -p "$root/usr/$(dirname "${library#/}" | sed 's|^usr/||')" && cp -L "$library" "$root/usr/$(echo "${library#/}" | sed 's|^usr/||')" ;;
    esac
  done
cp "$here/api.py" "$root/srv/api.py"
echo 'root:x:0:0:root:/:/bin/false' >"$root/etc/passwd"

umoci repack --image "$image" "$work/bundle"
umoci config --image "$image" --config.entrypoint /usr/bin/python3.11 --config.cmd=-I --config.cmd=-B --config.cmd=/srv/api.py \
  --config.exposedports 8080/tcp --config.stopsignal SIGTERM
umoci gc --layout "$out"
echo "$stamp" >"$out/stamp"
du -sh "$out" | awk '{print "packed the shop API, " $1}'
