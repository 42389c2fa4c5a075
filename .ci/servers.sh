#!/usr/bin/env bash
# The real servers and the browser that tests start: SLURM, HTCondor, Swift, nginx, Chromium. Installs
# what is missing, as root on Debian; quick when all is there. Each failure is one line, and the tests
# of that server then say so themselves.
set -uo pipefail
cd "$(dirname "$0")"
failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# attempt WHAT COMMAND...: quiet unless it fails
attempt() {
  local what=$1
  shift
  "$@" >"$log" 2>&1 && return
  echo ".ci/servers.sh: no $what: $(grep -v '^$' "$log" | tail -n 1)" >&2
  failed=1
  return 1
}

# packages COMMAND=PACKAGE...: install the packages whose command is missing
packages() {
  local pair wanted=()
  for pair; do
    command -v "${pair%%=*}" >/dev/null || wanted+=("${pair#*=}")
  done
  [ ${#wanted[@]} -eq 0 ] && return
  [ "$(id -u)" -eq 0 ] || { echo "root is needed to install ${wanted[*]}"; return 1; }
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq && apt-get install -y -qq --no-install-recommends "${wanted[@]}"
}

swift() {
  [ -x servers/swift/bin/swift-proxy-server ] && return
  rm -rf servers/swift
  python3 -m venv servers/swift &&
    servers/swift/bin/pip install -q swift==2.38.3 python-memcached 'setuptools<81'
}

# the compose plugin, which works by itself, out of Debian 13: Debian 12 has none
compose() {
  local place=$PWD/servers/compose work release mirror
  [ -x "$place/docker-compose" ] && return
  docker compose version && return
  work=$(mktemp -d) && mkdir -p "$work/lists/partial" "$work/archives/partial" "$place" || return
  release=$(. /etc/os-release && echo "$VERSION_CODENAME")
  mirror=$(apt-get indextargets --format '$(REPO_URI)' "Codename: $release" | head -n 1)
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main" >"$work/list"
  local apt=(apt-get -qq -o Dir::Etc::sourcelist="$work/list" -o Dir::Etc::sourceparts=/dev/null
    -o Dir::State::lists="$work/lists" -o Dir::Cache="$work")
  "${apt[@]}" update && (cd "$work" && "${apt[@]}" download docker-compose &&
    dpkg-deb --fsys-tarfile docker-compose_*.deb |
    tar -xO ./usr/libexec/docker/cli-plugins/docker-compose >docker-compose &&
    install -m 755 docker-compose "$place/docker-compose") && rm -rf "$work"
}

# a Debian 13 of its own, because Debian 12 has no HTCondor
condor() {
  local root=$PWD/condor release mirror
  [ -e "$root/ready" ] && return
  [ "$(id -u)" -eq 0 ] || { echo "root is needed to make $root"; return 1; }
  rm -rf "$root"
  release=$(. /etc/os-release && echo "$VERSION_CODENAME")
  mirror=$(apt-get indextargets --format '$(REPO_URI)' "Codename: $release" | head -n 1)
  debootstrap --variant=minbase --include=ca-certificates trixie "$root" "$mirror" || return
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
  chmod +x "$root/usr/sbin/policy-rc.d"
  chroot "$root" env DEBIAN_FRONTEND=noninteractive sh -c 'apt-get update -qq &&
    apt-get install -y -qq --no-install-recommends condor minicondor procps &&
    useradd -m scan && apt-get clean && rm -rf /var/lib/apt/lists/*' || return
  cat >"$root/etc/condor/config.d/90-local" <<'CONFIG'
BASE_CGROUP =
MOUNT_UNDER_SCRATCH =
STARTD_ENFORCE_DISK_LIMITS = False
NUM_CPUS = 2
SLOT_TYPE_1 = 100%
NUM_SLOTS_TYPE_1 = 1
SLOT_TYPE_1_PARTITIONABLE = True
UID_DOMAIN = local
FILESYSTEM_DOMAIN = local
CONFIG
  chmod 755 "$root/root" # the interpreter may live there
  touch "$root/ready"
}

attempt "packages" packages slurmctld=slurmctld slurmd=slurmd sbatch=slurm-client munged=munge \
  ip=iproute2 memcached=memcached debootstrap=debootstrap systemd-analyze=systemd nginx=nginx-light
attempt "Chromium" packages chromium=chromium
attempt "Swift" swift
attempt "compose" compose
attempt "HTCondor" condor
exit $failed
