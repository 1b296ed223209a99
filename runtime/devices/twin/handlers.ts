import type { twinOperations } from '../../contracts/http/twins.ts';
import { mergePatch, type TwinDocument } from '../../contracts/twin.ts';
import type { AskedBy, Handlers } from '../../platform/http/serve.ts';
import type { Log } from '../../platform/service/log.ts';
import { actorOf } from '../audit.ts';
import type { Core } from '../database.ts';
import { changeDesired, readIfMatch } from './desired.ts';
import type { TwinDocuments } from './documents.ts';
import { readDesired, readTwin, toDesired } from './view.ts';

export type TwinParts = {
  core: Core;
  twins: TwinDocuments;
  clock: () => number;
  /** A desired state has changed. */
  onDesired: (tenant: string, device: string, version: number, log: Log) => void;
};

type Change = AskedBy & { params: { deviceId: string }; headers: { 'if-match'?: string | undefined } };

export function twinHandlers(parts: TwinParts): Handlers<typeof twinOperations> {
  const { core, twins, onDesired } = parts;
  const change = async (asked: Change, make: (document: TwinDocument) => TwinDocument) => {
    const { deviceId } = asked.params;
    const ifMatch = readIfMatch(asked.headers['if-match']);
    const { desired, changed } = await changeDesired(parts, actorOf(asked), deviceId, ifMatch, make);
    if (changed) onDesired(asked.caller.tenant, deviceId, desired.version, asked.log);
    return toDesired(desired);
  };
  return {
    getTwin: ({ caller, params }) => readTwin(core, twins, caller.tenant, params.deviceId),
    getDesired: ({ caller, params }) => readDesired(core, twins, caller.tenant, params.deviceId),
    putDesired: (asked) => change(asked, () => asked.body),
    patchDesired: (asked) => change(asked, (document) => mergePatch(document, asked.body) as TwinDocument),
  };
}
