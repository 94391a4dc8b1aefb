# What a break costs beside a copy. What everybody else pays is in open-cost.sh.
. /lib.sh
cd /mnt/ext4

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
