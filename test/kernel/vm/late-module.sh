# A file system whose module is loaded when the guard is in the kernel already.
. /lib.sh
start_guard || exit
insmod /modules/$later.ko
mkdir -p /mnt/$later; mount -t $later /dev/vdc /mnt/$later; cd /mnt/$later
breaks() {
	for i in $(seq 20); do share late file 5000 g1 && break; sleep 0.1; done # until the daemon has seen the mount
	echo x >> late/g1/file && [ $(inode late/g1/file) != $(inode late/pool/file) ] && unchanged late/pool/file
}
check "$later loaded after the programs: a mark is enforced and a write breaks the link" breaks
cd /; rm -r /mnt/$later/late; umount /mnt/$later; kill_guard
