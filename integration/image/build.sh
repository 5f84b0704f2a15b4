#!/usr/bin/env bash
# Makes the Kafka images for the integration tests where none can be pulled: a
# Debian with a JRE by debootstrap, Kafka's jars by Maven.
#
#   integration/image/build.sh [version...]      default: 4.3.1 3.8.0
#
# Needs root, a Docker daemon, debootstrap and mvn. The result is
# millrace/kafka:<version>, which `go test ./integration/...` finds by itself.
set -euo pipefail
cd "$(dirname "$0")"

SUITE="${SUITE:-$(. /etc/os-release && echo "$VERSION_CODENAME")}"
JRE="${JRE:-openjdk-17-jre-headless}"
SCRATCH="$(mktemp -d)"
trap 'rm -rf --one-file-system "$SCRATCH"' EXIT

have() { docker image inspect "$1" >/dev/null 2>&1; }

# need says what is missing, and how to get it, before minutes have been spent.
need() {
  command -v "$1" >/dev/null || { echo "build.sh: $1 is missing: apt-get install $2" >&2; exit 1; }
}

# mirror is where this machine's own packages come from: the first URI of its
# sources, in the format of today or of yesterday.
mirror() {
  {
    sed -n 's/^URIs: *\([^ ]*\).*/\1/p' /etc/apt/sources.list.d/*.sources
    sed -n 's/^deb \(\[[^]]*\] \)\?\([^ ]*\) .*/\2/p' /etc/apt/sources.list
  } 2>/dev/null | head -n 1
}

# base imports the root file system that all versions share.
base() {
  local root="$SCRATCH/root"
  echo "build.sh: millrace/jre from $SUITE with $JRE"
  debootstrap --variant=minbase --include="$JRE" "$SUITE" "$root" "$(mirror)" >"$SCRATCH/debootstrap.log" 2>&1 ||
    { tail -n 20 "$SCRATCH/debootstrap.log" >&2; exit 1; }
  # The image installs nothing further, so it needs no lists, caches or sources.
  rm -rf "$root"/var/{cache/apt,lib/apt/lists,log}/* "$root"/usr/share/{doc,man,locale}/* "$root"/etc/apt/sources.list*
  tar -C "$root" -c . | docker import - millrace/jre >/dev/null
}

# kafka builds the image of one version on that base.
kafka() {
  local version="$1" context="$SCRATCH/$1"
  echo "build.sh: millrace/kafka:$version"
  mkdir -p "$context"
  cp -r Dockerfile rootfs "$context"
  mvn -q -B -f pom.xml -P "kafka-${version%%.*}" -Dkafka.version="$version" \
    dependency:copy-dependencies -DoutputDirectory="$context/libs"
  docker build -q -t "millrace/kafka:$version" "$context" >/dev/null 2>"$SCRATCH/build.log" ||
    { cat "$SCRATCH/build.log" >&2; exit 1; }
}

need docker docker.io
[ $# -gt 0 ] || set -- 4.3.1 3.8.0
for version in "$@"; do
  if have "millrace/kafka:$version"; then continue; fi
  need mvn maven
  if ! have millrace/jre; then need debootstrap debootstrap; base; fi
  kafka "$version"
done
