# A copy is its owner's: it counts against the owner's quota.
. /lib.sh
mkdir -p /mnt/quota
over_quota() { # DEVICE
	cd /mnt/quota; rm -rf q; mkdir -p q/pool q/g1
	head -c 3000000 /dev/urandom > q/pool/file; chown 1234 q/pool/file; chmod 666 q/pool/file; ln q/pool/file q/g1/file
	DIGEST=$(sha256sum < q/pool/file); sync
	mark $SOCKET mark q/pool/file || return 1
	quota $1 1234 4000 || return 1
	for how in 'echo x >> q/g1/file' 'chmod 600 q/g1/file'; do
		sh -c "$how" 2> /tmp/why && { echo "went through: $how"; quota $1 1234 4000; return 1; }
		grep -q 'quota exceeded' /tmp/why || { cat /tmp/why; return 1; }
	done
	unchanged q/pool/file && [ "$(stat -c '%h %a' q/pool/file)" = "2 666" ] && ! ls -A q/g1 | grep samepage && [ $(inode q/g1/file) = $(inode q/pool/file) ]
}
enough() { quota $1 1234 10000 && echo x >> /mnt/quota/q/g1/file && [ $(inode /mnt/quota/q/g1/file) != $(inode /mnt/quota/q/pool/file) ]; }
for pair in ext4:vdd:usrquota xfs:vdb:uquota; do
	fs=${pair%%:*}; rest=${pair#*:}; device=/dev/${rest%:*}
	cd /; ! grep -q "^$device " /proc/mounts || umount $device || echo "not ok $fs: it does not let go"
	mount -t $fs -o ${rest#*:} $device /mnt/quota || { echo "not ok $fs: mount with quota"; continue; }
	for i in $(seq 20); do mark $SOCKET status > /dev/null && break; sleep 0.1; done
	check "$fs: a copy that its owner's quota has no room for is refused with EDQUOT, the shared inode is untouched" over_quota $device
	check "$fs: and made once there is room" enough $device
	rm -rf /mnt/quota/q; cd /; umount /mnt/quota
done
mount -t xfs /dev/vdb /mnt/xfs
