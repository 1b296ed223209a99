import type { handleUnaryCall, ServerUnaryCall, sendUnaryData } from '@grpc/grpc-js';

import { invalid, toRpcError } from './errors.ts';
import type { Log } from './log.ts';
import { LIMITS } from './wire.ts';

type Call<Request> = ServerUnaryCall<Request, unknown>;

/** A handler that answers at once: its result is the response, what it throws the status. */
export function answer<Request>(log: Log, handle: (request: Request) => object): handleUnaryCall<Request, unknown> {
  return (call, callback) => {
    try {
      callback(null, handle(call.request));
    } catch (error) {
      refuse(log, call, callback, error);
    }
  };
}

/** A handler of raw bytes that answers later, once. */
export function answerRaw(
  log: Log,
  handle: (request: Buffer, call: Call<Buffer>, done: (response: Buffer) => void, fail: (error: Error) => void) => void,
): handleUnaryCall<Buffer, unknown> {
  return (call, callback) => {
    try {
      if (call.request.length > LIMITS.requestBytes) {
        throw invalid(`the request has ${call.request.length} bytes; at most ${LIMITS.requestBytes} are allowed`);
      }
      handle(
        call.request,
        call,
        (response) => callback(null, response),
        (error) => refuse(log, call, callback, error),
      );
    } catch (error) {
      refuse(log, call, callback, error);
    }
  };
}

const INTERNAL = 13;

function refuse<Request>(log: Log, call: Call<Request>, callback: sendUnaryData<unknown>, error: unknown): void {
  const refusal = toRpcError(error);
  if (refusal.code === INTERNAL) {
    const stack = error instanceof Error ? error.stack : undefined;
    log('ERROR', 'a call failed', { method: call.getPath(), error: refusal.details, stack });
  }
  callback({ code: refusal.code, details: refusal.details });
}
