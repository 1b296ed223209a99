import type { Base } from './base-lock.ts';
import type { BundledPackage } from './bundle.ts';
import { digestOf } from './oci.ts';
import { referenceText } from './reference.ts';

/**
 * What is in an image, as SPDX 2.3 JSON: the base, and the packages of which code is really in the bundle (not all that
 * npm installed). The same for every build of one tree; so it has no date of its own. Pure.
 * https://spdx.github.io/spdx-spec/v2.3/
 * @param lock `package-lock.json`, for each package's integrity.
 */
export function sbomOf(options: {
  name: string;
  base: Base | null;
  layer: string;
  packages: readonly BundledPackage[];
  lock: { packages: Readonly<Record<string, { integrity?: string }>> };
}): string {
  const { name, base, layer, packages, lock } = options;
  const root = {
    SPDXID: 'SPDXRef-image',
    name,
    downloadLocation: 'NOASSERTION',
    filesAnalyzed: false,
    licenseDeclared: 'Apache-2.0',
    checksums: [{ algorithm: 'SHA256', checksumValue: layer.slice('sha256:'.length) }],
  };
  const npm = packages.map(({ name: of, version, licence, folder }) => {
    const sha512 = /(?:^|\s)sha512-([A-Za-z0-9+/=]+)/.exec(lock.packages[folder]?.integrity ?? '')?.[1];
    return {
      SPDXID: `SPDXRef-${digestOf(folder).slice(7, 23)}`,
      name: of,
      versionInfo: version,
      downloadLocation: 'NOASSERTION',
      filesAnalyzed: false,
      licenseDeclared: licence,
      ...(sha512 === undefined
        ? {}
        : { checksums: [{ algorithm: 'SHA512', checksumValue: Buffer.from(sha512, 'base64').toString('hex') }] }),
      externalRefs: [
        {
          referenceCategory: 'PACKAGE-MANAGER',
          referenceType: 'purl',
          referenceLocator: `pkg:npm/${of.replace('@', '%40')}@${version}`,
        },
      ],
    };
  });
  const bases =
    base === null
      ? []
      : [
          {
            SPDXID: 'SPDXRef-base',
            name: `${base.reference.host}/${base.reference.path}`,
            versionInfo: base.reference.digest,
            downloadLocation: 'NOASSERTION',
            filesAnalyzed: false,
            licenseDeclared: 'NOASSERTION',
            comment: `Its own packages are read from the image by a scanner: ${referenceText(base.reference)}`,
          },
        ];
  return JSON.stringify({
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name,
    documentNamespace: `urn:iot-platform:sbom:${name}:${layer}`,
    creationInfo: { created: '1970-01-01T00:00:00Z', creators: ['Tool: iot-image-build'] },
    packages: [root, ...bases, ...npm],
    relationships: [
      { spdxElementId: 'SPDXRef-DOCUMENT', relationshipType: 'DESCRIBES', relatedSpdxElement: root.SPDXID },
      ...bases.map(({ SPDXID }) => ({
        spdxElementId: root.SPDXID,
        relationshipType: 'DESCENDANT_OF',
        relatedSpdxElement: SPDXID,
      })),
      ...npm.map(({ SPDXID }) => ({
        spdxElementId: root.SPDXID,
        relationshipType: 'CONTAINS',
        relatedSpdxElement: SPDXID,
      })),
    ],
  });
}
