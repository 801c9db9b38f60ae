#!/usr/bin/env bash
# make-root.sh FOLDER: a Debian 12 with what Coracle and the checks need, as FOLDER/disk.ext4 with its FOLDER/vmlinuz and
# FOLDER/initrd.img. Needs root, debootstrap and Debian's mirror; takes some minutes, once.
set -euo pipefail
out=$1
tree=$out/tree.making
packages=(
  linux-image-amd64 kmod iproute2 procps util-linux          # a machine
  systemd-sysv dbus                                          # for the check under systemd
  containerd runc containernetworking-plugins nftables conntrack curl ca-certificates   # as scripts/setup.sh
  open-iscsi tgt nfs-common nfs-kernel-server wireguard-tools apparmor socat e2fsprogs xfsprogs # what the checks are about
)

rm -rf --one-file-system "$tree"
mkdir -p "$tree"
trap 'umount -q "$tree/proc" || true; rm -rf --one-file-system "$tree"' EXIT
trap 'exit 130' INT TERM
debootstrap --variant=minbase bookworm "$tree" "${DEBIAN_MIRROR:-http://deb.debian.org/debian}"
# Nothing of it is to run while it is installed, nor by itself when the machine starts: each check starts what it needs.
printf '#!/bin/sh\nexit 101\n' >"$tree/usr/sbin/policy-rc.d"
chmod 755 "$tree/usr/sbin/policy-rc.d"
cp /etc/resolv.conf "$tree/etc/resolv.conf"
mount -t proc proc "$tree/proc"
DEBIAN_FRONTEND=noninteractive chroot "$tree" apt-get install -y --no-install-recommends "${packages[@]}"
chroot "$tree" apt-get clean
chroot "$tree" systemctl disable containerd open-iscsi iscsid.socket tgt nfs-server nfs-kernel-server nftables 2>/dev/null || true
umount "$tree/proc"
rm -rf "$tree"/var/lib/apt/lists/* "$tree/etc/resolv.conf" "$tree/usr/share/doc" "$tree/usr/share/man"
mkdir -p "$tree/repository" "$tree/lower" "$tree/results"
echo coracle-vm >"$tree/etc/hostname"
printf '127.0.0.1 localhost\n10.0.2.15 coracle-vm\n' >"$tree/etc/hosts"

# What the machine starts with: the rest is in the repository, and may change without another disk.
cat >"$tree/coracle-init" <<'INIT'
#!/bin/bash
modprobe -a 9pnet_virtio 9p
mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,ro,cache=loose repository /lower
exec /lower/test/vm/inside/init.sh
INIT
chmod 755 "$tree/coracle-init"

cp -L "$tree/vmlinuz" "$out/vmlinuz"
cp -L "$tree/initrd.img" "$out/initrd.img"
rm -f "$out/disk.ext4"
mke2fs -q -t ext4 -d "$tree" "$out/disk.ext4.making" 12G
mv "$out/disk.ext4.making" "$out/disk.ext4"
