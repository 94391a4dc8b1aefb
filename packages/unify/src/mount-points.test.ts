import { expect, test } from "vitest";
import { parseMountTable } from "./mount-table.ts";
import { coveredPlaces } from "./mount-points.ts";

test("a file bind-mounted inside a container is found where it lies on the host's file system", () => {
  const mounts = parseMountTable(
    [
      String.raw`500 30 254:0 /var/lib/lxc/web\0401/rootfs / rw,relatime - ext4 /dev/vda rw`,
      "501 500 254:0 /etc/resolv.conf /etc/resolv.conf rw,relatime shared:1 - ext4 /dev/vda rw",
      "502 500 0:5 / /proc ro - proc proc rw",
    ].join("\n"),
  );
  expect(coveredPlaces(mounts)).toEqual([
    { device: "254:0", path: "/var/lib/lxc/web 1/rootfs/etc/resolv.conf" },
    { device: "254:0", path: "/var/lib/lxc/web 1/rootfs/proc" },
  ]);
  expect(mounts.map(({ readOnly }) => readOnly)).toEqual([false, false, true]);
});
