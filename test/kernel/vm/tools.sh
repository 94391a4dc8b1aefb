# Everyday programs inside a unified guest: each works, the guest has its change, the other guest has not.
. /lib.sh
root=/mnt/ext4/t
mkdir -p $root
cp -a /tools $root/g1
cd $root
in_guest() { chroot $root/g1 /bin/sh -c "$1"; }

# A package, installed before the guests are unified.
mkdir -p g1/tmp/p/DEBIAN g1/tmp/p/opt/app
printf 'Package: app\nVersion: 1.0\nArchitecture: all\nMaintainer: A <a@example.org>\nDescription: a test\n' > g1/tmp/p/DEBIAN/control
for i in $(seq 40); do echo "line one of $i" > g1/tmp/p/opt/app/file$i; head -c 3000 /dev/urandom >> g1/tmp/p/opt/app/file$i; done
in_guest 'dpkg-deb -b /tmp/p /tmp/app.deb' > /tmp/dpkg.out 2>&1 || cat /tmp/dpkg.out
in_guest 'dpkg -i /tmp/app.deb' > /tmp/dpkg.out 2>&1 || cat /tmp/dpkg.out
printf 'one\ntwo\nthree\n' > g1/opt/text
printf -- '--- text\n+++ text\n@@ -1,3 +1,3 @@\n one\n-two\n+zwei\n three\n' > g1/tmp/change.patch
cp g1/opt/text g1/opt/vim; cp g1/opt/text g1/opt/synced; cp g1/opt/text g1/opt/patched
in_guest 'sqlite3 /opt/data.db "create table t(x); insert into t values (1);"'
mkdir -p g1/opt/tree; for i in $(seq $tree); do echo $i > g1/opt/tree/$i; done

# Unify: every regular file of g1 has a second name in g2 and a third in the pool.
cp -al g1 g2; cp -al g1 pool
find pool -type f | xargs -n 5000 mark $SOCKET mark
find pool -type f -exec sha256sum {} + > /tmp/pool.before

differs() { ! cmp -s g1/$1 g2/$1 && [ $(inode g1/$1) != $(inode g2/$1) ]; }
sed_in_place() { in_guest 'sed -i s/one/eins/ /opt/text' && differs opt/text; }
vim_style() { in_guest 'cp /opt/vim /opt/.vim.swp && echo four >> /opt/.vim.swp && mv /opt/vim /opt/vim~ && mv /opt/.vim.swp /opt/vim && rm /opt/vim~' && differs opt/vim; }
rsync_in_place() { in_guest 'printf "one\nTWO\nthree\n" > /tmp/new && rsync --inplace --checksum /tmp/new /opt/synced' && differs opt/synced && [ "$(sed -n 2p g1/opt/synced)" = TWO ]; }
patched() { in_guest 'cd /opt && patch patched /tmp/change.patch' && differs opt/patched; }
database() { [ "$(in_guest 'sqlite3 /opt/data.db "select count(*) from t"')" = 1 ] && in_guest 'sqlite3 /opt/data.db "insert into t values (2); select count(*) from t"' && differs opt/data.db; }
reinstall() { in_guest 'dpkg -i /tmp/app.deb' && [ $(inode g1/opt/app/file1) != $(inode g2/opt/app/file1) ] && cmp g1/opt/app/file1 g2/opt/app/file1; }
modes() { in_guest 'chmod -R 700 /opt/tree' && [ -z "$(find g1/opt/tree -type f ! -perm 700)" ] && [ -z "$(find g2/opt/tree -type f -perm 700)" ]; }
owners() { chroot g2 chown -R 12:13 /opt/tree && [ -z "$(find g2/opt/tree -type f ! -user 12)" ] && [ -z "$(find g1/opt/tree pool/opt/tree -type f -user 12)" ]; }
# sqlite3 runs in g2 over the library that g1 then destroys for itself, in place.
library=$(cd g2 && find . -name 'libsqlite3.so.0' | head -n 1)
mapped() {
	DIGEST=$(sha256sum < g2/$library)
	mkfifo g2/tmp/ask
	chroot g2 sqlite3 :memory: < g2/tmp/ask > /tmp/answer & sqlite=$!
	exec 6> g2/tmp/ask; echo 'select 41+1;' >&6
	for i in $(seq 100); do grep -q 42 /tmp/answer && break; sleep 0.1; done
	dd if=/dev/zero of=g1/$library bs=64k count=16 conv=notrunc 2> /dev/null || return 1
	differs $library || { echo "nothing was broken"; return 1; }
	echo "create table t(x); insert into t values (7),(6); select group_concat(x*x), upper('still'), hex(randomblob(3)) is not null from t;" >&6; exec 6>&-
	wait $sqlite; grep STILL /tmp/answer && unchanged g2/$library
}
check "sed -i" sed_in_place
check "vim-style rename" vim_style
check "rsync --inplace" rsync_in_place
check "patch" patched
check "sqlite reads and writes its database" database
check "dpkg -i reinstalls a package" reinstall
[ -z "$library" ] || check "a process keeps running over the library that another guest destroys in place" mapped
start=$(cut -d. -f1 /proc/uptime)
check "chmod -R over $tree unified files" modes
check "chown -R over $tree unified files, in the guest that shares them with the pool" owners
echo "# chmod -R and chown -R took $(($(cut -d. -f1 /proc/uptime) - start)) s"
find pool -type f -exec sha256sum {} + > /tmp/pool.after
check "no object of the pool changed meanwhile" cmp /tmp/pool.before /tmp/pool.after
