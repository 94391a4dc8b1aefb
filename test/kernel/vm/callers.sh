# Callers that reach the guard in ways of their own.
. /lib.sh
cd /mnt/ext4; rm -rf k; mkdir k
for i in 0 1 2 3 4 5 6; do for set in compat mapped; do mkdir -p k/$set; head -c 5000 /dev/urandom > k/$set/f$i; ln k/$set/f$i k/$set/s$i; done; done
mark $SOCKET mark k/*/f*
compat k/compat ext4
id-mapped k/mapped ext4
rm -rf k
