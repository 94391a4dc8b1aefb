/* What systemd wants to hear (sd_notify(3)): that the guard serves, and that it goes on doing so. Silent where no service
 * manager watches this process. */
#ifndef SAMEPAGE_SERVICE_MANAGER_H
#define SAMEPAGE_SERVICE_MANAGER_H

/* Looks into the environment. */
void service_manager_start(void);

/* READY=1 or WATCHDOG=1. Never blocks. */
void service_manager_tell(const char *state);

#endif
