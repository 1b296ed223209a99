import * as pulumi from '@pulumi/pulumi';
import { describe, expect, test } from 'vitest';
import { Project, projectNumberOf } from '../../../infra/project/project.ts';
import { audited, firstServices, scanningService, services } from '../../../infra/project/services.ts';
import { type Recording, unknownValue } from '../../../infra/recording/record.ts';
import { ofType, only, recordComponent } from '../support/component.ts';

const made = new Map<string, Promise<Recording>>();
/** A recording is only read, so that tests share it. */
function recorded(mode: 'up' | 'preview'): Promise<Recording> {
  const found =
    made.get(mode) ??
    recordComponent({ tier: 'prod', mode }, (environment, options) => {
      const project = new Project('project', { environment }, options);
      return { agents: project.agents, number: project.projectNumber };
    });
  made.set(mode, found);
  return found;
}

describe('the project', () => {
  test('turns every API on and never off', async () => {
    const apis = ofType(await recorded('up'), 'gcp:projects/service:Service');
    expect(apis.map(({ inputs }) => inputs['service']).sort()).toEqual(
      [...Object.keys(services), scanningService].map((service) => `${service}.googleapis.com`).sort(),
    );
    for (const { inputs } of apis)
      expect(inputs).toMatchObject({ project: 'iot-prod-1', disableOnDestroy: false, disableDependentServices: false });
  });

  test.each([
    ['ephemeral', {}, false],
    ['dev', {}, false],
    ['staging', {}, true],
    ['prod', {}, true],
    ['dev', { scanImages: 'on' }, true],
    ['prod', { scanImages: 'off' }, false],
  ] as const)(
    'images are scanned as the tier says, and as the setting says before it: %s %o',
    async (tier, settings, on) => {
      const recording = await recordComponent({ tier, mode: 'up', settings }, (environment, options) => {
        new Project('project', { environment }, options);
      });
      const apis = ofType(recording, 'gcp:projects/service:Service').map(({ inputs }) => inputs['service']);
      expect(apis.includes('containerscanning.googleapis.com')).toBe(on);
    },
  );

  test('turns on first what the others are asked through, and grants after all of them', async () => {
    const recording = await recorded('up');
    const apis = ofType(recording, 'gcp:projects/service:Service');
    const urnOf = (service: string) => apis.find(({ name }) => name === `project-${service}`)?.urn;
    const first = firstServices.map(urnOf);
    expect(first).not.toContain(undefined);
    for (const { name, dependencies } of apis)
      expect([...dependencies].sort(), name).toEqual(
        name === 'project-serviceusage' ? [] : name === 'project-cloudresourcemanager' ? [first[0]] : [...first].sort(),
      );
    for (const grant of ofType(recording, 'gcp:projects/iAMMember:IAMMember'))
      expect(grant.dependencies, grant.name).toEqual(expect.arrayContaining(apis.map(({ urn }) => urn)));
    for (const config of ofType(recording, 'gcp:projects/iAMAuditConfig:IAMAuditConfig'))
      expect(config.dependencies, config.name).toContain(urnOf('cloudresourcemanager'));
  });

  test('makes service agents after their API, and knows their addresses by the project number', async () => {
    const { outputs, registrations } = await recorded('up');
    const number = await value(outputs['number']);
    expect(number).toBe('123456789012');
    expect(await value(outputs['agents'])).toEqual({
      pubsub: 'serviceAccount:service-123456789012@gcp-sa-pubsub.iam.gserviceaccount.com',
      container: 'serviceAccount:service-123456789012@container-engine-robot.iam.gserviceaccount.com',
      privateca: 'serviceAccount:service-123456789012@gcp-sa-privateca.iam.gserviceaccount.com',
      sqladmin: 'serviceAccount:service-123456789012@gcp-sa-cloud-sql.iam.gserviceaccount.com',
      secretmanager: 'serviceAccount:service-123456789012@gcp-sa-secretmanager.iam.gserviceaccount.com',
      gkebackup: 'serviceAccount:service-123456789012@gcp-sa-gkebackup.iam.gserviceaccount.com',
      networkconnectivity: 'serviceAccount:service-123456789012@gcp-sa-networkconnectivity.iam.gserviceaccount.com',
    });
    for (const agent of registrations.filter(({ type }) => type === 'gcp:projects/serviceIdentity:ServiceIdentity'))
      expect(agent.dependencies).toContainEqual(
        expect.stringMatching(new RegExp(`::project-${agent.name.replace(/^project-|-agent$/g, '')}$`)),
      );
  });

  test('lets GKE and the manager of instance groups attach the secure tag, and nobody else', async () => {
    const grants = ofType(await recorded('up'), 'gcp:projects/iAMMember:IAMMember').map(({ inputs }) => [
      inputs['member'],
      inputs['role'],
    ]);
    const gke = 'serviceAccount:service-123456789012@container-engine-robot.iam.gserviceaccount.com';
    expect(grants.sort()).toEqual(
      [
        ['serviceAccount:123456789012@cloudservices.gserviceaccount.com', 'roles/resourcemanager.tagUser'],
        [gke, 'roles/resourcemanager.tagHoldAdmin'],
        [gke, 'roles/resourcemanager.tagUser'],
      ].sort(),
    );
  });

  test('records who reads settings everywhere, and who uses keys, secrets, certificates and identities', async () => {
    const recording = await recorded('up');
    const configs = ofType(recording, 'gcp:projects/iAMAuditConfig:IAMAuditConfig');
    expect(configs).toHaveLength(audited.length);
    const all = only(recording, 'gcp:projects/iAMAuditConfig:IAMAuditConfig', 'project-audit-allServices');
    expect(all.inputs).toMatchObject({ service: 'allServices', auditLogConfigs: [{ logType: 'ADMIN_READ' }] });
    const secrets = only(recording, 'gcp:projects/iAMAuditConfig:IAMAuditConfig', 'project-audit-secretmanager');
    expect(secrets.inputs).toMatchObject({
      service: 'secretmanager.googleapis.com',
      auditLogConfigs: [{ logType: 'DATA_READ' }, { logType: 'DATA_WRITE' }],
    });
    for (const { retainOnDelete, inputs } of configs) {
      expect(retainOnDelete).toBe(true);
      expect(JSON.stringify(inputs)).not.toContain('exemptedMembers');
    }
  });

  test('is the same in preview, with the number unknown and all else known', async () => {
    const [up, preview] = [await recorded('up'), await recorded('preview')];
    expect(urns(preview)).toEqual(urns(up));
    const grant = only(preview, 'gcp:projects/iAMMember:IAMMember', 'project-container-tags');
    expect(grant.inputs).toEqual({
      project: 'iot-prod-1',
      role: 'roles/resourcemanager.tagUser',
      member: unknownValue,
    });
  });
});

test.each(['', 'pubsub@example.com', 'service-@gcp-sa-pubsub.iam.gserviceaccount.com'])(
  'an address that holds no project number is named: %j',
  (email) => {
    expect(() => projectNumberOf(email)).toThrow(`'${email}': expected is service-<project number>@`);
  },
);

const urns = ({ registrations }: Recording) => registrations.map(({ urn }) => urn);
const value = (output: unknown): Promise<unknown> =>
  new Promise((resolve) => {
    pulumi.output(output as string).apply(resolve);
  });
