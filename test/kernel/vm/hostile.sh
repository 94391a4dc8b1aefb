. /lib.sh
for fs in ext4 xfs btrfs; do
	cd /mnt/$fs
	for attack in raw-device reopen handle xfs-handle own-link storm mounts userns path-descriptor lease; do
		[ $attack = raw-device ] && [ $fs = btrfs ] && continue # mknod of stat's anonymous device opens nothing
		rm -rf hostile; share hostile target 50000 g1 g2
		before=$(stat -c '%s %a %u' hostile/pool/target)
		attack() {
			timeout -s KILL 60 hostile /mnt/$fs/hostile $attack || { echo "it went through"; return 1; }
			[ "$(sha256sum < hostile/pool/target)" = "$DIGEST" ] && [ "$(sha256sum < hostile/g2/target)" = "$DIGEST" ] || { echo "bytes changed"; return 1; }
			[ "$(stat -c '%s %a %u' hostile/pool/target)" = "$before" ] || { echo "attributes changed"; return 1; }
		}
		check "$fs: hostile guest, $attack: nothing of the shared inode changes" attack
	done
done
