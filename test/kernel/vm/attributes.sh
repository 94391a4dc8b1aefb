# The private copy is the shared file in everything but its inode number.
. /lib.sh
attributes() { # DIRECTORY
	chroot $1 /bin/sh -c '
	cat /bin/busybox > /file1; truncate -s 20M /file1; echo end >> /file1
	chown 33:34 /file1; chmod 6751 /file1; setfattr -n user.note -v hello /file1; setfattr -n trusted.t -v world /file1
	setfacl -m u:55:rw /file1; setcap cap_net_raw+ep /file1; touch -d "2019-03-04 05:06:07.123456789" /file1; ln /file1 /file2'
	mark $SOCKET mark $1/file2
	describe() { chroot $1 /bin/sh -c "stat -c '%s %a %u %g %y' /$2; getfattr -d -m - /$2; getfacl -cn /$2; getcap -n /$2; sha256sum < /$2" 2>&1 | sed "s/$2//"; }
	describe $1 file2 > /tmp/before
	exec 8<> $1/file1; exec 8<&-
	describe $1 file1 > /tmp/after
	[ $(inode $1/file1) != $(inode $1/file2) ] && grep -q note /tmp/after && grep -q cap_net_raw /tmp/after && grep -q 'user:55:rw' /tmp/after && diff /tmp/before /tmp/after
}
sparse() { [ $(stat -c %b $1/file1) -le $(($(stat -c %b $1/file2) + 16)) ]; }
inherited() {
	mkdir -p $1/acl; cp -a $1/bin/busybox $1/acl/plain; ln $1/acl/plain $1/acl/other
	chroot $1 setfacl -d -m u:77:rwx /acl
	mark $SOCKET mark $1/acl/other
	: >> $1/acl/plain
	[ $(inode $1/acl/plain) != $(inode $1/acl/other) ] && ! chroot $1 getfacl -cn /acl/plain | grep 'user:77' && [ $(stat -c %a $1/acl/plain) = $(stat -c %a $1/acl/other) ]
}
for fs in ext4 xfs btrfs; do
	cp -a /tools /mnt/$fs/a
	check "$fs: owner, mode, times, xattrs, ACL, capability and bytes are copied" attributes /mnt/$fs/a
	check "$fs: holes stay holes" sparse /mnt/$fs/a
	check "$fs: a directory's default ACL is not inherited by a copy" inherited /mnt/$fs/a
done
