import * as gcp from '@pulumi/gcp';
import { describe, expect, test } from 'vitest';
import { projectRoles } from '../../../infra/access.ts';
import { Authority } from '../../../infra/authority/authority.ts';
import { Deployer } from '../../../infra/identity/deployer.ts';
import { deployerRoles } from '../../../infra/identity/deployer-roles.ts';
import { Identities } from '../../../infra/identity/identities.ts';
import { projectGrants, unjustifiedGrants, unusedJustifications } from '../../../infra/identity/project-grants.ts';
import { Keys } from '../../../infra/keys/keys.ts';
import { Observability } from '../../../infra/observability/observability.ts';
import { Secrets } from '../../../infra/secrets/secrets.ts';
import { tierNames } from '../../../infra/tiers.ts';
import { recordComponent } from '../support/component.ts';
import { recordEnvironment } from '../support/environments.ts';
import { firstProvider } from './provider.ts';

/** Everything of this area in one program, and more by choice. */
const all = (more?: (project: string, options: object) => void) =>
  recordComponent(
    { tier: 'prod', settings: { deviceCertificates: 'cas', administrators: ['user:ann@example.com'] } },
    (environment, options) => {
      const identities = new Identities('identities', { environment }, options);
      const generation = '0a1b';
      new Keys('keys', { environment, generation, identities, clusterAgent: 'serviceAccount:service-1@x' }, options);
      new Secrets('secrets', { environment, identities }, options);
      new Authority('authority', { environment, generation, identities }, options);
      new Observability('observability', { environment, generation, projectNumber: '1', after: [] }, options);
      new Deployer(
        'deployer',
        {
          environment,
          ci: { repository: 'acme/iot', branch: 'main' },
          generation,
          nodeServiceAccount: { email: 'n@x', ready: identities },
          archiveAccount: null,
        },
        options,
      );
      more?.(environment.project, firstProvider(options));
      return undefined;
    },
  );

describe('grants on the project', () => {
  test('all of these components are on the list, with its conditions', async () => {
    expect(unjustifiedGrants((await all()).registrations)).toEqual([]);
  });

  test('one that is not on the list, one without its condition and one that replaces are named', async () => {
    const { registrations } = await all((project, options) => {
      const member = 'serviceAccount:prod-api@iot-prod-1.iam.gserviceaccount.com';
      new gcp.projects.IAMMember('editor', { project, role: 'roles/editor', member }, options);
      new gcp.projects.IAMMember('wide', { project, role: 'roles/cloudsql.client', member }, options);
      new gcp.projects.IAMBinding('binding', { project, role: 'roles/viewer', members: [member] }, options);
    });
    expect(unjustifiedGrants(registrations)).toEqual([
      expect.stringMatching(/^binding: gcp:projects\/iAMBinding:IAMBinding takes grants away/),
      expect.stringMatching(/^editor: roles\/editor for serviceAccount:prod-api@.* is not on the list/),
      expect.stringMatching(/^wide: roles\/cloudsql\.client .* needs a condition/),
    ]);
  });

  test('a line of the list that nothing uses is found', async () => {
    const unused = unusedJustifications((await all()).registrations).map((line) => line.split(' ')[0]);
    // Made by components that are not in this program.
    expect(unused).toEqual(expect.arrayContaining(['roles/cloudsql.client', 'roles/container.viewer']));
    const made: readonly (string | undefined)[] = [...projectRoles, ...deployerRoles.map(({ role }) => role)];
    expect(unused.filter((role) => made.includes(role))).toEqual([]);
  });

  test.each(tierNames)('%s: the whole program grants on the project only what is on the list', async (tier) => {
    const ci = { repository: 'acme/iot', branch: 'main' };
    const { registrations } = await recordEnvironment({
      tier,
      settings: { ci, administrators: ['user:ann@example.com'] },
    });
    expect(unjustifiedGrants(registrations)).toEqual([]);
    expect(unusedJustifications(registrations)).toEqual([]);
  });

  test('each line says why', () => {
    for (const { why } of projectGrants) expect(why.length).toBeGreaterThan(10);
  });
});
