. /lib.sh
for fs in ext4 xfs btrfs; do
	cd /mnt/$fs; rm -rf i; share i target 50000 g1 g2
	ioctls i $fs
done
