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
	sync # what is being written back, btrfs holds itself
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
	for i in 0 1 2 3 4 5; do
		mkdir -p held/g1 held/g2
		head -c 20000 /dev/urandom > held/g1/f$i; ln held/g1/f$i held/g2/f$i
	done
	mark $SOCKET mark held/g1/*
	holders held $fs
	head -c 5000 /dev/urandom > one/mine; ln one/mine one/mine2; DIGEST=$(sha256sum < one/mine)
	lifts() {
		mark $SOCKET try one/mine && echo x >> one/mine && [ $(inode one/mine) = $(inode one/mine2) ] || { echo "not lifted"; return 1; }
		DIGEST=$(sha256sum < one/mine); mark $SOCKET mark one/mine && mark $SOCKET try one/mine && mark $SOCKET unmark one/mine
		echo x >> one/mine; unchanged one/mine2 || return 1
		cp one/mine2 one/own; ln one/own one/own2; mark $SOCKET retry one/own; echo x >> one/own; unchanged one/own2 # shared, for all the guard knows, in between
	}
	check "$fs: only who set a mark lifts it" lifts
	# The last name is replaced by a copy while another guest has the inode open: it stays marked for as long as that.
	head -c 5000 /dev/urandom > one/gone; ln one/gone one/gone2; mark $SOCKET mark one/gone; sha256sum < one/gone > /tmp/gone.$fs
	case $fs in ext4) exec 5< one/gone2 ;; xfs) exec 6< one/gone2 ;; btrfs) exec 7< one/gone2 ;; esac
	rm one/gone2; echo x >> one/gone
done
marks() { mark $SOCKET status | sed 's/.*"marks":\([0-9]*\).*/\1/'; }
await_sweep; before=$(marks)
for pair in ext4:5 xfs:6 btrfs:7; do
	fd=${pair#*:}
	outlasts() { ! sh -c "echo x >> /proc/self/fd/$fd" 2> /tmp/why; grep 'not permitted' /tmp/why && [ "$(sha256sum < /proc/self/fd/$fd)" = "$(cat /tmp/gone.${pair%:*})" ]; }
	check "${pair%:*}: a mark outlasts the last name for as long as somebody has the inode open" outlasts
done
exec 5<&- 6<&- 7<&-
goes() { for i in $(seq 120); do [ $(marks) -le $((before - 3)) ] && return 0; sleep 0.1; done; echo "$before marks before, $(marks) now"; return 1; }
check "and goes when the inode has gone" goes
mark $SOCKET status
