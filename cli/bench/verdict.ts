import type { PathResult } from './path.ts';

/** Whether a run is a measurement of its rate, and if not, why not: latencies of a queue that only grows mean nothing. */
export type Verdict = { held: true } | { held: false; because: string[] };

type Measured = Pick<PathResult, 'backlogAtEnd' | 'rows'> & {
  load: Pick<
    PathResult['load'],
    'offered' | 'achieved' | 'acknowledged' | 'unacknowledged' | 'lostConnections' | 'generatorLag'
  >;
};

/** A generator that is later than this with its messages measures itself. */
const generatorLateMs = 50;

export function verdictOf({ load, backlogAtEnd, rows }: Measured): Verdict {
  const because = [
    ...(load.achieved < 0.98 * load.offered
      ? [`achieved ${Math.round(load.achieved)} of ${load.offered} readings a second`]
      : []),
    ...(load.unacknowledged > 0 ? [`${load.unacknowledged} readings without acknowledgement`] : []),
    ...(load.lostConnections > 0 ? [`${load.lostConnections} connections lost`] : []),
    ...(rows < load.acknowledged ? [`${load.acknowledged - rows} acknowledged readings are not among the rows`] : []),
    ...(backlogAtEnd > load.offered ? [`a backlog of ${backlogAtEnd} messages, more than a second's load`] : []),
    ...(load.generatorLag.p99 > generatorLateMs
      ? [`the generator was late (p99 ${Math.round(load.generatorLag.p99)} ms): the machine has no room for it`]
      : []),
  ];
  return because.length === 0 ? { held: true } : { held: false, because };
}
