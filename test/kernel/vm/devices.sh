# What lies below a guarded file system, written to directly: by a guest refused, by the host's own tools not.
. /lib.sh
mkdir -p /mnt/part /mnt/volume /mnt/lost
# soon COMMAND…: until the guard has seen a new mount.
soon() { for i in $(seq 30); do "$@" > /tmp/soon 2>&1 && return 0; sleep 0.1; done; cat /tmp/soon; return 1; }
# node NAME: the device among a guest's own.
node() { mkdir -p /mnt/ext4/guest/dev; [ -b /mnt/ext4/guest/dev/$1 ] || mknod /mnt/ext4/guest/dev/$1 b $(tr : ' ' < /sys/class/block/$1/dev); }
# keeps_off DEVICE…: guests, and not the host.
keeps_off() {
	for device; do
		node $device
		raw open /dev/$device /mnt/ext4/guest; [ $? = 3 ] || return 1
		raw open /dev/$device || return 1
	done
}

partition() {
	node vdd; raw open /dev/vdd /mnt/ext4/guest || return 1 # nothing on it is guarded yet
	stack partition /dev/vdd 81920 && mount /dev/vdd1 /mnt/part && soon share /mnt/part/d file 5000 g1 && keeps_off vdd1 vdd
}
check "a partition's disk is kept from guests" partition
commands() { raw command /dev/vdd /mnt/ext4/guest; [ $? = 3 ] || return 1; raw command /dev/vdd; [ $? = 1 ]; }
check "and a disk's raw commands through a descriptor for reading" commands
layout() { for what in partition read-only; do raw $what /dev/vdd /mnt/ext4/guest; [ $? = 3 ] || return 1; raw $what /dev/vdd; [ $? = 1 ] || return 1; done; }
check "and changes of its partitions and of its write protection" layout
umount /mnt/part

dd if=/dev/vdd of=/mnt/xfs/disk.img bs=1M 2> /dev/null; cp /mnt/xfs/disk.img /mnt/xfs/lost.img
mkdir -p /mnt/xfs/guest; ln /mnt/xfs/disk.img /mnt/xfs/guest/disk.img
volume() {
	raw open /disk.img /mnt/xfs/guest || return 1 # before the mount: a copy of a guarded file system has its UUID, and its marks come back
	losetup /dev/loop1 /mnt/xfs/disk.img && stack linear v0 /dev/loop1 81920 && mount /dev/dm-0 /mnt/volume || return 1
	soon share /mnt/volume/d file 5000 g1 && keeps_off dm-0 loop1 vdb
}
check "a volume's parts are kept from guests, down to the disk below a loop device's file" volume
backing() {
	raw open /disk.img /mnt/xfs/guest; [ $? = 3 ] || return 1
	raw truncate /disk.img /mnt/xfs/guest; [ $? = 3 ] && raw open /mnt/xfs/disk.img
}
check "and that file" backing
umount /mnt/volume; stack remove v0; losetup -d /dev/loop1

lost() {
	losetup /dev/loop2 /mnt/xfs/lost.img && rm /mnt/xfs/lost.img && mount /dev/loop2 /mnt/lost || return 1
	mkdir -p /mnt/lost/d; echo x > /mnt/lost/d/one; ln /mnt/lost/d/one /mnt/lost/d/two
	for i in $(seq 30); do mark $SOCKET mark /mnt/lost/d/one > /tmp/lost; grep -q not-mounted /tmp/lost || break; sleep 0.1; done
	grep unknown-device /tmp/lost && echo y >> /mnt/lost/d/one
}
check "a file system whose device cannot be traced is not guarded, and says so" lost
umount /mnt/lost; losetup -d /dev/loop2

member() { share /mnt/btrfs/members file 5000 g1 && keeps_off vdc; }
check "btrfs's devices are kept from guests" member
