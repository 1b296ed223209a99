/** Where a build came from. */
export type Source = {
  /** Commit of the checkout; null outside of git. */
  commit: string | null;
  /** The checkout has changes that no commit has. */
  changed: boolean;
  /** SHA-256 of package-lock.json, in hex. */
  lock: string;
};

/**
 * Who built what from what, as an in-toto statement with SLSA's predicate. Not signed: it tells an operator the commit of
 * a running digest; what may run is decided by digest and by the registry's IAM. Pure.
 * https://slsa.dev/spec/v1.0/provenance
 */
export function provenanceOf(options: { name: string; digest: string; base: string; source: Source }): string {
  const { name, digest, base, source } = options;
  return JSON.stringify({
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name, digest: { sha256: digest.slice('sha256:'.length) } }],
    predicateType: 'https://slsa.dev/provenance/v1',
    predicate: {
      buildDefinition: {
        buildType: 'urn:iot-platform:image-build:v1',
        externalParameters: { image: name, changedSinceCommit: source.changed },
        internalParameters: {},
        resolvedDependencies: [
          ...(source.commit === null ? [] : [{ name: 'source', digest: { gitCommit: source.commit } }]),
          { name: 'package-lock.json', digest: { sha256: source.lock } },
          { name: 'base', uri: base, digest: { sha256: base.slice(base.lastIndexOf(':') + 1) } },
        ],
      },
      runDetails: { builder: { id: 'urn:iot-platform:iot-image-build' } },
    },
  });
}
