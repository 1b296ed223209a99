import { createRequire } from 'node:module';
import * as pulumi from '@pulumi/pulumi';
import { type Computed, computedOutputs, type InvokeArgs, invoked } from './computed.ts';
import { withoutStackTraces } from './stack-traces.ts';

/** One registration as the engine would get it, options included. */
export type Registration = {
  urn: string;
  type: string;
  name: string;
  custom: boolean;
  /** Secrets are `{ [secretKey]: …, value }`, unknowns the string `unknownValue`. */
  inputs: Readonly<Record<string, unknown>>;
  /** `urn::id` of the provider; empty: a default provider. */
  provider: string;
  /** URN of the parent; null for the stack itself. */
  parent: string | null;
  dependencies: readonly string[];
  propertyDependencies: Readonly<Record<string, readonly string[]>>;
  protect: boolean;
  deletedWith: string | null;
  deleteBeforeReplace: boolean;
  retainOnDelete: boolean;
  ignoreChanges: readonly string[];
  aliases: readonly string[];
};

export type Recording = {
  mode: 'up' | 'preview';
  registrations: readonly Registration[];
  /** Warnings of the program, in order. */
  warnings: readonly string[];
  outputs: Readonly<Record<string, unknown>>;
};

/** How the engine marks a secret inside a value. */
export const secretKey = '4dabf18193072939515e22adb298388d';
/** What an unknown input looks like on the wire. */
export const unknownValue = '04da6b54-80e4-46f7-96ec-b56ff0331ba9';

export type RecordOptions = {
  project: string;
  stack: string;
  /** Every key with its namespace, as `pulumi config` has them; lists and objects as JSON text. */
  config: Readonly<Record<string, string>>;
  /** In preview computed outputs are unknown, as at the first `pulumi preview` of an empty project. */
  mode: 'up' | 'preview';
  /** Outputs of other stacks by `organization/project/stack`, the stack's own included. */
  stackOutputs?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** What the cloud computes; by default as `computed.ts` says. */
  computed?: Computed;
  program: (log: { warn: (message: string) => void }) => Promise<Record<string, unknown>>;
};

type Request = {
  getType(): string;
  getName(): string;
  getParent(): string;
  getCustom(): boolean;
  getProvider(): string;
  getProtect(): boolean | undefined;
  getDeletedwith(): string;
  getDeletebeforereplace(): boolean;
  getRetainondelete(): boolean | undefined;
  getIgnorechangesList(): string[];
  getDependenciesList(): string[];
  getAliasesList(): { getUrn(): string; getSpec(): { getName(): string } | undefined }[];
  getPropertydependenciesMap(): { forEach(each: (value: { getUrnsList(): string[] }, key: string) => void): void };
};
type Monitor = {
  newUrn(parent: string, type: string, name: string): string;
  registerResource(request: Request, callback: (error: unknown, response: unknown) => void): Promise<void>;
};

const require = createRequire(import.meta.url);
const settings = require('@pulumi/pulumi/runtime/settings') as {
  getMonitor(): Monitor;
  waitForRPCs(): Promise<void>;
};

let busy = false;

/**
 * Runs a program without engine, cloud or credentials, and keeps everything it would have registered. The SDK holds its
 * state in the process, so that one recording runs at a time.
 * @throws what the program throws, and for a resource type whose computed outputs nobody described.
 */
export async function record(options: RecordOptions): Promise<Recording> {
  if (busy) throw new Error('a recording is already running in this process: await it first');
  busy = true;
  try {
    return await withoutStackTraces(() => run(options));
  } finally {
    busy = false;
  }
}

async function run({
  project,
  stack,
  config,
  mode,
  stackOutputs,
  computed: compute = computedOutputs,
  program,
}: RecordOptions): Promise<Recording> {
  const registrations: Registration[] = [];
  const warnings: string[] = [];
  const inputsOf = new Map<string, Record<string, unknown>>();
  const failures: unknown[] = [];
  await pulumi.runtime.setMocks(
    {
      newResource: ({ type, name, inputs, id }) => {
        inputsOf.set(`${type} ${name}`, onTheWire(inputs) as Record<string, unknown>);
        if (type === 'pulumi:pulumi:StackReference')
          return {
            id: name,
            state: { ...inputs, outputs: stackOutputs?.[inputs.name as string] ?? {}, secretOutputNames: [] },
          };
        const computed = compute({ type, name, inputs, project: config[`${project}:project`] ?? 'project' });
        // The SDK types the id as text; nothing at all is what makes it unknown.
        if (mode === 'preview') return { id: undefined as unknown as string, state: {} };
        return { id: id || computed.id, state: { ...plain(inputs), ...computed.state } };
      },
      call: (args: InvokeArgs) => invoked(args),
    },
    project,
    stack,
    mode === 'preview',
    'organization',
  );
  pulumi.runtime.setAllConfig({ ...config });
  const monitor = settings.getMonitor();
  monitor.newUrn = (parent, type, name) => {
    const above = parent.split('::')[2] ?? '';
    const chain = above === '' || above === 'pulumi:pulumi:Stack' ? type : `${above}$${type}`;
    return `urn:pulumi:${stack}::${project}::${chain}::${name}`;
  };
  const register = monitor.registerResource.bind(monitor);
  monitor.registerResource = async (request, callback) => {
    const [type, name] = [request.getType(), request.getName()];
    await register(request, (error, response) => {
      if (error) failures.push(error);
      else {
        const dependencies: Record<string, string[]> = {};
        request.getPropertydependenciesMap().forEach((value, key) => {
          if (value.getUrnsList().length > 0) dependencies[key] = value.getUrnsList();
        });
        registrations.push({
          urn: monitor.newUrn(request.getParent(), type, name),
          type,
          name,
          custom: request.getCustom(),
          inputs: inputsOf.get(`${type} ${name}`) ?? {},
          provider: request.getProvider(),
          parent: request.getParent() || null,
          dependencies: request.getDependenciesList(),
          propertyDependencies: dependencies,
          protect: request.getProtect() ?? false,
          deletedWith: request.getDeletedwith() || null,
          deleteBeforeReplace: request.getDeletebeforereplace(),
          retainOnDelete: request.getRetainondelete() ?? false,
          ignoreChanges: request.getIgnorechangesList(),
          aliases: request.getAliasesList().map((alias) => alias.getUrn() || (alias.getSpec()?.getName() ?? '')),
        });
      }
      callback(error, response);
    });
  };
  // A program that throws inside the stack's constructor would also reject in the SDK where nobody can await it.
  const outputs = await pulumi.runtime.runInPulumiStack(async () => {
    try {
      return await program({ warn: (message) => void warnings.push(message) });
    } catch (error) {
      failures.push(error);
      return {};
    }
  });
  await settings.waitForRPCs();
  if (failures.length > 0) throw failures[0];
  const own = registrations.filter(
    ({ type }) => type !== 'pulumi:pulumi:Stack' && type !== 'pulumi:pulumi:StackReference',
  );
  return {
    mode,
    registrations: own.sort((a, b) => (a.urn < b.urn ? -1 : 1)),
    warnings,
    outputs: outputs as Record<string, unknown>,
  };
}

/** The SDK hands unknowns to mocks as objects of its own class; the engine gets a text. */
function onTheWire(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(onTheWire);
  if (typeof value !== 'object' || value === null) return value;
  if ('__pulumiUnknown' in value) return unknownValue;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, onTheWire(each)]));
}

/** Inputs as state: secrets opened, since the SDK marks them itself. */
const plain = (inputs: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(inputs).map(([key, value]) => [key, open(value)]));

function open(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(open);
  if (typeof value !== 'object' || value === null) return value;
  const record = value as Record<string, unknown>;
  if (secretKey in record) return open(record['value']);
  return plain(record);
}
