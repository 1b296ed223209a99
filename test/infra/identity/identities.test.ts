import * as gcp from '@pulumi/gcp';
import { describe, expect, test } from 'vitest';
import { projectRoles, workloadNames } from '../../../infra/access.ts';
import { Identities } from '../../../infra/identity/identities.ts';
import { KubernetesIdentities } from '../../../infra/identity/kubernetes.ts';
import { type TierName, tierNames } from '../../../infra/tiers.ts';
import { ofType, only, recordComponent } from '../support/component.ts';
import { firstProvider } from './provider.ts';

const build = (tier: TierName, mode: 'up' | 'preview') =>
  recordComponent({ tier, mode }, (environment, options) => {
    const cluster = new gcp.container.Cluster('cluster', { location: environment.region }, firstProvider(options));
    const identities = new Identities('identities', { environment }, options);
    new KubernetesIdentities('kubernetes-identities', { environment, identities, cluster }, options);
    return undefined;
  });

describe('identities', () => {
  test.each(tierNames)('%s: a preview registers what an up registers, with every input known', async (tier) => {
    const [up, preview] = [await build(tier, 'up'), await build(tier, 'preview')];
    expect(preview.registrations.map(({ urn }) => urn)).toEqual(up.registrations.map(({ urn }) => urn));
    expect(ofType(preview, 'gcp:serviceaccount/iAMMember:IAMMember').map(({ inputs }) => inputs)).toEqual(
      ofType(up, 'gcp:serviceaccount/iAMMember:IAMMember').map(({ inputs }) => inputs),
    );
  });

  test('one account a workload, and no key for any', async () => {
    const recording = await build('prod', 'up');
    expect(ofType(recording, 'gcp:serviceaccount/account:Account').map(({ inputs }) => inputs['accountId'])).toEqual(
      workloadNames.map((workload) => `prod-${workload}`).sort(),
    );
    expect(recording.registrations.filter(({ type }) => /serviceaccount\/key/i.test(type))).toEqual([]);
  });

  test('exactly one Kubernetes account of exactly one namespace may act as a workload', async () => {
    const recording = await build('prod', 'up');
    const binding = only(recording, 'gcp:serviceaccount/iAMMember:IAMMember', 'kubernetes-identities-gateway');
    expect(binding.inputs).toEqual({
      serviceAccountId: 'projects/iot-prod-1/serviceAccounts/prod-gateway@iot-prod-1.iam.gserviceaccount.com',
      role: 'roles/iam.workloadIdentityUser',
      member: 'serviceAccount:iot-prod-1.svc.id.goog[iot-prod/gateway]',
    });
    const members = ofType(recording, 'gcp:serviceaccount/iAMMember:IAMMember').map(({ inputs }) => inputs['member']);
    expect(new Set(members).size).toBe(workloadNames.length);
    for (const member of members)
      expect(member).toMatch(/^serviceAccount:iot-prod-1\.svc\.id\.goog\[iot-prod\/[a-z]+\]$/);
  });

  test('a binding waits for its account and for the cluster, with which the identity pool begins', async () => {
    const recording = await build('dev', 'up');
    for (const { dependencies } of ofType(recording, 'gcp:serviceaccount/iAMMember:IAMMember')) {
      expect(dependencies.filter((urn) => urn.includes('gcp:serviceaccount/account:Account'))).toHaveLength(1);
      expect(dependencies.filter((urn) => urn.endsWith('gcp:container/cluster:Cluster::cluster'))).toHaveLength(1);
    }
  });

  test('the only roles on the project are those that write traces and metrics', async () => {
    const recording = await build('prod', 'up');
    const grants = ofType(recording, 'gcp:projects/iAMMember:IAMMember');
    expect(grants).toHaveLength(workloadNames.length * projectRoles.length);
    expect(new Set(grants.map(({ inputs }) => inputs['role']))).toEqual(
      new Set(['roles/cloudtrace.agent', 'roles/monitoring.metricWriter']),
    );
    for (const { dependencies } of grants)
      expect(dependencies.some((urn) => urn.includes('gcp:serviceaccount/account:Account'))).toBe(true);
  });
});
