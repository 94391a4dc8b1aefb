# What a break costs beside a copy, and what opens cost with the guard in force, for the log. Opens are not compared with a
# machine without the guard here: an emulated CPU says little about the price of a trampoline, and taking hooks off under
# load makes QEMU's emulation run instructions that are just being patched.
. /lib.sh
cd /mnt/ext4
mkdir -p c; echo shared > c/shared; ln c/shared c/other; echo plain > c/plain
mark $SOCKET mark c/shared
echo "# open for reading $(cost read c/shared 4000) ns, for writing (unmarked) $(cost write c/plain 4000) ns"

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
