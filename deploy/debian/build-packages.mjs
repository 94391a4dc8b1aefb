// npm run package: Debian packages in .cache/packages (or the directory given), the same bytes from the same commit.
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { root, run, setUp } from "../../scripts/setup.mjs";

const here = import.meta.dirname;
const output = process.argv[2] ?? join(root, ".cache/packages");
const architectures = { x64: "amd64", arm64: "arm64" };
const architecture = architectures[process.arch];
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const git = (...args) => spawnSync("git", args, { cwd: root, encoding: "utf8" }).stdout.trim();
// dpkg-deb gives every file at most this time, so that the archive does not depend on when it was built.
const epoch = process.env.SOURCE_DATE_EPOCH ?? git("log", "-1", "--format=%ct");

setUp(["build"]);
rmSync(output, { recursive: true, force: true });

const samepage = stage("samepage");
const library = join(samepage, "usr/lib/samepage");
run(process.execPath, [join(root, "scripts/bundle.mjs"), library]);
writeFileSync(join(mkdir(join(samepage, "usr/bin")), "samepage"), '#!/bin/sh\nexec /usr/lib/samepage/bin/node /usr/lib/samepage/lib/samepage.mjs "$@"\n', { mode: 0o755 });

const agent = stage("samepage-agent");
copy(join(here, "samepage-agent/agent.yaml"), join(agent, "etc/samepage/agent.yaml"));
copy(join(root, "deploy/systemd/samepage-agent.service"), join(agent, "lib/systemd/system/samepage-agent.service"));
copy(join(root, "deploy/systemd/samepage-guardd.service"), join(agent, "lib/systemd/system/samepage-guardd.service"));
writeFileSync(join(agent, "DEBIAN/conffiles"), "/etc/samepage/agent.yaml\n");

const controller = stage("samepage-controller");
copy(join(root, "deploy/systemd/samepage-controller.service"), join(controller, "lib/systemd/system/samepage-controller.service"));
cpSync(join(root, "packages/dashboard/dist"), join(controller, "usr/lib/samepage/dist"), { recursive: true });

for (const name of ["samepage", "samepage-agent", "samepage-controller"]) {
  run("dpkg-deb", ["--root-owner-group", "-Zzstd", "--build", join(output, "stage", name), join(output, `${name}_${version}_${architecture}.deb`)], { env: { ...process.env, SOURCE_DATE_EPOCH: epoch } });
}
rmSync(join(output, "stage"), { recursive: true });

/** A package's tree with its control files in place. */
function stage(name) {
  const tree = join(output, "stage", name);
  const control = mkdir(join(tree, "DEBIAN"));
  for (const script of ["postinst", "prerm", "postrm"]) if (existsSync(join(here, name, script))) copy(join(here, name, script), join(control, script), 0o755);
  const lines = readFileSync(join(here, name, "control"), "utf8").replaceAll("${version}", version).split("\n");
  lines.splice(1, 0, `Version: ${version}`, `Architecture: ${architecture}`, "Maintainer: Samepage maintainers <maintainers@samepage.invalid>");
  writeFileSync(join(control, "control"), lines.join("\n"));
  return tree;
}

function copy(from, to, mode) {
  mkdir(dirname(to));
  cpSync(from, to, { dereference: true });
  if (mode !== undefined) chmodSync(to, mode);
}

function mkdir(path) {
  mkdirSync(path, { recursive: true });
  return path;
}
