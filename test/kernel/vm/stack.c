/* stack partition DISK SECTORS: a partition, its first, that covers the disk from its first sector on.
 * stack linear NAME DEVICE SECTORS: a device-mapper volume over a device. stack remove NAME: takes that away again. */
#include <fcntl.h>
#include <linux/blkpg.h>
#include <linux/dm-ioctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

static struct {
	struct dm_ioctl head;
	struct dm_target_spec target;
	char parameters[256];
} request;

static int control(unsigned long command, const char *name)
{
	static int fd = -1;
	if (fd < 0)
		fd = open("/dev/mapper/control", O_RDWR);
	request.head.version[0] = DM_VERSION_MAJOR;
	request.head.data_size = sizeof(request);
	request.head.data_start = sizeof(request.head);
	strcpy(request.head.name, name);
	int result = ioctl(fd, command, &request);
	if (result)
		perror(name);
	return result;
}

static int linear(const char *name, const char *device, unsigned long long sectors)
{
	if (control(DM_DEV_CREATE, name))
		return 1;
	memset(&request, 0, sizeof(request));
	request.head.target_count = 1;
	request.target.length = sectors;
	strcpy(request.target.target_type, "linear");
	snprintf(request.parameters, sizeof(request.parameters), "%s 0", device);
	if (control(DM_TABLE_LOAD, name))
		return 1;
	memset(&request, 0, sizeof(request));
	return control(DM_DEV_SUSPEND, name); /* without its flag: resume */
}

static int partition(const char *disk, unsigned long long sectors)
{
	struct blkpg_partition all = { .start = 0, .length = (long long)sectors * 512, .pno = 1 };
	struct blkpg_ioctl_arg argument = { .op = BLKPG_ADD_PARTITION, .datalen = sizeof(all), .data = &all };
	int result = ioctl(open(disk, O_RDWR), BLKPG, &argument);
	if (result)
		perror(disk);
	return result != 0;
}

int main(int count, char **arguments)
{
	if (count == 4 && !strcmp(arguments[1], "partition"))
		return partition(arguments[2], strtoull(arguments[3], NULL, 10));
	if (count == 5 && !strcmp(arguments[1], "linear"))
		return linear(arguments[2], arguments[3], strtoull(arguments[4], NULL, 10));
	return count == 3 && !strcmp(arguments[1], "remove") ? control(DM_DEV_REMOVE, arguments[2]) : 2;
}
