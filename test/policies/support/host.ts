import { type ChildProcess, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import * as grpc from '@grpc/grpc-js';
import type { Registration } from '../../../infra/recording/record.ts';
import { root } from '../../infra/engine/pulumi.ts';

/**
 * A pack in Pulumi's own policy host, spoken to as the engine speaks: the Analyzer protocol over loopback. What is proved
 * here is proved of the pack as users run it, its metadata, configuration and levels included.
 */
const require = createRequire(import.meta.url);
const services = require('@pulumi/pulumi/proto/analyzer_grpc_pb') as {
  AnalyzerClient: new (address: string, credentials: grpc.ChannelCredentials, options: object) => Any;
};
const messages = require('@pulumi/pulumi/proto/analyzer_pb');
const { Struct } = require('google-protobuf/google/protobuf/struct_pb');
const { Empty } = require('google-protobuf/google/protobuf/empty_pb');
// biome-ignore lint/suspicious/noExplicitAny: the generated messages have no types that grpc-js can use.
type Any = any;

export type Level = 'advisory' | 'mandatory' | 'disabled' | 'remediate';
/** In the order of the protocol's numbers. */
const levels: readonly Level[] = ['advisory', 'mandatory', 'disabled', 'remediate'];
const severities = ['', 'low', 'medium', 'high', 'critical'] as const;

export type Diagnostic = { policy: string; level: Level; severity: string; message: string; urn: string };
export type PolicyInfo = {
  name: string;
  description: string;
  level: Level;
  severity: string;
  url: string;
  remediationSteps: string;
  tags: readonly string[];
  framework: { name: string; version: string; reference: string; specification: string } | null;
  /** Names of its settings, with the default of each that has one. */
  settings: Readonly<Record<string, unknown>>;
};
export type PackInfo = { name: string; version: string; policies: readonly PolicyInfo[] };
/** As in the file of `--policy-pack-config`. */
export type PackConfig = Readonly<Record<string, Readonly<Record<string, unknown>> & { enforcementLevel?: Level }>>;

const entry = join(root, 'node_modules/@pulumi/pulumi/cmd/run-policy-pack');
const limit = 400 * 1024 * 1024;

export class PackHost {
  readonly #child: ChildProcess;
  readonly #client: Any;

  private constructor(child: ChildProcess, client: Any) {
    this.#child = child;
    this.#client = client;
  }

  /**
   * Starts the pack of a folder, as the engine does: that folder is its working directory, and the stack's settings are
   * in its environment.
   * @param config by `namespace:key`; lists and objects as JSON.
   * @throws Error with what the host wrote, when it ends before it listens.
   */
  static async start(folder: string, config: Readonly<Record<string, string>> = {}): Promise<PackHost> {
    const child = spawn(process.execPath, [entry, '127.0.0.1:1', folder], {
      cwd: folder,
      env: { ...process.env, PULUMI_PROJECT: 'iot-platform', PULUMI_CONFIG: JSON.stringify(config) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk));
    const port = await new Promise<number>((done, fail) => {
      child.once('error', fail);
      child.once('exit', (code) => fail(new Error(`the policy host of ${folder} ended with ${code}: ${said}`)));
      createInterface(child.stdout).on('line', (line) => {
        if (/^\d+$/.test(line.trim())) done(Number(line));
      });
    });
    const options = { 'grpc.max_send_message_length': limit, 'grpc.max_receive_message_length': limit };
    return new PackHost(
      child,
      new services.AnalyzerClient(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), options),
    );
  }

  /** Of the host's process, for a benchmark that reads how long it was on a core. */
  get pid(): number {
    return this.#child.pid as number;
  }

  async info(): Promise<PackInfo> {
    const info = await this.#call('getAnalyzerInfo', new Empty());
    return { name: info.getName(), version: info.getVersion(), policies: info.getPoliciesList().map(policyOf) };
  }

  /** Every policy gets a configuration, its own level and its schema's defaults below what is given: so does the engine. */
  async configure(given: PackConfig = {}): Promise<void> {
    const request = new messages.ConfigureAnalyzerRequest();
    for (const policy of (await this.info()).policies) {
      const { enforcementLevel, ...settings } = { ...given['all'], ...given[policy.name] };
      const defaults = Object.entries(policy.settings).filter(([, value]) => value !== undefined);
      const config = new messages.PolicyConfig();
      config.setEnforcementlevel(levels.indexOf(enforcementLevel ?? policy.level));
      config.setProperties(Struct.fromJavaScript({ ...Object.fromEntries(defaults), ...settings }));
      request.getPolicyconfigMap().set(policy.name, config);
    }
    await this.#call('configure', request);
  }

  async configureStack(stack: string, tags: Readonly<Record<string, string>> = {}): Promise<void> {
    const request = new messages.AnalyzerStackConfigureRequest();
    request.setStack(stack);
    request.setProject('iot-platform');
    request.setOrganization('organization');
    for (const [name, value] of Object.entries(tags)) request.getTagsMap().set(name, value);
    await this.#call('configureStack', request);
  }

  /** Policies of single resources, before the provider acts. @param all where its provider is found. */
  async analyze(registration: Registration, all: readonly Registration[] = []): Promise<Diagnostic[]> {
    const request = resourceOf(new messages.AnalyzeRequest(), registration, providersOf(all));
    return diagnosticsOf(await this.#call('analyze', request), registration.urn);
  }

  /** What policies of level `remediate` make of a resource's inputs, one after the other; none: nothing changes. */
  async remediate(
    registration: Registration,
  ): Promise<{ policy: string; inputs: Readonly<Record<string, unknown>> }[]> {
    const response = await this.#call('remediate', resourceOf(new messages.AnalyzeRequest(), registration, new Map()));
    return response.getRemediationsList().map((each: Any) => ({
      policy: each.getPolicyname(),
      inputs: each.getProperties()?.toJavaScript() ?? {},
    }));
  }

  /** Policies of the stack, after every resource. */
  async analyzeStack(registrations: readonly Registration[]): Promise<Diagnostic[]> {
    const request = new messages.AnalyzeStackRequest();
    const providers = providersOf(registrations);
    request.setResourcesList(registrations.map((each) => relatedResourceOf(each, providers)));
    return diagnosticsOf(await this.#call('analyzeStack', request), '');
  }

  /** Both, one resource after the other: all that a preview would print. */
  async judge(registrations: readonly Registration[]): Promise<Diagnostic[]> {
    const all: Diagnostic[] = [];
    for (const each of registrations) all.push(...(await this.analyze(each, registrations)));
    return [...all, ...(await this.analyzeStack(registrations))];
  }

  async end(): Promise<void> {
    this.#client.close();
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = new Promise((done) => this.#child.once('exit', done));
    this.#child.kill();
    await gone;
  }

  #call(method: string, request: Any): Promise<Any> {
    return new Promise((done, fail) =>
      this.#client[method](request, (error: Error | null, response: Any) =>
        error === null ? done(response) : fail(new Error(`${method}: ${error.message}`, { cause: error })),
      ),
    );
  }
}

type Providers = ReadonlyMap<string, Registration>;
const providersOf = (registrations: readonly Registration[]): Providers =>
  new Map(
    registrations.filter(({ type }) => type.startsWith('pulumi:providers:')).map((each) => [each.urn, each] as const),
  );

function resourceOf(message: Any, registration: Registration, providers: Providers): Any {
  message.setType(registration.type);
  message.setUrn(registration.urn);
  message.setName(registration.name);
  message.setProperties(Struct.fromJavaScript(registration.inputs));
  const options = new messages.AnalyzerResourceOptions();
  options.setProtect(registration.protect);
  options.setIgnorechangesList([...registration.ignoreChanges]);
  options.setDeletebeforereplace(registration.deleteBeforeReplace);
  options.setParent(registration.parent ?? '');
  message.setOptions(options);
  // A reference is the provider's URN, `::` and its id.
  const provider = providers.get(registration.provider.replace(/::[^:]*$/, ''));
  if (provider !== undefined) {
    const given = new messages.AnalyzerProviderResource();
    given.setType(provider.type);
    given.setUrn(provider.urn);
    given.setName(provider.name);
    given.setProperties(Struct.fromJavaScript(provider.inputs));
    message.setProvider(given);
  }
  return message;
}

function relatedResourceOf(registration: Registration, providers: Providers): Any {
  const message = resourceOf(new messages.AnalyzerResource(), registration, providers);
  message.setParent(registration.parent ?? '');
  message.setDependenciesList([...registration.dependencies]);
  for (const [property, urns] of Object.entries(registration.propertyDependencies)) {
    const dependencies = new messages.AnalyzerPropertyDependencies();
    dependencies.setUrnsList([...urns]);
    message.getPropertydependenciesMap().set(property, dependencies);
  }
  return message;
}

const diagnosticsOf = (response: Any, urn: string): Diagnostic[] =>
  response.getDiagnosticsList().map((each: Any) => ({
    policy: each.getPolicyname(),
    level: levels[each.getEnforcementlevel()] ?? 'mandatory',
    severity: severities[each.getSeverity()] ?? '',
    message: each.getMessage(),
    urn: each.getUrn() || urn,
  }));

function policyOf(each: Any): PolicyInfo {
  const schema = each.getConfigschema()?.getProperties()?.toJavaScript() ?? {};
  const framework = each.getFramework()?.toObject() ?? null;
  return {
    name: each.getName(),
    description: each.getDescription(),
    level: levels[each.getEnforcementlevel()] ?? 'mandatory',
    severity: severities[each.getSeverity()] ?? '',
    url: each.getUrl(),
    remediationSteps: each.getRemediationSteps(),
    tags: each.getTagsList(),
    framework,
    settings: Object.fromEntries(
      Object.entries(schema).map(([name, property]) => [name, (property as Record<string, unknown>)['default']]),
    ),
  };
}
