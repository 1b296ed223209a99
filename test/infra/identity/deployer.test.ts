import { readFileSync } from 'node:fs';
import * as gcp from '@pulumi/gcp';
import { describe, expect, test } from 'vitest';
import { Deployer, platformRolesOnly } from '../../../infra/identity/deployer.ts';
import { deployerRoles, secretsWithoutValues } from '../../../infra/identity/deployer-roles.ts';
import { grantedToOthers, projectGrants } from '../../../infra/identity/project-grants.ts';
import { tierNames } from '../../../infra/tiers.ts';
import { only, recordComponent } from '../support/component.ts';
import { firstProvider } from './provider.ts';

const ci = { repository: 'acme/iot', branch: 'main' };
const build = (tier: (typeof tierNames)[number] = 'prod', mode: 'up' | 'preview' = 'up') =>
  recordComponent({ tier, mode, settings: { ci } }, (environment, options) => {
    const nodes = new gcp.serviceaccount.Account('nodes', { accountId: 'prod-nodes' }, firstProvider(options));
    new Deployer(
      'deployer',
      {
        environment,
        ci,
        generation: '0a1b',
        nodeServiceAccount: { email: 'prod-nodes@p.iam.gserviceaccount.com', ready: nodes },
        archiveAccount: { email: 'prod-archive@p.iam.gserviceaccount.com', ready: nodes },
      },
      options,
    );
    return undefined;
  });

describe('keyless CI', () => {
  test.each(tierNames)('%s: a preview registers what an up registers', async (tier) => {
    const [up, preview] = [await build(tier), await build(tier, 'preview')];
    expect(preview.registrations.map(({ urn }) => urn)).toEqual(up.registrations.map(({ urn }) => urn));
  });

  test('the pool takes tokens of one branch of one repository, and of no pull request', async () => {
    const provider = only(await build(), 'gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider');
    expect(provider.inputs['attributeCondition']).toBe(
      'assertion.repository == "acme/iot" && assertion.ref == "refs/heads/main" && assertion.event_name in ["push", "workflow_dispatch", "schedule"]',
    );
    expect(provider.inputs['attributeMapping']).toEqual({
      'google.subject': 'assertion.sub',
      'attribute.source': 'assertion.repository + "@" + assertion.ref',
    });
    expect(provider.inputs['oidc']).toEqual({ issuerUri: 'https://token.actions.githubusercontent.com' });
  });

  test('the account may be used by that source alone', async () => {
    const grant = only(await build(), 'gcp:serviceaccount/iAMMember:IAMMember', 'deployer-federation');
    expect(grant.inputs).toEqual({
      serviceAccountId: 'projects/iot-prod-1/serviceAccounts/prod-deployer@iot-prod-1.iam.gserviceaccount.com',
      role: 'roles/iam.workloadIdentityUser',
      member:
        'principalSet://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/prod-ci-0a1b/attribute.source/acme/iot@refs/heads/main',
    });
  });

  test('it may hand over the accounts of the nodes and of the archive, and no other', async () => {
    const { registrations } = await build();
    const users = registrations.filter(({ inputs }) => inputs['role'] === 'roles/iam.serviceAccountUser');
    expect(users.map(({ inputs }) => inputs['serviceAccountId'])).toEqual([
      'projects/iot-prod-1/serviceAccounts/prod-archive@p.iam.gserviceaccount.com',
      'projects/iot-prod-1/serviceAccounts/prod-nodes@p.iam.gserviceaccount.com',
    ]);
  });

  test('no role is an owner, editor or reader of everything, and each has a reason', () => {
    for (const { role, why } of deployerRoles) {
      expect(role).not.toMatch(
        /^roles\/(owner|editor|viewer|iam\.securityAdmin|secretmanager\.|iam\.serviceAccount(User|TokenCreator|KeyAdmin))/,
      );
      expect(why.length).toBeGreaterThan(10);
    }
    expect(secretsWithoutValues.filter((permission) => permission.includes('versions'))).toEqual([]);
  });

  test('it may grant the roles of the platform, and neither its own nor more than Google takes in a list', async () => {
    const grant = only(await build(), 'gcp:projects/iAMMember:IAMMember', 'deployer-resourcemanager.projectIamAdmin');
    expect(grant.inputs['condition']).toEqual(platformRolesOnly);
    expect(grantedToOthers.length).toBeGreaterThan(0);
    expect(grantedToOthers.length).toBeLessThanOrEqual(10);
    const own = new Set(deployerRoles.map(({ role }) => role));
    expect(grantedToOthers.filter((role) => own.has(role))).toEqual([]);
    for (const role of grantedToOthers) expect(platformRolesOnly.expression).toContain(`"${role}"`);
    expect(projectGrants.filter(({ role }) => role === 'roles/owner' || role === 'roles/editor')).toEqual([]);
  });

  test('the how-to names every role with its reason, and every role that it may grant', () => {
    const text = readFileSync(new URL('../../../docs/how-to/ci.md', import.meta.url), 'utf8');
    const rows = [...text.matchAll(/^\| `(roles\/[^`]+)` \| (.+) \|$/gm)].map(([, role, why]) => ({ role, why }));
    expect(rows).toEqual(deployerRoles);
    const line = text.split('\n').find((each) => each.startsWith('- It grants these roles on the project')) ?? '';
    expect([...line.matchAll(/`(roles\/[^`]+)`/g)].map(([, role]) => role)).toEqual([...grantedToOthers].sort());
  });
});
