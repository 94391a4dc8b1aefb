// npm run package: the packages of a release in .cache/packages (or the directory given), the same bytes from the same commit:
// Debian packages, the agent as a tree for other systems, and release.json, which names them all with their digests.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
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
copy(join(root, "deploy/tree/samepage"), join(samepage, "usr/bin/samepage"), 0o755);

const agent = stage("samepage-agent");
copy(join(here, "samepage-agent/agent.yaml"), join(agent, "etc/samepage/agent.yaml"));
copy(join(root, "deploy/systemd/samepage-agent.service"), join(agent, "lib/systemd/system/samepage-agent.service"));
copy(join(root, "deploy/systemd/samepage.slice"), join(agent, "lib/systemd/system/samepage.slice"));
copy(join(root, "deploy/systemd/samepage-guardd.service"), join(agent, "lib/systemd/system/samepage-guardd.service"));
copy(join(root, "deploy/systemd/samepage-upgrade.service"), join(agent, "lib/systemd/system/samepage-upgrade.service"));
copy(join(root, "deploy/systemd/samepage-upgrade"), join(agent, "usr/lib/samepage/upgrade/samepage-upgrade"), 0o755);
writeFileSync(join(agent, "DEBIAN/conffiles"), "/etc/samepage/agent.yaml\n");

// The agent's packages that the controller hands to hosts. Root's: who takes over the controller's process cannot change them.
const controller = stage("samepage-controller");
mkdir(join(controller, "var/lib/samepage-release"));
copy(join(root, "deploy/systemd/samepage-controller.service"), join(controller, "lib/systemd/system/samepage-controller.service"));
cpSync(join(root, "packages/dashboard/dist"), join(controller, "usr/lib/samepage/dist"), { recursive: true });

for (const name of ["samepage", "samepage-agent", "samepage-controller"]) {
  run("dpkg-deb", ["--root-owner-group", "-Zzstd", "--build", join(output, "stage", name), join(output, `${name}_${version}_${architecture}.deb`)], { env: { ...process.env, SOURCE_DATE_EPOCH: epoch } });
}
const tree = join(output, "stage/tree");
cpSync(library, join(tree, "lib/samepage"), { recursive: true });
copy(join(root, "deploy/systemd/samepage-upgrade"), join(tree, "lib/samepage/upgrade/samepage-upgrade"), 0o755);
for (const name of ["samepage", "install-tree", "remove-tree"]) copy(join(root, "deploy/tree", name), join(tree, "share/samepage", name), 0o755);
for (const file of ["systemd/samepage-agent.service", "systemd/samepage.slice", "systemd/samepage-guardd.service", "systemd/samepage-upgrade.service", "debian/samepage-agent/agent.yaml"]) copy(join(root, "deploy", file), join(tree, "share/samepage", basename(file)), 0o644);
const archive = join(output, `samepage-agent_${version}_${architecture}.tar`);
run("tar", ["--create", "--file", archive, "--sort=name", `--mtime=@${epoch}`, "--owner=0", "--group=0", "--numeric-owner", "--mode=u+rwX,go=rX", "-C", tree, "lib", "share"]);
// Weakly: it is half the size at a tenth of the time, and each host fetches it once a release.
run("gzip", ["-1", "--no-name", archive]);
rmSync(join(output, "stage"), { recursive: true });
writeFileSync(join(output, "release.json"), `${JSON.stringify({ version, files: readdirSync(output).toSorted().map(describe) }, undefined, 2)}\n`);

function describe(name) {
  const content = readFileSync(join(output, name));
  return { name, size: content.length, sha256: createHash("sha256").update(content).digest("hex") };
}

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
