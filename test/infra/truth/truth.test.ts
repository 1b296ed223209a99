import { beforeAll, describe, expect, test } from 'vitest';
import type { Registration } from '../../../infra/recording/record.ts';
import { allRecordings } from '../support/recordings.ts';
import { root, typeErrorsOf, type Untruth } from './compile.ts';
import { allowedBy, DocumentedEnums } from './enums.ts';
import { laggingDocumentation } from './lagging.ts';
import { declarationOf } from './literals.ts';

/** Inputs of all tiers in both modes; those that several share are judged once. */
let registrations: readonly Registration[];
const enums = new DocumentedEnums(root);

beforeAll(async () => {
  const distinct = new Map<string, Registration>();
  for (const { recording } of await allRecordings())
    for (const each of recording.registrations) distinct.set(`${each.type} ${JSON.stringify(each.inputs)}`, each);
  registrations = [...distinct.values()];
}, 60_000);

const words = ({ urn, path, message }: Untruth) => `${urn.split('::').slice(2).join('::')} ${path}: ${message}`;

describe('recorded inputs', () => {
  test('are what the providers’ packages declare', () => {
    expect(typeErrorsOf(registrations).map(words)).toEqual([]);
  });

  test('have values that the gcp package documents, but for those of which its documentation lags', () => {
    const wrong = enums.wrong(registrations);
    const lags = ({ urn, path, message }: Untruth) =>
      laggingDocumentation.filter(
        (each) =>
          urn.includes(`${each.type}::`) &&
          path.replace(/\[\d+\]/g, '') === each.path &&
          message.startsWith(`'${each.value}'`),
      );
    expect(wrong.filter((each) => lags(each).length === 0).map(words)).toEqual([]);
    const needed = new Set(wrong.flatMap(lags));
    expect(laggingDocumentation.filter((each) => !needed.has(each))).toEqual([]);
  });

  test('cover every type but custom resources of Kubernetes', () => {
    const undeclared = registrations.filter(
      ({ type }) => /^(gcp|kubernetes|random|command):/.test(type) && declarationOf(type, root) === null,
    );
    expect(
      undeclared.map(({ type }) => type).filter((type) => !/^kubernetes:[\w.-]+\.[\w-]+\.(io|com)\//.test(type)),
    ).toEqual([]);
  });
});

describe('a fault planted in each component', () => {
  /** One resource of each component that a package declares, with the component's name. */
  const ofEachComponent = () => {
    const first = new Map<string, Registration>();
    for (const each of registrations) {
      const component = each.urn
        .split('::')[2]
        ?.split('$')
        .filter((part) => part.startsWith('iot:'))
        .at(-1);
      if (component !== undefined && declarationOf(each.type, root) !== null && !first.has(component))
        first.set(component, each);
    }
    return [...first];
  };
  /** Judges all planted copies in one compilation. */
  const judged = (plant: (inputs: Record<string, unknown>) => void) => {
    const planted = ofEachComponent().map(([component, registration]) => {
      const inputs = structuredClone(registration.inputs) as Record<string, unknown>;
      plant(inputs);
      return { component, registration: { ...registration, urn: `${registration.urn}-${component}`, inputs } };
    });
    const found = new Set(typeErrorsOf(planted.map(({ registration }) => registration)).map(({ urn }) => urn));
    return planted.filter(({ registration }) => !found.has(registration.urn)).map(({ component }) => component);
  };

  test('a misspelt property is found', () => {
    expect(ofEachComponent().length).toBeGreaterThan(0);
    expect(judged((inputs) => (inputs['naame'] = 'x'))).toEqual([]);
  });

  test('a value of the wrong type is found', () => {
    expect(
      judged((inputs) => {
        const key = Object.keys(inputs).find((each) => !/^(apiVersion|kind)$/.test(each)) ?? 'name';
        inputs[key] = { nobody: { would: 'take this' } };
      }),
    ).toEqual([]);
  });

  test('a missing required property and a misspelt nested one are found', () => {
    const found = registrations.find(({ type }) => type === 'gcp:compute/subnetwork:Subnetwork') as Registration;
    const without = (change: (inputs: Record<string, unknown>) => void) => {
      const inputs = structuredClone(found.inputs) as Record<string, unknown>;
      change(inputs);
      return typeErrorsOf([{ ...found, inputs }]);
    };
    expect(without((inputs) => delete inputs['network'])).toEqual([
      expect.objectContaining({ message: expect.stringMatching(/Property 'network' is missing/) }),
    ]);
    expect(without((inputs) => (inputs['secondaryIpRanges'] = [{ rangName: 'pods' }]))).toEqual([
      expect.objectContaining({ path: 'secondaryIpRanges[0].rangName' }),
    ]);
  });

  test('a value that no documentation lists is found, in every enumeration that the recordings use', () => {
    const used = enums.uses(registrations);
    expect(used.length).toBeGreaterThan(0);
    for (const { registration, path } of used) {
      const inputs = structuredClone(registration.inputs) as Record<string, unknown>;
      set(inputs, path, 'MADE_UP');
      expect(enums.wrong([{ ...registration, inputs }]).map((each) => each.path)).toContain(path);
    }
  });
});

test.each([
  ['Size. Possible values are: `A`, `B`.', ['A', 'B']],
  ['Default value is `A`. Possible values are: `A`, `B_C`. Other text `D`.', ['A', 'B_C']],
  ['Possible values: ["NONE", "PROXY_V1"]', ['NONE', 'PROXY_V1']],
  ['The kind. Possible values: AA_A, BB, CCC', ['AA_A', 'BB', 'CCC']],
  ['A name, for example `x`.', null],
  ['Possible values are: .', null],
])('values of the comment %j', (comment, expected) => {
  expect(allowedBy(comment)).toEqual(expected);
});

/** @param path `settings.ipConfiguration.pscConfigs[0].pscEnabled` */
function set(inputs: Record<string, unknown>, path: string, value: unknown): void {
  const keys = path.split(/[.[\]]+/).filter((key) => key !== '');
  let at: Record<string, unknown> = inputs;
  for (const key of keys.slice(0, -1)) at = at[key] as Record<string, unknown>;
  at[keys.at(-1) as string] = value;
}
