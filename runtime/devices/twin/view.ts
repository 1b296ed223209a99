import type { DesiredState, Twin } from '../../contracts/http/twins.ts';
import { deltaOf } from '../../contracts/twin.ts';
import type { Core } from '../database.ts';
import { findDevice } from '../registry.ts';
import type { StoredDesired, TwinDocuments } from './documents.ts';

export const toDesired = ({ version, updatedAt, document }: StoredDesired): DesiredState => ({
  version,
  updatedAt,
  document,
});

/** @throws ProblemError 404 */
export async function readDesired(
  core: Core,
  twins: TwinDocuments,
  tenant: string,
  device: string,
): Promise<DesiredState> {
  await findDevice(core, tenant, device);
  return toDesired(await twins.desired(tenant, device));
}

/** @throws ProblemError 404 */
export async function readTwin(core: Core, twins: TwinDocuments, tenant: string, device: string): Promise<Twin> {
  await findDevice(core, tenant, device);
  const [desired, reported] = await Promise.all([twins.desired(tenant, device), twins.reported(tenant, device)]);
  const { version, updatedAt, document, deviceVersion } = reported;
  return {
    desired: toDesired(desired),
    reported: { version, updatedAt, document, deviceVersion },
    delta: deltaOf(desired.document, document),
  };
}
