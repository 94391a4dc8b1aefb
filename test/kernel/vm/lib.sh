# What every suite uses. Tests print `ok NAME # detail` or `not ok NAME # detail`.
SOCKET=/tmp/guard.sock
STATE=/tmp/state

# start_guard [PROGRAM]: the daemon, ready.
start_guard() {
	rm -f $SOCKET
	${1:-samepage-guardd} --state $STATE --socket $SOCKET 2>> /tmp/guardd.log &
	echo $! > /tmp/guardd.pid
	for i in $(seq 300); do [ -S $SOCKET ] && return 0; sleep 0.1; done
	echo "# no guard: $(cat /tmp/guardd.log)"
	return 1
}

# await_end: until the kernel has taken the daemon apart and let go of its lock.
await_end() { while grep -q " $(cat /tmp/guardd.pid) " /proc/locks; do sleep 0.05; done; }

# kill_guard: kill -9, and gone when it returns.
kill_guard() { kill -9 $(cat /tmp/guardd.pid); await_end; }

# check NAME COMMAND…: the command's success is the test's. Its output is shown when it fails.
check() {
	name=$1; shift
	if "$@" > /tmp/check.out 2>&1; then echo "ok $name"; else echo "not ok $name # $(tail -n 5 /tmp/check.out | tr '\n' ' ')"; fi
}

# mount_all: ext4, xfs and btrfs under /mnt.
mount_all() {
	for pair in ext4:vda xfs:vdb btrfs:vdc; do
		mkdir -p /mnt/${pair%:*}
		mount -t ${pair%:*} /dev/${pair#*:} /mnt/${pair%:*} || echo "# ${pair%:*} does not mount"
	done
}

# share DIRECTORY NAME BYTES GUEST…: one inode under pool/NAME and GUEST/NAME, marked. Its digest: DIGEST.
share() {
	directory=$1 file=$2 bytes=$3; shift 3
	mkdir -p $directory/pool
	head -c $bytes /dev/urandom > $directory/pool/$file
	for guest; do mkdir -p $directory/$guest; ln -f $directory/pool/$file $directory/$guest/$file; done
	DIGEST=$(sha256sum < $directory/pool/$file)
	mark $SOCKET mark $directory/pool/$file
}

inode() { stat -c %i "$1"; }
unchanged() { [ "$(sha256sum < "$1")" = "$DIGEST" ]; }
# await_sweep: until the daemon has looked for inodes that have gone. It does so every 5 s, at the next request.
await_sweep() { sleep 5.5; mark ${1:-$SOCKET} status > /dev/null; }
