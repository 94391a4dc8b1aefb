/* quota DEVICE UID KILOBYTES: the user's hard limit on a file system that counts (0: none); prints what the user has. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/quota.h>

int main(int count, char **arguments)
{
	if (count < 4)
		return 2;
	struct dqblk limits = { .dqb_bhardlimit = strtoull(arguments[3], NULL, 10), .dqb_valid = QIF_BLIMITS }, now;
	int user = atoi(arguments[2]);
	if (quotactl(QCMD(Q_SETQUOTA, USRQUOTA), arguments[1], user, (char *)&limits) || quotactl(QCMD(Q_GETQUOTA, USRQUOTA), arguments[1], user, (char *)&now)) {
		perror(arguments[1]);
		return 1;
	}
	printf("%llu of %llu KB\n", (unsigned long long)now.dqb_curspace >> 10, (unsigned long long)now.dqb_bhardlimit);
	return 0;
}
