import { choice } from "../option.ts";

/** What starts a guest decides which file makes a setting hold over its restarts. */
export const managerOption = choice("manager", ["systemd", "lxc", "nspawn", "oci"], "what starts the guest", "lxc");
