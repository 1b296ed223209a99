import { join } from 'node:path';
import { fullJitter } from '../device/backoff.ts';
import { createDevice, type Device } from '../device/device.ts';
import { type Credentials, enrol } from '../device/enrol.ts';
import type { Log } from '../platform/service/log.ts';
import type { FleetApi } from './api.ts';
import { claim } from './claim.ts';
import { createControls } from './controls.ts';
import type { CredentialStore } from './credentials.ts';
import { type FleetMember, kinds } from './kinds.ts';
import type { Ledger } from './ledger.ts';
import { seeded } from './random.ts';

export type FleetOptions = {
  members: readonly FleetMember[];
  api: FleetApi;
  apiUrl: string;
  /** Registered by the fleet's own client, or by a claim code for each. Default `token`. */
  enrolment?: 'token' | 'claim-code';
  mqtt: { host: string; port: number };
  /** CA that the devices trust for the gateway. */
  ca: string;
  credentials: CredentialStore;
  messagesPerMinute: number;
  /** Folder of the devices' buffers; in memory when not given. */
  bufferDir?: string;
  ledger?: Ledger;
  log: Log;
  onAck(): void;
  onDrop(count: number): void;
};

/** How many devices are created and enrolled at once: the API's rate limit and the machine's cores are shared. */
const enrolAtOnce = 8;

export type Fleet = {
  /** Registers the device types, then begins to enrol and start devices; `enrolled` resolves when all run. */
  start(): Promise<{ enrolled: Promise<void> }>;
  stop(): Promise<void>;
  readonly size: number;
  readonly connected: number;
};

export function createFleet(options: FleetOptions): Fleet {
  const { members, api, log } = options;
  const running: { device: Device; stopReporting: () => void }[] = [];
  const wakes = new Set<() => void>();
  let stopping = false;
  let problems = 0;

  async function registerTypes(): Promise<void> {
    for (const { type } of kinds) {
      if (await api.deviceTypeExists(type.id)) continue;
      await api.putDeviceType(type);
      log.info({ type: type.id }, 'device type registered');
    }
  }

  /** A device that the API does not take now is tried again for as long as the fleet runs; the others do not wait. */
  async function bringUp(member: FleetMember): Promise<void> {
    for (let failures = 0; !stopping; failures++) {
      try {
        const credentials = await credentialsOf(member);
        if (!stopping) run(member, credentials);
        return;
      } catch (error) {
        log.warn({ device: member.id, error }, 'device not enrolled, trying again');
        await waitOrStop(fullJitter(failures, { baseMs: 1_000, maxMs: 30_000 }, Math.random));
      }
    }
  }

  function waitOrStop(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(done, ms);
      function done() {
        clearTimeout(timer);
        wakes.delete(done);
        resolve();
      }
      wakes.add(done);
    });
  }

  async function credentialsOf(member: FleetMember): Promise<Credentials> {
    const known = await options.credentials.load(member.id, Date.now());
    if (known !== undefined) return known;
    const device = { id: member.id, type: member.kind.type.id, tags: [...member.kind.tags] };
    const fresh = await (options.enrolment === 'claim-code' ? byClaimCode(device) : byToken(device));
    await options.credentials.save(member.id, fresh);
    return fresh;
  }

  type Registered = { id: string; type: string; tags: string[] };

  async function byToken(device: Registered): Promise<Credentials> {
    await api.ensureDevice(device);
    return await enrol({ deviceId: device.id, api: options.apiUrl, token: api.token });
  }

  function byClaimCode(device: Registered): Promise<Credentials> {
    return claim({
      deviceId: device.id,
      file: options.credentials.claimFile(device.id),
      api: options.apiUrl,
      newCode: () => api.newClaimCode(device),
    });
  }

  function run(member: FleetMember, credentials: Credentials): void {
    const random = seeded(member.id);
    const next = member.kind.model(random);
    const device = createDevice({
      id: member.id,
      mqtt: options.mqtt,
      ...credentials,
      ca: options.ca,
      buffer: {
        readings: 2_000,
        ...(options.bufferDir === undefined ? {} : { file: join(options.bufferDir, `${member.id}.journal`) }),
      },
      onProblem: (problem) => {
        // A fleet that lost its gateway says so a thousand times; the first of every hundred is enough.
        if (problems++ % 100 === 0) log.warn({ problem, problems }, 'device problem');
      },
      onConfig: ({ desired }) => controls.configure(desired),
      onCommand: (command) => controls.perform(command),
      onAck: (reading) => {
        options.ledger?.acknowledged(member.id, reading);
        options.onAck();
      },
      onDrop: (readings) => options.onDrop(readings.length),
    });
    const reporting = every(60_000 / options.messagesPerMinute, random, () => {
      device.report(next(Date.now()));
    });
    const controls = createControls({
      usualIntervalMs: 60_000 / options.messagesPerMinute,
      setInterval: reporting.setPeriod,
      reportState: (state) => device.reportState({ kind: member.kind.type.id, ...state }),
      measure: () => device.report(next(Date.now())),
    });
    device.start();
    controls.configure({});
    running.push({ device, stopReporting: reporting.stop });
  }

  return {
    async start() {
      await registerTypes();
      const queue = [...members];
      const worker = async () => {
        for (let member = queue.shift(); member !== undefined && !stopping; member = queue.shift())
          await bringUp(member);
      };
      const enrolled = Promise.all(Array.from({ length: enrolAtOnce }, worker)).then(() => {
        log.info({ devices: running.length }, 'fleet started');
      });
      return { enrolled };
    },
    async stop() {
      stopping = true;
      for (const wake of [...wakes]) wake();
      for (const { stopReporting } of running) stopReporting();
      await Promise.all(running.map(({ device }) => device.stop(3_000)));
    },
    get size() {
      return members.length;
    },
    get connected() {
      return running.filter(({ device }) => device.connected).length;
    },
  };
}

/** Runs `work` each `ms`, the first time at a random moment of the first period: devices are not in step. */
function every(ms: number, random: () => number, work: () => void) {
  let period = ms;
  const again = () => {
    timer = setInterval(work, period);
    work();
  };
  let timer = setTimeout(again, random() * period);
  return {
    setPeriod(next: number): void {
      if (next === period) return;
      period = next;
      clearTimeout(timer);
      timer = setTimeout(again, random() * period);
    },
    stop: () => clearTimeout(timer),
  };
}
