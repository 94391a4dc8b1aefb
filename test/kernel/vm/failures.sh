# A write is delayed, then refused, never leaked.
. /lib.sh
cd /mnt/ext4
share d lib.so 100000 g1 g2

full() {
	mkdir -p /mnt/small; mount -t ext4 /dev/vdd /mnt/small || return 1
	share /mnt/small/d big 3000000 g1
	dd if=/dev/zero of=/mnt/small/fill bs=1M 2>/dev/null
	sh -c ': >> /mnt/small/d/g1/big' 2>&1 | grep 'No space' && unchanged /mnt/small/d/pool/big && [ $(stat -c %h /mnt/small/d/pool/big) = 2 ] &&
	! chmod 700 /mnt/small/d/g1/big && [ $(stat -c %a /mnt/small/d/pool/big) = 644 ] && ! ls -a /mnt/small/d/g1 | grep samepage
}
check "a full file system gives the caller ENOSPC and leaves the shared inode" full
rm /mnt/small/fill; umount /mnt/small; DIGEST=$(sha256sum < d/pool/lib.so)

# Dead: kill -9, then at once a write, a chmod, a read.
kill_guard
dead_write() { ! sh -c 'echo x >> d/g1/lib.so' 2> /tmp/why; grep 'not permitted' /tmp/why && unchanged d/pool/lib.so; }
dead_chmod() { ! chmod 700 d/g1/lib.so 2> /tmp/why; grep 'not permitted' /tmp/why && unchanged d/pool/lib.so; }
check "with the daemon dead a write is refused at once" dead_write
check "with the daemon dead a chmod is refused at once" dead_chmod
check "with the daemon dead readers, unlink and replace go on" sh -c 'cat d/g1/lib.so > /dev/null && cp d/g1/lib.so d/g1/new && mv d/g1/new d/g1/lib.so && ln d/pool/lib.so d/g1/more && rm d/g1/more'
start_guard
ln -f d/pool/lib.so d/g1/lib.so
check "the next daemon adopts hooks and marks, and writes work again" sh -c "mark $SOCKET status | grep '\"adopted\":true' && echo x >> d/g1/lib.so"
check "and the shared inode is intact" unchanged d/pool/lib.so

# Stuck: stopped, the heartbeat grows old.
kill -STOP $(cat /tmp/guardd.pid); sleep 3; ln -f d/pool/lib.so d/g1/lib.so
check "with the daemon stuck a write is refused" dead_write
kill -CONT $(cat /tmp/guardd.pid); sleep 1
check "and works once it goes on" sh -c 'echo x >> d/g1/lib.so'
kill_guard

# A thread that traces callers hangs: its guests are refused at once, not only once each has waited.
ln -f d/pool/lib.so d/g1/lib.so
export STALL_AT=seizing; start_guard samepage-guardd-crash; unset STALL_AT
refused_by() { mark $SOCKET status | sed "s/.*\"$1\":\([0-9]*\).*/\1/"; }
stalled() {
	for i in $(seq 8); do dead_write || return 1; done # the first waits; meanwhile the heartbeat grows old
	timeouts=$(refused_by timeout) unguarded=$(refused_by unguarded)
	for i in $(seq 5); do dead_write && dead_chmod || return 1; done
	[ $(refused_by timeout) = $timeouts ] && [ $(refused_by unguarded) = $((unguarded + 10)) ]
}
check "with a thread of the daemon stuck a write and a chmod are refused at once" stalled
kill_guard

# A copy that takes long, of callers that wait in the hook.
export STALL_AT=copied STALL_SECONDS=${long:-3}; start_guard samepage-guardd-crash; unset STALL_AT STALL_SECONDS
rm -rf w; share w file 100000 g1; ln w/pool/file w/uring; ln w/pool/file w/traced
waited() { waiting /mnt/ext4/w && unchanged w/pool/file; }
check "io_uring and a traced caller wait for a copy of ${long:-3} s" waited
DIGEST=$(sha256sum < d/pool/lib.so)
kill_guard

# Callers that were killed leave answers, and a killed daemon leaves answers and intentions: they take no room for ever.
start_guard
breaks() { ln -f d/pool/lib.so d/g1/lib.so && echo x >> d/g1/lib.so && unchanged d/pool/lib.so && [ $(inode d/g1/lib.so) != $(inode d/pool/lib.so) ]; }
kill -STOP $(cat /tmp/guardd.pid); fill-map answers 3 > /tmp/filled || sed 's/^/# /' /tmp/filled; kill -CONT $(cat /tmp/guardd.pid)
sleep 2
check "answers that nobody fetched soon make room: no write is refused" breaks
kill_guard; fill-map answers 1 > /tmp/filled && fill-map replacing 0 > /tmp/filled || sed 's/^/# /' /tmp/filled
start_guard
check "what a killed daemon and its callers left makes room for the next one's" breaks
kill_guard

for step in taken created copied intent linked renamed; do
	for how in write chmod; do
		ln -f d/pool/lib.so d/g1/lib.so
		export CRASH_AT=$step; start_guard samepage-guardd-crash; unset CRASH_AT
		if [ $how = write ]; then sh -c 'echo x >> d/g1/lib.so' 2> /dev/null; else chmod 700 d/g1/lib.so 2> /dev/null; fi
		result=$?
		for i in $(seq 50); do [ -e /proc/$(cat /tmp/guardd.pid)/exe ] || break; sleep 0.1; done
		died=1; [ -e /proc/$(cat /tmp/guardd.pid)/exe ] && died=0
		start_guard
		sleep 0.2
		intact() {
			[ $died = 1 ] || { echo "the daemon did not die"; return 1; }
			unchanged d/pool/lib.so && [ $(stat -c %a d/pool/lib.so) = 644 ] || { echo "the shared inode changed"; return 1; }
			[ "$(sha256sum < d/g2/lib.so)" = "$DIGEST" ] || { echo "another guest changed"; return 1; }
			ls -a d/g1 | grep samepage && { echo "a temporary was left"; return 1; }
			[ -e d/g1/lib.so ] || { echo "the name is gone"; return 1; }
			[ $result != 0 ] || [ $(inode d/g1/lib.so) != $(inode d/pool/lib.so) ] || { echo "success without a private copy"; return 1; }
		}
		check "kill -9 at step '$step' of a $how: an error or a private copy, all else intact, cleaned up" intact
		kill_guard
	done
done
start_guard

# A batch of which one inode's mark cannot be proved (through a read-only mount it is refused for another reason).
mkdir -p r/ro && echo 1 > r/first && echo 2 > r/ro/second && echo 3 > r/third && for f in first ro/second third; do ln r/$f r/$f.link; done
mount --bind r/ro r/ro && mount -o remount,bind,ro r/ro
marks() { mark $SOCKET status | sed 's/.*"marks":\([0-9]*\).*/\1/'; }
before=$(marks)
batch() { mark $SOCKET mark r/first r/ro/second r/third; [ $(marks) = $before ] && echo x >> r/first && [ $(inode r/first) = $(inode r/first.link) ]; }
check "a batch that fails half way marks nothing" batch
umount r/ro
# As after a reboot, below: the log must not know of them either.
ln d/pool/lib.so d/removed; cp d/pool/lib.so d/kept; ln d/kept d/kept2; mark $SOCKET mark d/kept

# An upgrade: the pinned programs are another version's.
kill_guard; ln -f d/pool/lib.so d/g1/lib.so; other-version
start_guard
upgraded() { grep 'another version were replaced' /tmp/guardd.log && sh -c 'echo x >> d/g1/lib.so' && unchanged d/pool/lib.so && [ $(inode d/g1/lib.so) != $(inode d/pool/lib.so) ] && [ ! -e /sys/fs/bpf/samepage-guard-old ]; }
check "programs of another version give way and leave their marks" upgraded

# Killed at every step of one, and of the tidying after it; `half` goes through `aside`, too.
for step in half whole ${thorough:+aside beside replaced}; do
	ln -f d/pool/lib.so d/g1/lib.so; kill_guard; other-version
	killed() {
		rm -f $SOCKET
		CRASH_AT=$1 timeout -s KILL 20 samepage-guardd-crash --state $STATE --socket $SOCKET 2>> /tmp/guardd.log
		[ ! -S $SOCKET ] || { echo "it did not die"; return 1; }
		dead_write || { echo "a write went through"; return 1; }
	}
	upgrade() {
		if [ $step = half ]; then killed aside || return 1; fi
		killed $step && start_guard && upgraded || return 1
		[ "$(mark $SOCKET status | sed 's/.*"adopted":\([a-z]*\).*/\1/')" = true ] || { echo "marks were read from the log"; return 1; }
	}
	check "kill -9 at step '$step' of an upgrade: hooks and marks stay in force" upgrade
	[ -S $SOCKET ] || start_guard
done

# A reboot: hooks and marks gone from the kernel, the log of marks on disk.
ln -f d/pool/lib.so d/g1/lib.so
exec 8< d/kept2; rm d/kept2
cp -a $STATE /tmp/state.kept; mark $SOCKET remove; await_end
check "removed hooks guard nothing" [ ! -e /sys/fs/bpf/samepage-guard ]
start_guard
reborn() { mark $SOCKET status | grep '"adopted":false' && sh -c 'echo x >> d/g1/lib.so' && unchanged d/pool/lib.so && [ $(inode d/g1/lib.so) != $(inode d/pool/lib.so) ]; }
check "after a reboot the marks are back from the log" reborn
again() { echo x >> r/first && [ $(inode r/first) = $(inode r/first.link) ] && echo x >> r/third && [ $(inode r/third) = $(inode r/third.link) ]; }
check "and those of a batch that failed are not" again
open_still() { echo x >> d/kept && [ "$(sha256sum <&8)" = "$DIGEST" ]; }
check "an inode with one name that another guest still has open is marked again, too" open_still
exec 8<&-

# Killed while it brings marks back, and while it rewrites their log.
reboot() { mark $SOCKET remove; await_end; rm -f $SOCKET; }
killed_at() {
	CRASH_AT=$1 timeout -s KILL 60 samepage-guardd-crash --state $STATE --socket $SOCKET 2>> /tmp/guardd.log
	[ ! -S $SOCKET ] || { echo "it did not die at '$1'"; return 1; }
}
mkdir -p m/pool m/g1 m/g2
for i in $(seq 20); do echo $i > m/pool/$i; ln m/pool/$i m/g1/$i; ln m/pool/$i m/g2/$i; done
mark $SOCKET mark m/pool/*; echo x > m/tried; mark $SOCKET try m/tried
all_break() {
	for i in $(seq 20); do
		echo x >> m/$1/$i && [ $(inode m/$1/$i) != $(inode m/pool/$i) ] && [ "$(cat m/pool/$i)" = $i ] || { echo "m/$1/$i was not guarded"; return 1; }
	done
}
reboot
interrupted() { killed_at revived && killed_at revived && killed_at compacted && start_guard && all_break g1; }
check "kill -9 while marks come back after a reboot: the next start has every one in force" interrupted
[ -S $SOCKET ] || start_guard
reboot; start_guard
check "and the log has every one" all_break g2

# btrfs takes the first free device number with every mount: another takes the one it had.
cd /mnt/btrfs; share n file 5000 g1 g2; cd /
device() { grep ' /mnt/btrfs ' /proc/self/mountinfo | cut -d ' ' -f 3; }
renumber() {
	was=$(device); mkdir -p /tmp/taken-$1
	umount /mnt/btrfs && mount -t tmpfs none /tmp/taken-$1 && mount -t btrfs /dev/vdc /mnt/btrfs && [ $(device) != $was ] || { echo "it still is $was"; return 1; }
}
own() { echo x >> /mnt/btrfs/n/$1/file && [ $(inode /mnt/btrfs/n/$1/file) != $(inode /mnt/btrfs/n/pool/file) ] && unchanged /mnt/btrfs/n/pool/file; }
again_mounted() {
	before=$(marks); renumber 1 || return 1
	for i in $(seq 50); do [ $(marks) -gt $before ] && break; sleep 0.1; done
	own g1
}
check "a file system that is mounted again under another number keeps its marks" again_mounted
meanwhile() { kill_guard; renumber 2 && start_guard && own g2; }
check "and so does one that was while no daemon ran" meanwhile
[ -S $SOCKET ] || start_guard
umount /tmp/taken-1 /tmp/taken-2; rm -rf /mnt/btrfs/n

# With a log of its own: what lies below a file system of the log that is not mounted would be kept.
reboot; STATE=/tmp/state.devices; start_guard
cd /mnt/ext4; share v file 5000 g1
kill_guard; fill-map devices 0 > /tmp/filled || sed 's/^/# /' /tmp/filled
start_guard
room() { cd /mnt/xfs && share v file 5000 g1 && echo x >> v/g1/file && unchanged v/pool/file; }
check "devices on which nothing guarded lies any more make room at the next start" room
kill_guard; rm -rf /mnt/ext4/v /mnt/xfs/v; STATE=/tmp/state

# An operator's umount is never told that the guard is busy there, wherever it was started.
unmounted() { # FILE-SYSTEM DEVICE
	cd /mnt/$1; start_guard && share u file 5000 g1 g2 && echo x >> u/g1/file && [ $(inode u/g1/file) != $(inode u/pool/file) ] || return 1
	cd /; umount /mnt/$1 && mount -t $1 $2 /mnt/$1 && cd /mnt/$1 || return 1
	for i in $(seq 50); do mark $SOCKET mark u/pool/file > /dev/null && break; sleep 0.1; done # until the guard has seen the mount
	echo x >> u/g2/file && [ $(inode u/g2/file) != $(inode u/pool/file) ] && unchanged u/pool/file
}
for pair in ext4:vda xfs:vdb btrfs:vdc; do
	check "${pair%:*}: an operator unmounts a guarded file system at once, and mounted again it is guarded" unmounted ${pair%:*} /dev/${pair#*:}
	cd /; rm -rf /mnt/${pair%:*}/u; kill_guard
done
start_guard
