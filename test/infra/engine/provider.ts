import { appendFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { isDeepStrictEqual } from 'node:util';
import * as grpc from '@grpc/grpc-js';
import { computedOutputs } from '../../../infra/recording/computed.ts';
import { unknownValue } from '../../../infra/recording/record.ts';

/**
 * A provider for the real engine that keeps no cloud: it accepts any resource, answers with its inputs and the computed
 * outputs that the recorder knows, and writes each create, update and delete to a journal. It stands on PATH under the
 * names of the real ones, so that the engine itself decides order, protection, replacement and what a second `up` changes.
 *
 * Environment: FAKE_PACKAGE (`gcp`), FAKE_JOURNAL (file).
 */
const require = createRequire(import.meta.url);
const services = require('@pulumi/pulumi/proto/provider_grpc_pb') as {
  ResourceProviderService: grpc.ServiceDefinition;
};
const messages = require('@pulumi/pulumi/proto/provider_pb');
const plugins = require('@pulumi/pulumi/proto/plugin_pb');
const empty = require('google-protobuf/google/protobuf/empty_pb');
const struct = require('google-protobuf/google/protobuf/struct_pb');

type Call = { request: Record<string, () => never> };
type Reply = (error: unknown, response?: unknown) => void;
// biome-ignore lint/suspicious/noExplicitAny: the generated messages have no types that grpc-js can use.
type Any = any;

const journal = process.env['FAKE_JOURNAL'];
const note = (operation: string, urn: string) => {
  if (journal !== undefined) appendFileSync(journal, `${operation} ${urn}\n`);
};

const plain = (message: Any): Record<string, unknown> => (message?.toJavaScript() ?? {}) as Record<string, unknown>;
const wire = (value: Record<string, unknown>) => struct.Struct.fromJavaScript(value);
const typeOf = (urn: string) => (urn.split('::')[2] ?? '').split('$').at(-1) ?? '';
const nameOf = (urn: string) => urn.split('::')[3] ?? '';

function outputsOf(urn: string, inputs: Record<string, unknown>) {
  const type = typeOf(urn);
  const { id, state } = computedOutputs({ type, name: nameOf(urn), inputs, project: 'fake-project' });
  return { id, outputs: { ...inputs, ...state } };
}

/** As a real provider previews: what it computes is not known yet. */
const unknownsOf = (urn: string, inputs: Record<string, unknown>) => {
  const { state } = computedOutputs({ type: typeOf(urn), name: nameOf(urn), inputs, project: 'fake-project' });
  return Object.fromEntries(Object.keys(state).map((key) => [key, unknownValue]));
};

const handlers: Record<string, (call: { request: Any }, reply: Reply) => void> = {
  getPluginInfo: (_call, reply) => {
    const info = new plugins.PluginInfo();
    info.setVersion('0.0.0');
    reply(null, info);
  },
  checkConfig: ({ request }, reply) => reply(null, checked(request)),
  diffConfig: (_call, reply) => reply(null, new messages.DiffResponse()),
  configure: (_call, reply) => {
    const response = new messages.ConfigureResponse();
    response.setSupportspreview(true);
    response.setAcceptsecrets(false);
    reply(null, response);
  },
  check: ({ request }, reply) => reply(null, checked(request)),
  diff: ({ request }, reply) => {
    const response = new messages.DiffResponse();
    const [before, after] = [plain(request.getOldInputs()), plain(request.getNews())];
    const changed = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
      (key) => !isDeepStrictEqual(before[key], after[key]),
    );
    response.setChanges(
      changed.length > 0 ? messages.DiffResponse.DiffChanges.DIFF_SOME : messages.DiffResponse.DiffChanges.DIFF_NONE,
    );
    response.setDiffsList(changed);
    reply(null, response);
  },
  create: ({ request }, reply) => {
    const response = new messages.CreateResponse();
    const urn = request.getUrn();
    const inputs = plain(request.getProperties());
    if (!request.getPreview()) {
      note('create', urn);
      const { id, outputs } = outputsOf(urn, inputs);
      response.setId(id);
      response.setProperties(wire(outputs));
    } else response.setProperties(wire({ ...inputs, ...unknownsOf(urn, inputs) }));
    reply(null, response);
  },
  update: ({ request }, reply) => {
    const response = new messages.UpdateResponse();
    const inputs = plain(request.getNews());
    if (!request.getPreview()) note('update', request.getUrn());
    response.setProperties(wire(outputsOf(request.getUrn(), inputs).outputs));
    reply(null, response);
  },
  read: ({ request }, reply) => {
    const response = new messages.ReadResponse();
    response.setId(request.getId());
    response.setProperties(request.getProperties());
    response.setInputs(request.getInputs());
    reply(null, response);
  },
  delete: ({ request }, reply) => {
    note('delete', request.getUrn());
    reply(null, new empty.Empty());
  },
  cancel: (_call, reply) => reply(null, new empty.Empty()),
};

function checked(request: Any) {
  const response = new messages.CheckResponse();
  response.setInputs(request.getNews());
  return response;
}

const server = new grpc.Server({ 'grpc.max_receive_message_length': 64 * 1024 * 1024 });
const unimplemented = (_call: Call, reply: Reply) => reply({ code: grpc.status.UNIMPLEMENTED });
server.addService(
  services.ResourceProviderService,
  Object.fromEntries(
    Object.keys(services.ResourceProviderService).map((method) => {
      const key = method[0]?.toLowerCase() + method.slice(1);
      return [method, handlers[key] ?? unimplemented];
    }),
  ) as grpc.UntypedServiceImplementation,
);
server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  process.stdout.write(`${port}\n`);
});
