. /lib.sh
for fs in ext4:$rounds_ext4 xfs:$rounds_xfs btrfs:$rounds_btrfs; do
	rounds=${fs#*:} fs=${fs%:*}
	name="$fs: 8 writers in 8 guests, $rounds rounds, mixed ways to open"
	mkdir -p /mnt/$fs/h
	hammer /mnt/$fs/h $rounds prepare || { echo "not ok $name # its files cannot be made"; continue; }
	mark $SOCKET mark /mnt/$fs/h/pool/*
	start=$(cut -d' ' -f1 /proc/uptime)
	if hammer /mnt/$fs/h $rounds > /tmp/hammer.out; then echo "ok $name # $(cat /tmp/hammer.out) $start..$(cut -d' ' -f1 /proc/uptime) s"
	else echo "not ok $name # $(cat /tmp/hammer.out)"; fi
done
mark $SOCKET status
