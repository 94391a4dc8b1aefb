export { buildCorpus, type CorpusGuest, type CorpusOptions } from "./build-corpus.ts";
export { buildSystem } from "./build-system.ts";
export { compareManifests, type Links } from "./compare-manifests.ts";
export { type Manifest, type ManifestEntry, manifest } from "./manifest.ts";
export { random, type Random } from "./random.ts";
export { type PackageSet, packageSets } from "./package-sets.ts";
