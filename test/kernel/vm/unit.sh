# Under systemd, started by the unit that is installed: its capabilities, system call filter and restrictions are in force.
export PATH=/bin
. /lib.sh
SOCKET=/run/samepage-guard.sock
STATE=/var/lib/samepage/guard
main() { systemctl show -P MainPID samepage-guardd; }
field() { sed -n "s/^$1:[[:space:]]*//p" /proc/$(main)/status; }
sandboxed() {
	systemctl is-active samepage-guardd && [ $(field Seccomp) = 2 ] && [ $(field NoNewPrivs) = 1 ] || return 1
	# The unit's set, and CAP_SYS_RESOURCE (bit 24), which would pass quotas, not in it.
	bounding=$((0x$(field CapBnd))); echo "bounding set $(field CapBnd), effective $(field CapEff)"
	[ $bounding != $((0x1ffffffffff)) ] && [ $((bounding >> 24 & 1)) = 0 ] && [ $((0x$(field CapEff) & ~bounding)) = 0 ]
}
check "the installed unit starts the guard, with its sandbox in force" sandboxed
sed 's/^/# /' /tmp/check.out
mkdir /guests; cd /guests; share . file 300000 g1 g2 g3
broken() { [ $(inode $1/file) != $(inode pool/file) ] && unchanged pool/file; }
write() { echo x >> g1/file && broken g1; }
check "in it a write breaks the link" write
change() { chmod 700 g2/file && broken g2 && [ $(stat -c %a pool/file) = 644 ]; }
check "in it a chmod breaks the link" change
before=$(main)
kill -STOP $before
restarted() {
	for i in $(seq 300); do [ "$(main)" != $before ] && [ "$(main)" != 0 ] && systemctl is-active samepage-guardd && break; sleep 0.1; done
	[ "$(main)" != $before ] && mark $SOCKET status | grep '"adopted":true' && echo x >> g3/file && broken g3
}
check "one that hangs is restarted by the watchdog, and writes work again" restarted

# The last of all: this setting cannot be taken back.
mkdir -p /samepage; mount -o ro /dev/vde /samepage
samepage() { LD_LIBRARY_PATH=/samepage/lib/x86_64-linux-gnu /samepage/bin/node /samepage/lib/samepage.mjs "$@"; }
chosen() { samepage local plan --json --strategy auto /guests/g1 /guests/g2 | grep '"guard":"cow"'; }
echo two > g1/other; echo two > g2/other; cat g1/other g2/other > /dev/null
untraceable() {
	echo 3 > /proc/sys/kernel/yama/ptrace_scope
	samepage doctor --json > /tmp/doctor; grep -o 'kernel.yama.ptrace_scope=3 forbids tracing' /tmp/doctor && ! chosen
}
check "where nobody may trace, doctor says so and auto does not choose cow" untraceable
ln -f pool/file g1/file; ln -f pool/file g2/file
refused() { ! chmod 700 g1/file 2> /tmp/why && grep 'not permitted' /tmp/why && unchanged pool/file && echo x >> g2/file && broken g2; }
check "a guard that runs already refuses a chmod there, and lets an open wait" refused
echo "# the machine goes down"
sleep 1 # for the serial line
poweroff -f
