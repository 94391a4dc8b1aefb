. /lib.sh
mount_all
start_guard || exit
for fs in ${FS:-ext4 xfs btrfs}; do
	cd /mnt/$fs
	mkdir -p s/pool s/g1 s/g2
	for i in $(seq 0 39); do
		f=$(printf f%02d $i)
		head -c 20000 /dev/urandom > s/pool/$f
		touch -d "2020-01-02 03:04:05" s/pool/$f
		ln s/pool/$f s/g1/$f; ln s/pool/$f s/g2/$f
	done
	mark $SOCKET mark s/pool/*
	semantics s $fs
	mkdir -p one; head -c 5000 /dev/urandom > one/file; ln one/file one/second; ln one/file one/third
	mark $SOCKET mark one/file
	rm one/second one/third; old=$(inode one/file)
	check "$fs: the last link is written in place, without a copy" sh -c "echo x >> one/file && [ $(inode one/file) = \$(stat -c %i one/file) ]"
	check "$fs: what is no longer shared takes attributes again" sh -c 'chmod 700 one/file && [ $(stat -c %a one/file) = 700 ]'
	# Another guest removed its name but still has the file open: its bytes must stay.
	head -c 5000 /dev/urandom > one/open; ln one/open one/other
	mark $SOCKET mark one/open; DIGEST=$(sha256sum < one/open)
	exec 9< one/other; rm one/other; old=$(inode one/open)
	check "$fs: the last link is copied while another guest has it open" sh -c "echo x >> one/open && [ $old != \$(stat -c %i one/open) ]"
	old_bytes() { [ "$(sha256sum <&9)" = "$DIGEST" ] && [ $(stat -c %s one/open) = 5002 ]; }
	check "$fs: and that guest reads the old bytes" old_bytes
	exec 9<&-
done
mark $SOCKET status
