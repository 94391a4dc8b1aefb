# A kernel that cannot copy on write: in-place changes of shared inodes are refused, everything else is free.
. /lib.sh
mkdir -p /mnt/ext4; mount -t ext4 /dev/vda /mnt/ext4; cd /mnt/ext4
cp -a /tools g0
start_guard || exit
share d lib.so 20000 g1 g2 g3
says() { [ "$(samepage-guardd --probe)" = deny ] && mark $SOCKET status | grep '"mode":"deny"'; }
check "the probe and the status say that writes are refused, not copied" says
refused() { "$@" 2> /tmp/why && { echo "went through: $*"; return 1; }; grep -q 'not permitted' /tmp/why && unchanged d/pool/lib.so && [ $(inode d/g1/lib.so) = $(inode d/pool/lib.so) ]; }
opens() { for how in '>>' '>' '<>'; do refused sh -c ": $how d/g1/lib.so" || return 1; done; }
check "an open for writing is refused with EPERM" opens
check "truncate is refused with EPERM" refused truncate -s 10 d/g1/lib.so
metadata() { refused chmod 700 d/g1/lib.so && refused chown 12:13 d/g1/lib.so && refused touch -d '2001-01-01 00:00' d/g1/lib.so; }
check "chmod, chown and touch are refused with EPERM" metadata
mkdir -p g0/d; ln d/pool/lib.so g0/d/lib.so
attributes() {
	refused chroot g0 setfattr -n user.x -v y /d/lib.so && refused chroot g0 setfacl -m u:55:rw /d/lib.so && refused chroot g0 chattr +d /d/lib.so &&
	exec 7< d/g1/lib.so && refused sh -c ': >> /proc/self/fd/7' && refused chmod 700 /proc/self/fd/7
}
check "attributes, flags and descriptors of shared inodes are refused with EPERM" attributes
exec 7<&-
free() {
	cat d/g2/lib.so > /dev/null && ln d/g2/lib.so d/g2/more && mv d/g2/more d/g2/moved && rm d/g2/moved &&
	cp d/g2/lib.so d/g2/new && echo more >> d/g2/new && mv d/g2/new d/g2/lib.so && [ $(inode d/g2/lib.so) != $(inode d/pool/lib.so) ] && unchanged d/pool/lib.so
}
check "reading, link, unlink, rename and rename-over are free" free
plain() { echo x > d/plain && ln d/plain d/plain2 && echo y >> d/plain && chmod 700 d/plain; }
check "what is not shared is written as before" plain
alone() { # the first write tells the guard, which lifts the mark
	echo one > d/one; ln d/one d/two; mark $SOCKET mark d/one; rm d/two
	before=$(inode d/one)
	sh -c 'echo x >> d/one' 2> /dev/null && return 1
	for i in $(seq 50); do sh -c 'echo x >> d/one' 2> /dev/null && break; sleep 0.1; done
	[ $(inode d/one) = $before ] && [ "$(tail -n 1 d/one)" = x ] && ! ls -A d | grep samepage
}
check "the last name is soon written in place" alone
echo one > d/lifted; ln d/lifted d/lifted2; mark $SOCKET try d/lifted
check "an unmarked inode is written again" sh -c 'echo x >> d/lifted'
kill_guard
check "a killed daemon opens nothing" refused sh -c ': >> d/g1/lib.so'
check "the shared inode is intact" unchanged d/g3/lib.so
cat /tmp/guardd.log
