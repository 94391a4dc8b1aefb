import { describe, expect, it } from "vitest";
import { containerOf } from "./container-of.ts";

describe("the container of a control group", () => {
  it.each([
    ["/lxc.payload.web", { manager: "lxc", name: "web", path: "/lxc.payload.web" }],
    ["/lxc.payload.web/system.slice/cron.service", { manager: "lxc", name: "web", path: "/lxc.payload.web" }],
    ["/lxc/web/user.slice", { manager: "lxc", name: "web", path: "/lxc/web" }],
    [String.raw`/machine.slice/machine-web\x2d1.scope/payload`, { manager: "nspawn", name: "web-1", path: String.raw`/machine.slice/machine-web\x2d1.scope` }],
    ["/machine.slice/systemd-nspawn@web.service/payload/init.scope", { manager: "nspawn", name: "web", path: "/machine.slice/systemd-nspawn@web.service" }],
  ])("%s", (path, expected) => {
    expect(containerOf(path)).toEqual(expected);
  });

  it.each(["/", "/system.slice/ssh.service", "/lxc", "/lxc.monitor.web"])("%s is nobody's", (path) => {
    expect(containerOf(path)).toBeUndefined();
  });

  it("takes no name from a guest, or from a user, who names groups as it likes", () => {
    expect(containerOf("/lxc.payload.evil/lxc.payload.bank")?.name).toBe("evil");
    expect(containerOf("/machine.slice/machine-evil.scope/lxc/bank")?.name).toBe("evil");
    expect(containerOf("/user.slice/user-1000.slice/user@1000.service/app.slice/lxc.payload.bank")).toBeUndefined();
    expect(containerOf("/user.slice/user-1000.slice/session-1.scope/lxc.payload.bank")).toBeUndefined();
  });
});
