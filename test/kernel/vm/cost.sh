# What the guard costs, measured side by side. Opens: with hooks, without, with, without, the best of each, for the log:
# an emulated CPU says little about the price of a trampoline. The break is held to its ratio.
. /lib.sh
cd /mnt/ext4
mkdir -p c; echo shared > c/shared; ln c/shared c/other; echo plain > c/plain
smaller() { [ -z "$1" ] || [ "$2" -lt "$1" ] && echo "$2" || echo "$1"; }
for round in 1 2 3; do
	mark $SOCKET mark c/shared
	read_with=$(smaller "$read_with" $(cost read c/shared 4000)); write_with=$(smaller "$write_with" $(cost write c/plain 4000))
	mark $SOCKET remove > /dev/null; sleep 1
	read_without=$(smaller "$read_without" $(cost read c/shared 4000)); write_without=$(smaller "$write_without" $(cost write c/plain 4000))
	start_guard
done
echo "# read $read_with/$read_without, write $write_with/$write_without ns"

# The break of 1 MB beside cp --preserve=all of it, each 20 times.
cp -a /tools /mnt/ext4/cost
mkdir -p cost/m; for i in $(seq 20); do head -c 1000000 /dev/urandom > cost/m/f$i; ln cost/m/f$i cost/m/g$i; done
sync; mark $SOCKET mark cost/m/f*
ms() { cut -d' ' -f1 /proc/uptime | tr -d .; }
breaks() { chroot cost /bin/sh -c 'for i in $(seq 20); do exec 3<> /m/g$i; exec 3<&-; done'; }
copies() { chroot cost /bin/sh -c 'for i in $(seq 20); do /bin/cp --preserve=all /m/f$i /m/copy$i; done'; }
a=$(ms); breaks; b=$(ms); copies; c=$(ms)
at_most_twice() { echo "break $1, cp $2 centiseconds for 20"; [ $(inode cost/m/g20) != $(inode cost/m/f20) ] && [ $1 -le $((2 * $2)) ]; }
check "breaking a link of 1 MB takes at most twice cp --preserve=all" at_most_twice $((b - a)) $((c - b))
echo "# 20 breaks $((b - a)) cs, 20 cp $((c - b)) cs"; mark $SOCKET status
