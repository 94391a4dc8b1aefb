# The samepage command from unify to deunify under guard cow, on two guests that a shell writes to.
. /lib.sh
mount_all
mkdir -p /mnt/samepage /run /var/lib
mount -t ext4 -o ro /dev/vde /mnt/samepage
ln -sfn /mnt/samepage/lib /lib
ln -sfn /mnt/samepage/lib64 /lib64
[ -S $SOCKET ] && mark $SOCKET remove
samepage() { /mnt/samepage/bin/node /mnt/samepage/lib/samepage.mjs "$@" 2> /tmp/samepage.err || { cat /tmp/samepage.err; return 1; }; }
# field NAME: the number of that name in the last answer, the first there is.
field() { sed 's/[{,]/\n/g' /tmp/answer | sed -n "s/^\"$1\"://p" | head -n 1 | tr -d '}]'; }
# Of directories not the times: the shell below makes and renames files in them.
describe() { (cd $1 && find . -type d -print0 | sort -z | xargs -0 stat -c '%n %f %u %g' && find . ! -type d -print0 | sort -z | xargs -0 stat -c '%n %f %u %g %s %y' && find . -type f -print0 | sort -z | xargs -0 sha256sum); }

for fs in ext4 xfs btrfs; do
	[ $fs = ext4 ] || [ "$thorough" ] || continue
	cd /mnt/$fs; mkdir -p u; cd u
	cp -a /tools g1; cp -a /tools g2
	printf '#!/bin/sh\necho one\n' > g1/bin/script
	# Whole seconds: busybox copies times to the microsecond, and files that differ in time are not unified.
	touch -d '2020-01-02 03:04:05' g1/bin/script; cp -a g1/bin/script g2/bin/script
	for guest in g1 g2; do # one file of two names in each, and one that both guests will have removed
		printf '#!/bin/sh\necho own\n' > $guest/bin/own; printf '#!/bin/sh\necho gone\n' > $guest/bin/gone
		touch -d '2020-01-02 03:04:05' $guest/bin/own $guest/bin/gone; ln $guest/bin/own $guest/bin/own2
	done
	describe g1 > /tmp/before1; describe g2 > /tmp/before2
	state=/mnt/$fs/u/state

	unified() {
		samepage local unify --json --guard cow --state-dir $state g1 g2 > /tmp/answer || return 1
		grep -q '"guard":"cow"' /tmp/answer && [ $(field unified) -gt 50 ] && [ $(field own-links) -ge 4 ] && [ $(inode g1/bin/bash) = $(inode g2/bin/bash) ] || { cat /tmp/answer; return 1; }
		describe g1 > /tmp/now; diff /tmp/before1 /tmp/now && describe g2 > /tmp/now && diff /tmp/before2 /tmp/now
	}
	check "$fs: samepage local unify --guard cow: guests share inodes and see no difference" unified
	shared=$(inode g1/bin/script)
	written() {
		echo 'echo two' >> g1/bin/script && [ "$(sh g1/bin/script)" = "$(printf 'one\ntwo')" ] && [ "$(sh g2/bin/script)" = one ] &&
		[ $(inode g1/bin/script) != $shared ] && [ $(inode g2/bin/script) = $shared ] && describe g2 > /tmp/now && diff /tmp/before2 /tmp/now
	}
	check "$fs: a write in one guest is its own, the other keeps file and bytes" written
	refused() { ! chroot g1 setfattr -n user.note -v x /bin/bash 2> /tmp/why; grep 'not permitted' /tmp/why; }
	check "$fs: an attribute of a shared file is refused" refused
	known() {
		samepage local status --json --state-dir $state g1 g2 > /tmp/answer || return 1
		[ $(field marks) -gt 50 ] && [ $(field breaks) -ge 1 ] && [ $(field rule) -ge 1 ] && [ $(field p99) -gt 0 ] && [ $(field mode) = '"copy"' ] || { cat /tmp/answer; return 1; }
	}
	check "$fs: samepage local status lists marks, breaks, refused writes and latency" known
	linked() {
		echo 'echo two' >> g1/bin/own && [ "$(sh g1/bin/own2)" = "$(printf 'own\ntwo')" ] && [ $(inode g1/bin/own) = $(inode g1/bin/own2) ] && [ "$(sh g2/bin/own)" = own ]
	}
	check "$fs: names of one file in a guest stay one file when one of them is written" linked
	again() {
		cp -a g2/bin/script g1/bin/script.new && mv g1/bin/script.new g1/bin/script && [ $(inode g1/bin/script) != $shared ] &&
		samepage local unify --json --guard cow --state-dir $state g1 g2 > /tmp/answer && [ $(field unified) -ge 1 ] && [ $(inode g1/bin/script) = $shared ]
	}
	check "$fs: a broken link whose content is equal again is unified again" again
	# A guest that removed its name still has the file open; so it does when the command gives everybody a file of his own.
	exec 9< g2/bin/gone; gone=$(sha256sum < g2/bin/gone)
	collected() {
		[ $(inode g1/bin/gone) = $(inode g2/bin/gone) ] && rm g1/bin/gone g2/bin/gone || return 1
		samepage local gc --json --state-dir $state g1 g2 > /tmp/answer && [ $(field removed) -ge 1 ] || { cat /tmp/answer; return 1; }
		await_sweep /run/samepage-guard.sock
		! sh -c 'echo x >> /proc/self/fd/9' 2> /tmp/why; grep 'not permitted' /tmp/why && [ "$(sha256sum <&9)" = "$gone" ]
	}
	check "$fs: samepage local gc: who has a removed file open still, reads its bytes" collected
	describe g1 > /tmp/before1; describe g2 > /tmp/before2
	exec 9< g2/bin/script 8< g1/bin/script; script=$(sha256sum < g2/bin/script)
	separate() {
		samepage local deunify --json --state-dir $state g1 g2 > /tmp/answer || return 1
		describe g1 > /tmp/now; diff /tmp/before1 /tmp/now || return 1
		describe g2 > /tmp/now; diff /tmp/before2 /tmp/now || return 1
		[ $(inode g1/bin/bash) != $(inode g2/bin/bash) ]
	}
	check "$fs: samepage local deunify: every file is the guest's own again" separate
	old() { echo x >> g1/bin/script && echo y >> g2/bin/script && [ "$(sha256sum <&9)" = "$script" ] && [ "$(sha256sum <&8)" = "$script" ]; }
	check "$fs: and who has the shared file open still, reads its bytes" old
	exec 8<&- 9<&-
	unmarked() { for i in $(seq 150); do mark /run/samepage-guard.sock status | grep '"marks":0,' && return 0; sleep 0.1; done; mark /run/samepage-guard.sock status; return 1; }
	check "$fs: and when nobody has, no mark is left" unmarked
done
