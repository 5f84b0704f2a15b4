#!/usr/bin/env bash
# Builds the images that the manifests name.
#
#   k8s/image/build.sh [program...]      default: useractivity wordcount producer rescue
#
# With CHECK=1 each binary is compared with one that this machine builds by itself.
# TAG (0.1.0) is the manifests' tag. Where the golang image can be had neither here nor
# by a pull, the build stage is an import of this machine's own Go, with the modules that
# it has already: the binary is the same.
set -euo pipefail
cd "$(dirname "$0")/../.."
export GOTOOLCHAIN=auto

TAG="${TAG:-0.1.0}"
GO_IMAGE="${GO_IMAGE:-}"
# The import holds the modules of these sums, so it is named after them.
LOCAL="millrace/golang:$(cat go.sum k8s/rescue/go.sum <(go env GOVERSION) | sha256sum | cut -c1-12)"
SCRATCH="$(mktemp -d)"
trap 'rm -rf --one-file-system "$SCRATCH"' EXIT

have() { docker image inspect "$1" >/dev/null 2>&1; }

# imported makes an image of a shell, Go and the module cache, without any base.
imported() {
  local root="$SCRATCH/root" goroot
  goroot="$(go env GOROOT)"
  mkdir -p "$root"/{usr/local,bin,tmp,etc/ssl/certs,root/go/pkg/mod/cache}
  cp -r "$goroot" "$root/usr/local/go"
  cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
  # The shell of RUN, with the libraries that it is linked to.
  cp /bin/sh "$root/bin/sh"
  ldd /bin/sh | grep -o '/[^ ]*' | while read -r lib; do install -D "$lib" "$root$lib"; done
  for module in . k8s/rescue; do (cd "$module" && go mod download); done
  cp -r "$(go env GOMODCACHE)/cache/download" "$root/root/go/pkg/mod/cache/"
  tar -C "$root" -c . | docker import --change 'ENV HOME=/root' - "$LOCAL" >/dev/null
}

# base chooses the image of the build stage.
base() {
  if [ -n "$GO_IMAGE" ]; then return; fi
  GO_IMAGE="golang:$(go env GOVERSION | sed 's/^go//')"
  if have "$GO_IMAGE" || docker pull -q "$GO_IMAGE" >/dev/null 2>&1; then return; fi
  have "$LOCAL" || { echo "build.sh: no $GO_IMAGE: importing this machine's Go as $LOCAL"; imported; }
  GO_IMAGE="$LOCAL"
  PROXY=file:///root/go/pkg/mod/cache/download
}

# build makes the image of one program.
build() {
  local module=. program="./examples/$1"
  if [ "$1" = rescue ]; then module=k8s/rescue program=.; fi
  echo "build.sh: millrace/$1:$TAG"
  docker build -q -f k8s/image/Dockerfile -t "millrace/$1:$TAG" \
    --build-arg GO_IMAGE="$GO_IMAGE" --build-arg MODULE="$module" --build-arg PROGRAM="$program" \
    ${PROXY:+--build-arg GOPROXY="$PROXY"} . >/dev/null
  if [ -n "${CHECK:-}" ]; then check "$1" "$module" "$program"; fi
}

# check says whether the image's binary is what the source comes to, wherever it is built.
check() {
  local container
  container="$(docker create "millrace/$1:$TAG")"
  docker cp "$container:/app" "$SCRATCH/app" >/dev/null 2>&1
  docker rm "$container" >/dev/null
  CGO_ENABLED=0 go build -C "$2" -trimpath -buildvcs=false -ldflags='-s -w -buildid=' -o "$SCRATCH/own" "$3"
  cmp "$SCRATCH/app" "$SCRATCH/own" || { echo "build.sh: millrace/$1:$TAG is not what this source comes to" >&2; exit 1; }
  echo "build.sh: millrace/$1:$TAG is reproducible: $(sha256sum <"$SCRATCH/own" | cut -c1-16)"
}

base
[ $# -gt 0 ] || set -- useractivity wordcount producer rescue
for program in "$@"; do build "$program"; done
