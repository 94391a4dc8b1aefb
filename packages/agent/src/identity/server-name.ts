/** The name that every controller's certificate carries: agents check it, so any address, proxy or NAT may stand between. */
export const controllerServerName = "controller.samepage.internal";
