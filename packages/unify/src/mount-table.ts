/** One line of /proc/PID/mountinfo. Paths are latin1 of their bytes. */
export interface Mount {
  readonly id: number;
  readonly parent: number;
  /** `major:minor` of the file system; on btrfs the same for all subvolumes. */
  readonly device: string;
  /** The directory of the file system that is mounted. */
  readonly root: string;
  readonly mountPoint: string;
  readonly type: string;
  readonly readOnly: boolean;
}

/**
 * Reads the text of a mountinfo file (proc_pid_mountinfo(5)): fields of a line end at `-`, before it any number of
 * optional ones; space, tab, newline and backslash in paths are octal escapes.
 * @param text latin1
 */
export function parseMountTable(text: string): Mount[] {
  return text.split("\n").flatMap((line) => {
    const fields = line.split(" ");
    const dash = fields.indexOf("-", 6);
    const [id, parent, device, root, mountPoint, options] = fields;
    const type = fields[dash + 1];
    const superOptions = fields[dash + 3] ?? "";
    if (dash < 0 || device === undefined || root === undefined || mountPoint === undefined || options === undefined || type === undefined) return [];
    return [
      {
        id: Number(id),
        parent: Number(parent),
        device,
        root: unescapeOctal(root),
        mountPoint: unescapeOctal(mountPoint),
        type,
        readOnly: isReadOnly(options) || isReadOnly(superOptions),
      },
    ];
  });
}

/** Where a path on this mount lies in the file system itself, whatever is mounted where. @param path latin1, at or below the mount point */
export function placeOn(mount: Mount, path: string): string {
  return join(mount.root, relative(mount.mountPoint, path));
}

/** With a leading slash, or empty. */
function relative(from: string, path: string): string {
  if (path === from) return "";
  return from === "/" ? path : path.slice(from.length);
}

function join(root: string, rest: string): string {
  return root === "/" ? rest || "/" : root + rest;
}

function isReadOnly(options: string): boolean {
  return options.split(",").includes("ro");
}

function unescapeOctal(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/gu, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
