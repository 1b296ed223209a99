import type { UpdateKind } from '../contracts/bus.ts';
import { readResult } from '../contracts/commands.ts';
import { readReport } from '../contracts/twin.ts';
import type { Log } from '../platform/service/log.ts';
import { applyToCommands, type Happening } from './commands/events.ts';
import type { CommandRow } from './commands/rows.ts';
import type { Core } from './database.ts';
import { mapAtOnce } from './deliveries/pull.ts';
import type { TwinDocuments } from './twin/documents.ts';
import { applyReport, newestOfEach, type Said } from './twin/reported.ts';
import { type Refused, refusedFor, type Update, type UpdateHandler } from './updates.ts';

export type UpdateParts = {
  core: Core;
  twins: TwinDocuments;
  clock: () => number;
  /** Commands that have changed. */
  onCommands: (rows: readonly CommandRow[]) => void;
  onReported: (said: Said, version: number) => void;
  log: Log;
};

/** What becomes of each kind of update. */
export function updateHandlers(parts: UpdateParts): Record<UpdateKind, UpdateHandler> {
  return { state: (updates) => takeStates(parts, updates), 'command-result': (updates) => takeResults(parts, updates) };
}

/** Documents written at a time. */
const writesAtOnce = 16;

async function takeStates({ twins, onReported, log }: UpdateParts, updates: readonly Update[]) {
  const said: Said[] = [];
  const refused = updates.map((update): Refused | undefined => {
    const report = readReport(update.data);
    if ('problem' in report) return refusedFor(report);
    const { tenant, device, connection, order, received } = update;
    said.push({ tenant, device, report, connection, order, received });
    return undefined;
  });
  await mapAtOnce(newestOfEach(said), writesAtOnce, async (one) => {
    const { applied, version } = await applyReport(twins, one);
    log.debug({ tenant: one.tenant, device: one.device, applied, version }, 'reported state read');
    if (applied === 'changed') onReported(one, version);
  });
  return refused;
}

async function takeResults({ core, clock, onCommands, log }: UpdateParts, updates: readonly Update[]) {
  const happenings: { happening: Happening; update: Update; index: number }[] = [];
  const refused: (Refused | undefined)[] = updates.map((update, index) => {
    const message = readResult(update.data);
    if ('problem' in message) return refusedFor(message);
    const { tenant, device, command: name } = update;
    const { id, status, result = null } = message;
    const event =
      status === 'acknowledged'
        ? ({ type: 'received' } as const)
        : ({ type: 'result', status, result, at: update.received } as const);
    happenings.push({ happening: { tenant, device, id, name, event }, update, index });
    return undefined;
  });
  if (happenings.length === 0) return refused;
  const now = clock();
  const outcomes = await core.transaction((tx) =>
    applyToCommands(
      tx,
      happenings.map((one) => one.happening),
      now,
    ),
  );
  for (const [i, { ignored }] of outcomes.entries()) {
    const { happening, update, index } = happenings[i] as (typeof happenings)[number];
    if (ignored === 'unknown')
      refused[index] = {
        reason: 'malformed',
        detail: `device '${happening.device}' has no command '${happening.name}' with the id ${happening.id}`,
      };
    else
      log.info(
        { trace: update.message, tenant: update.tenant, device: update.device, command: happening.id, ignored },
        'result of a command',
      );
  }
  onCommands(outcomes.flatMap(({ row, ignored }) => (row === undefined || ignored !== undefined ? [] : [row])));
  return refused;
}
