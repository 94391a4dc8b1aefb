# What opening other files costs with the guard in force, beside what it costs before the guard is loaded.
. /lib.sh
mkdir -p /mnt/ext4; mount -t ext4 /dev/vda /mnt/ext4; cd /mnt/ext4
mkdir -p c/a/b/d/e; echo plain > c/plain; echo plain > c/a/b/d/e/plain; echo shared > c/shared; ln c/shared c/other
sync # a file with blocks that wait for their place is closed the longer way
all() { echo $(cost read c/plain 200) $(cost read /mnt/ext4/c/a/b/d/e/plain 200) $(cost write c/plain 200) $(cost write /mnt/ext4/c/a/b/d/e/plain 200); }
before=$(all)
start_guard; mark $SOCKET mark c/shared
after=$(all)
at_most() { [ $(($2 * 100)) -le $(($1 * 105)) ]; }
set -- $before $after
report() { # NAME BEFORE AFTER
	check "$1 costs at most 1.05 of what it costs without the guard" at_most $2 $3
	echo "# $1: $2 instructions without, $3 with the guard"
}
report "opening for reading" $1 $5
report "opening for reading, five directories deep" $2 $6
report "opening for writing what is not marked" $3 $7
report "opening for writing what is not marked, five directories deep" $4 $8
