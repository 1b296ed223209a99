import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

import type { MethodDefinition, ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

/**
 * The two services of google.pubsub.v1 from the very .proto files that Google's client ships. The methods named in
 * `RAW` hand over bytes in both directions (see wire.ts); the others plain objects with absent fields absent.
 */
const RAW: ReadonlySet<string> = new Set(['Publish', 'Pull', 'StreamingPull', 'Acknowledge', 'ModifyAckDeadline']);

const identity = (bytes: Buffer): Buffer => bytes;

export function loadServices(): { publisher: ServiceDefinition; subscriber: ServiceDefinition } {
  const require = createRequire(import.meta.url);
  const client = require.resolve('@google-cloud/pubsub/package.json');
  // google-gax hides its package.json; its entry is build/src/index.js.
  const gax = createRequire(client).resolve('google-gax');
  const definitions = loadSync('google/pubsub/v1/pubsub.proto', {
    includeDirs: [join(dirname(client), 'build/protos'), join(dirname(gax), '../protos')],
    longs: Number,
    enums: String,
    defaults: false,
  });
  return {
    publisher: withRawMethods(definitions['google.pubsub.v1.Publisher'] as ServiceDefinition),
    subscriber: withRawMethods(definitions['google.pubsub.v1.Subscriber'] as ServiceDefinition),
  };
}

function withRawMethods(service: ServiceDefinition): ServiceDefinition {
  const methods: Record<string, MethodDefinition<unknown, unknown>> = {};
  for (const [name, method] of Object.entries(service)) {
    methods[name] = RAW.has(name) ? { ...method, requestDeserialize: identity, responseSerialize: asBuffer } : method;
  }
  return methods as ServiceDefinition<UntypedServiceImplementation>;
}

function asBuffer(value: unknown): Buffer {
  if (!Buffer.isBuffer(value)) throw new TypeError('a raw method answered with something other than bytes');
  return value;
}
