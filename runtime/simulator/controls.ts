import type { TwinDocument } from '../contracts/twin.ts';
import type { Command } from '../device/desk.ts';

/** Seconds between readings that a simulated device takes. */
export const intervalBounds = { shortest: 1, longest: 3_600 } as const;

/**
 * How a simulated device is operated: it takes `interval` (seconds) from its desired state and reports what it does, and
 * it knows the commands `ping`, `measure` and `fail`.
 */
export function createControls(device: {
  usualIntervalMs: number;
  setInterval(ms: number): void;
  reportState(state: TwinDocument): void;
  /** Reports a reading now. */
  measure(): { ts: number; seq: number };
}) {
  return {
    configure(desired: TwinDocument): void {
      const wanted = desired['interval'];
      const taken = typeof wanted === 'number' && wanted >= intervalBounds.shortest && wanted <= intervalBounds.longest;
      const interval = taken ? wanted : device.usualIntervalMs / 1_000;
      device.setInterval(interval * 1_000);
      const problem = `interval is ${JSON.stringify(wanted)}, allowed is ${intervalBounds.shortest} to ${intervalBounds.longest} seconds`;
      device.reportState({ interval, ...(wanted === undefined || taken ? {} : { problem }) });
    },
    /** @throws what the platform shall show as the command's result */
    perform({ name, payload }: Pick<Command, 'name' | 'payload'>): unknown {
      switch (name) {
        case 'ping':
          return { pong: payload ?? null };
        case 'measure': {
          const { ts, seq } = device.measure();
          return { ts, seq };
        }
        case 'fail':
          throw new Error('told to fail');
        default:
          throw new Error(`no command '${name}' here; known are ping, measure and fail`);
      }
    },
  };
}
