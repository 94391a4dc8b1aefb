import { existsSync } from "node:fs";
import { join } from "node:path";
import { run } from "@samepage/test-support";
import * as apps from "kubernetes-models/apps/v1";
import * as networking from "kubernetes-models/networking.k8s.io/v1";
import * as core from "kubernetes-models/v1";
import { expect, test } from "vitest";
import { type Document, parse, parseAllDocuments } from "yaml";

const deploy = join(import.meta.dirname, "../../deploy");
const composeMissing = existsSync("/usr/bin/docker-compose") ? undefined : "docker-compose is not installed";
const kubectl = ["/usr/bin/kubectl", "/usr/local/bin/kubectl"].find((path) => existsSync(path));

interface Service {
  readonly image: string;
  readonly user: string;
  readonly read_only: boolean;
  readonly cap_drop: readonly string[];
  readonly security_opt: readonly string[];
  readonly healthcheck: unknown;
}

test.skipIf(composeMissing !== undefined)(`docker-compose takes the compose file; nothing in it runs as root, writes outside its volumes or is unwatched, and Redis has no port${composeMissing === undefined ? "" : ` (skipped: ${composeMissing})`}`, async () => {
  const config = async (variables: Readonly<Record<string, string>>) => run("docker-compose", ["--file", join(deploy, "container/compose.yml"), "config"], { env: { PATH: process.env["PATH"], ...variables } });
  const said = await config({ SAMEPAGE_RELEASE: "/srv/release", SAMEPAGE_NAME: "controller.example.org" });
  const { services }: { services: Readonly<Record<string, Service>> } = parse(said);
  expect(Object.keys(services).toSorted()).toEqual(["controller", "redis"]);
  for (const service of Object.values(services)) {
    expect(service).toMatchObject({ user: "10001:10001", read_only: true, cap_drop: ["ALL"], security_opt: ["no-new-privileges:true"] });
    expect(service.healthcheck).toBeDefined();
  }
  expect(services["redis"]).toMatchObject({ network_mode: "none", command: expect.arrayContaining(["--appendonly", "noeviction"]) });
  expect(services["redis"]).not.toHaveProperty("ports");
  await expect(config({})).rejects.toThrow(/the name that hosts know this machine by/u);
});

interface Manifest {
  readonly kind: string;
}

/** Each kind that deploy/kubernetes has, held against its schema of the Kubernetes API. */
const validators: Readonly<Record<string, (manifest: ReturnType<Document["toJS"]>) => void>> = {
  Namespace: (manifest) => new core.Namespace(manifest).validate(),
  ServiceAccount: (manifest) => new core.ServiceAccount(manifest).validate(),
  Service: (manifest) => new core.Service(manifest).validate(),
  NetworkPolicy: (manifest) => new networking.NetworkPolicy(manifest).validate(),
  StatefulSet: (manifest) => new apps.StatefulSet(manifest).validate(),
};

test.skipIf(kubectl === undefined)(`kustomize builds the Kubernetes manifests, and each is valid by the API's schema${kubectl === undefined ? " (skipped: kubectl is not installed)" : ""}`, async () => {
  const manifests: Manifest[] = parseAllDocuments(await run(kubectl ?? "", ["kustomize", join(deploy, "kubernetes")])).map((document) => document.toJS());
  expect(manifests.map(({ kind }) => kind).toSorted()).toEqual(Object.keys(validators).toSorted());
  for (const manifest of manifests) expect(() => validators[manifest.kind]?.(manifest)).not.toThrow();
  expect(() => validators["StatefulSet"]?.({ ...manifests.find(({ kind }) => kind === "StatefulSet"), spec: { replicas: "one" } })).toThrow(/replicas|spec/u);
});
