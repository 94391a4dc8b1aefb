# No guest's calls, whatever it does, hang or starve the others'.
. /lib.sh
cd /mnt/ext4; rm -rf q; mkdir -p q/pool q/quiet
head -c 300000 /dev/urandom > q/pool/file; DIGEST=$(sha256sum < q/pool/file)
mark $SOCKET mark q/pool/file

# zombies: of processes that the daemon traced.
zombies() { grep -l '^State:.Z' /proc/[0-9]*/status 2> /dev/null | wc -l; }
killed_callers() { cd /mnt/ext4/q && killed . ${killed:-100} && sleep 1 && [ $(zombies) = 0 ] && unchanged pool/file; }
check "a caller that is killed while the guard holds it is reaped by its parent, ${killed:-100} times" killed_callers
cat /tmp/check.out | sed 's/^/# /'
cd /mnt/ext4

# quiet_breaks COUNT PREFIX: as many breaks one after the other, none of which may be refused.
quiet_breaks() {
	for i in $(seq $1); do ln q/pool/file q/quiet/$2$i; done
	for i in $(seq $1); do
		: >> q/quiet/$2$i || { echo "write $i refused"; return 1; }
		[ $(stat -c %h q/quiet/$2$i) = 1 ] || { echo "write $i broke nothing"; return 1; }
	done
	unchanged q/pool/file
}
# What the daemon says of the breaks of a name, the most of a figure.
most() { cat $STATE/breaks.jsonl.1 $STATE/breaks.jsonl 2> /dev/null | grep "\"name\":\"$1" | sed "s/.*\"$2\":\([0-9]*\).*/\1/" | sort -n | tail -n 1; }
count_of() { cat $STATE/breaks.jsonl.1 $STATE/breaks.jsonl 2> /dev/null | grep -c "\"name\":\"$1"; }

# An execve that hangs on the guest's own file system keeps everybody from tracing the process.
ln q/pool/file q/hostile
blocked-exec /mnt/ext4/q 5 > /tmp/blocked & blocked=$!
for i in $(seq 100); do grep -q ready /tmp/blocked && break; sleep 0.1; done
others_go_on() { grep ready /tmp/blocked && quiet_breaks 20 exec; }
check "an execve that hangs on a guest's FUSE file system: no write of others is refused" others_go_on
wait $blocked
own_return() { cat /tmp/blocked; [ $(sed -n 's/ calls returned//p' /tmp/blocked) -ge 2 ]; }
check "and the guest's own calls return" own_return

# A guest must not wait for itself under the lock of an inode that others share.
rm -f q/hostile; ln q/pool/file q/hostile; ln q/pool/file q/beside
parked /mnt/ext4/q 8 > /tmp/parked & parked=$!
for i in $(seq 100); do grep -q ready /tmp/parked && break; sleep 0.1; done
sleep 1
unhindered() {
	grep ready /tmp/parked && chmod 711 q/beside && unchanged q/pool/file && [ "$(stat -c %a q/beside)" = 711 ] && rm q/beside &&
	kill -0 $parked && ! grep -E 'returned|hung' /tmp/parked
}
check "a chmod whose caller's stack lies on a page that never comes: others change and read the same inode" unhindered
wait $parked
check "and the call itself returns" grep returned /tmp/parked

# A storm of breaks.
storm /mnt/ext4/q breaks & stormer=$!
for i in $(seq 100); do [ $(count_of storm) -ge 100 ] && break; sleep 0.1; done
before=$(count_of storm)
fair() {
	quiet_breaks 15 fair || return 1
	stormed=$(($(count_of storm) - before)); overtaken=$(most fair overtaken)
	echo "15 breaks beside $stormed of the storm; one waited for at most $overtaken of them"
	[ $(count_of fair) = 15 ] && [ $stormed -ge 15 ] && [ "$overtaken" -le 2 ]
}
check "a storm of breaks in one guest: a break in another waits for at most 2 of them" fair
cat /tmp/check.out | sed 's/^/# /'
kill -9 $stormer; wait $stormer 2> /dev/null

# A flood of what nobody waits for.
for i in $(seq 40); do echo $i > q/alone$i; ln q/alone$i q/second$i; done
mark $SOCKET mark q/alone*; rm q/second*
storm /mnt/ext4/q notes & stormer=$!
sleep 2
dropped() { mark $SOCKET status | sed 's/.*"notesDropped":\([0-9]*\).*/\1/'; }
refused() { mark $SOCKET status | sed 's/.*"unguarded":\([0-9]*\),"timeout":\([0-9]*\).*/\1 \2/'; }
before=$(refused)
flooded() { quiet_breaks 15 flood && [ "$(refused)" = "$before" ] && [ $(dropped) -gt 0 ] && echo "$(dropped) dropped"; }
check "a flood of events that nobody waits for: no write of others is refused" flooded
cat /tmp/check.out | sed 's/^/# /'
kill -9 $stormer; wait $stormer 2> /dev/null
recovers() { for i in $(seq 50); do setfattr_alone && return 0; sleep 0.1; done; return 1; }
setfattr_alone() { chmod 700 q/alone1 && : >> q/alone1; }
check "and a mark whose event was dropped goes with the next write" recovers
rm -rf q
