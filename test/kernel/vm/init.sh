#!/bin/sh
# PID 1 of the virtual machine: mounts, loads modules, runs the scripts that the kernel command line names.
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t securityfs security /sys/kernel/security
mount -t bpf bpf /sys/fs/bpf
ip link set lo up
# A module named by later= is left to a suite, and what is loaded after it with it.
while read -r module; do
	[ "$module" != "$later" ] || break
	insmod "/modules/$module.ko" || echo "insmod $module failed"
done < /modules/order
echo "# $(uname -r), lsm: $(cat /sys/kernel/security/lsm)"
for word in $(cat /proc/cmdline); do
	case $word in
	run=*)
		began=$(cut -d. -f1 /proc/uptime)
		sh "/${word#run=}.sh"
		echo "# ${word#run=} took $(($(cut -d. -f1 /proc/uptime) - began)) s"
		;;
	systemd=*) systemd=${word#systemd=} ;;
	esac
done
# At last this process becomes systemd, whose unit runs one more script.
if [ "$systemd" ]; then
	for socket in /tmp/guard.sock /run/samepage-guard.sock; do [ -S $socket ] && mark $socket remove; done
	mkdir -p /systemd && mount /dev/$systemd /systemd && exec switch_root /systemd /lib/systemd/systemd --unit=unit-test.service
fi
echo "# the machine goes down"
sleep 1 # for the serial line, which would lose its last lines
poweroff -f
