import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Cluster } from '../../../infra/cluster/cluster.ts';
import { Network } from '../../../infra/network/network.ts';
import { PlatformNamespace } from '../../../infra/workloads/namespace.ts';
import { type ApiServer, assets, startApiServer } from '../kube/apiserver.ts';
import { only, recordComponent } from '../support/component.ts';

/**
 * What administrators may do, asked of a real API server: whether a rule's group, resource and verb are spelt as the server
 * spells them is nothing that the rule itself can show. Reading comes by IAM, which only Google has.
 */
const bin = assets();
const absent = bin === null;
if (absent) console.warn('skipped: KUBEBUILDER_ASSETS names no folder with etcd and kube-apiserver (setup-envtest)');

const ada = { user: 'ada@example.com' };
const somebodyOfTheGroup = { user: 'bob@example.com', groups: ['iot@example.com'] };
const stranger = { user: 'eve@example.com', groups: ['others@example.com'] };

describe.skipIf(absent)('administrators in the cluster', () => {
  let server: ApiServer;

  beforeAll(async () => {
    if (bin === null)
      throw new Error('KUBEBUILDER_ASSETS names no folder with etcd and kube-apiserver, and CI has to run this');
    server = await startApiServer(bin);
    const settings = { administrators: ['user:ada@example.com', 'group:iot@example.com'] };
    const recording = await recordComponent({ tier: 'dev', settings }, (environment, options) => {
      const network = new Network('network', { environment }, options);
      const cluster = new Cluster('cluster', { environment, network, secretsKey: 'key' }, options);
      new PlatformNamespace('namespace', { environment, cluster, cacheCa: 'PEM' }, options);
      return {};
    });
    const rbac = '/apis/rbac.authorization.k8s.io/v1';
    for (const [type, path] of [
      ['core/v1:Namespace', '/api/v1/namespaces'],
      ['rbac.authorization.k8s.io/v1:ClusterRole', `${rbac}/clusterroles`],
      ['rbac.authorization.k8s.io/v1:RoleBinding', `${rbac}/namespaces/iot-dev/rolebindings`],
    ] as const) {
      const { inputs } = only(recording, `kubernetes:${type}`);
      const { status, body } = await server.call('POST', `${path}?fieldValidation=Strict`, { ...inputs });
      expect({ status, message: body['message'] }).toEqual({ status: 201, message: undefined });
    }
  }, 120_000);
  afterAll(() => server?.stop());

  type Question = { verb: string; namespace?: string; group?: string; resource: string; subresource?: string };
  const may = async (who: { user: string; groups?: string[] }, question: Question): Promise<boolean> => {
    const { status, body } = await server.call('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: { ...who, resourceAttributes: { namespace: 'iot-dev', ...question } },
    });
    expect(status).toBe(201);
    return (body['status'] as { allowed: boolean }).allowed;
  };

  const operations: [string, Question][] = [
    ['restart', { verb: 'patch', group: 'apps', resource: 'deployments' }],
    ['scale', { verb: 'update', group: 'apps', resource: 'deployments', subresource: 'scale' }],
    ['throw away a pod', { verb: 'delete', resource: 'pods' }],
    ['evict a pod', { verb: 'create', resource: 'pods', subresource: 'eviction' }],
    ['read a log', { verb: 'get', resource: 'pods', subresource: 'log' }],
    ['forward a port', { verb: 'create', resource: 'pods', subresource: 'portforward' }],
    ['run a job now', { verb: 'create', group: 'batch', resource: 'jobs' }],
  ];
  test.each(operations)('%s', async (_, question) => {
    expect(await may(ada, question)).toBe(true);
    expect(await may(somebodyOfTheGroup, question)).toBe(true);
    expect(await may(stranger, question)).toBe(false);
  });

  test.each(operations)('%s: in no other namespace, kube-system least of all', async (_, question) => {
    for (const namespace of ['kube-system', 'default', 'gmp-system'])
      expect(await may(ada, { ...question, namespace })).toBe(false);
  });

  test.each<[string, Question]>([
    ['read a secret', { verb: 'get', resource: 'secrets' }],
    ['list secrets', { verb: 'list', resource: 'secrets' }],
    ['open a shell', { verb: 'create', resource: 'pods', subresource: 'exec' }],
    ['attach to a pod', { verb: 'create', resource: 'pods', subresource: 'attach' }],
    ['act as a pod', { verb: 'create', resource: 'serviceaccounts', subresource: 'token' }],
    ['start a pod of their own', { verb: 'create', resource: 'pods' }],
    ['give rights', { verb: 'create', group: 'rbac.authorization.k8s.io', resource: 'rolebindings' }],
    ['open the network', { verb: 'delete', group: 'networking.k8s.io', resource: 'networkpolicies' }],
    ['take away a deployment', { verb: 'delete', group: 'apps', resource: 'deployments' }],
    ['be somebody else', { verb: 'impersonate', resource: 'users' }],
  ])('but not %s', async (_, question) => {
    expect(await may(ada, question)).toBe(false);
    expect(await may(somebodyOfTheGroup, question)).toBe(false);
  });
});
