#!/usr/bin/env bash
# Builds the control plane of the tests: build.sh FOLDER [MODULES [TAGS]] makes FOLDER/control-plane and a link to it for
# each program. About 16 minutes of CPU the first time, a minute with Go's build cache; make and ninja call it only when its
# sources changed. Kubernetes' version is the one that MODULES names: go.mod, or v1.N.mod for an older one. With the tag
# `kubelet` that is a program of it too, for the benchmark beside it.
set -euo pipefail
folder=$(realpath -m "${1:?usage: build.sh FOLDER [MODULES]}")
modules=${2:-go.mod}
tags=${3:-}
cd "$(dirname "$0")"
mkdir -p "$folder"

# Kubernetes tells its version from variables that its own build sets; without them every component says v0.0.0.
version=$(sed -nE 's|^\s*k8s.io/kubernetes (v[0-9.]+)$|\1|p' "$modules")
IFS=. read -r major minor _ <<<"${version#v}"
flags="-s -w"
for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
  flags+=" -X $package.gitVersion=$version -X $package.gitMajor=$major -X $package.gitMinor=$minor"
  flags+=" -X $package.gitTreeState=clean"
done

go=$(../go_toolchain.sh "$(sed -nE 's/^go (.*)$/\1/p' "$modules")")
CGO_ENABLED=0 GOTOOLCHAIN=local "$go" build -mod=readonly -modfile="$modules" -tags "$tags" -trimpath -ldflags "$flags" -o "$folder/control-plane" .
for program in etcd kube-apiserver kube-controller-manager kube-scheduler metrics-server kubectl $tags; do
  ln -sfn control-plane "$folder/$program"
done
