import { createServer } from "node:net";
import { chmod, lchown, link, mkdir, open, rename, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "@samepage/test-support";
import { random } from "./random.ts";

/** Seconds; what is planted is the same in every guest, and so may be unified, only with the same time on it. */
const plantedAt = 1_700_000_000;

/** Names as guests really have them: bytes, not text. */
const oddNames: readonly Buffer[] = [
  Buffer.from("caf\xe9", "latin1"),
  Buffer.from([0x6e, 0x61, 0x6d, 0x65, 0xff, 0xfe, 0x80]),
  Buffer.from("line\nfeed"),
  Buffer.from("tab\tand \"quotes' and \\backslash"),
  Buffer.from(" leading and trailing "),
  Buffer.from("-rf"),
  Buffer.from("ünïcödé-語"),
  Buffer.alloc(255, "n"),
];

/**
 * Plants under /opt/app what packages do not bring: hard links, a sparse file, xattrs, ACLs, file capabilities,
 * names that are not UTF-8, a socket, a FIFO, device nodes. The same in every guest.
 */
export async function plantOddities(root: string): Promise<void> {
  const draw = random(1);
  const app = join(root, "opt/app");
  for (const directory of ["bin", "data", "names", "special"]) await mkdir(join(app, directory), { recursive: true });

  const tool = join(app, "bin/tool");
  await writeFile(tool, draw.bytes(300_000), { mode: 0o755 });
  await link(tool, join(app, "bin/tool-1.2"));
  await link(tool, join(app, "data/tool-by-another-name"));
  await symlink("tool", join(app, "bin/current"));

  const sparse = await open(join(app, "data/sparse.img"), "w");
  await sparse.write(draw.bytes(8192), 0, 8192, 1_000_003);
  await sparse.truncate(32 * 1024 * 1024);
  await sparse.close();

  for (const name of ["with-xattrs", "with-acl", "with-capabilities", "setuid", "readable"]) {
    await writeFile(join(app, "data", name), draw.bytes(20_000), { mode: 0o640 });
  }
  await writeFile(join(app, "data/empty"), "");
  await lchown(join(app, "data/setuid"), 1, 1);
  await chmod(join(app, "data/setuid"), 0o6755);
  await run("setfattr", ["-n", "user.origin", "-v", "planted", join(app, "data/with-xattrs")]);
  await run("setfattr", ["-n", "user.bytes", "-v", "0x00ff0a", join(app, "data/with-xattrs")]);
  await run("setfattr", ["-n", "trusted.note", "-v", "root only", join(app, "data/with-xattrs")]);
  await run("setfacl", ["-m", "u:1000:rw,g:100:r", join(app, "data/with-acl")]);
  await run("setfacl", ["-d", "-m", "u:1000:rwx", join(app, "data")]);
  await run("setcap", ["cap_net_raw,cap_net_bind_service+ep", join(app, "data/with-capabilities")]);

  for (const [index, name] of oddNames.entries()) {
    await writeFile(Buffer.concat([Buffer.from(`${app}/names/`), name]), draw.bytes(5000 + index));
  }

  await run("mknod", [join(app, "special/fifo"), "p"]);
  await run("mknod", [join(app, "special/null"), "c", "1", "3"]);
  await run("mknod", [join(app, "special/loop"), "b", "7", "250"]);
  await plantSocket(join(app, "special/socket"));

  await run("find", [app, "-depth", "-exec", "touch", "--no-dereference", `--date=@${plantedAt}`, "{}", "+"]);
  await utimes(join(app, "data/readable"), plantedAt, plantedAt + 0.123456);
}

/** Node unlinks a socket's name when it closes it; renamed before that, the name stays. */
async function plantSocket(path: string): Promise<void> {
  const directory = await open(join(path, ".."), "r");
  try {
    await new Promise<void>((resolve, reject) => {
      const server = createServer();
      server.once("error", reject);
      // A socket's address holds 108 bytes; through the descriptor, any directory fits.
      server.listen(`/proc/self/fd/${directory.fd}/s`, () => {
        rename(join(path, "../s"), path).then(() => server.close(() => resolve()), reject);
      });
    });
  } finally {
    await directory.close();
  }
}
