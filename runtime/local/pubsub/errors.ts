import { status } from '@grpc/grpc-js';

/**
 * An answer to the caller that is not a success: `code` is a gRPC status, `details` one sentence naming the field, the
 * value and the way out. grpc-js sends both as they are.
 */
export class RpcError extends Error {
  readonly code: number;
  readonly details: string;

  constructor(code: number, details: string) {
    super(details);
    this.name = 'RpcError';
    this.code = code;
    this.details = details;
  }
}

export const invalid = (details: string): RpcError => new RpcError(status.INVALID_ARGUMENT, details);
export const notFound = (details: string): RpcError => new RpcError(status.NOT_FOUND, details);
export const exists = (details: string): RpcError => new RpcError(status.ALREADY_EXISTS, details);
export const precondition = (details: string): RpcError => new RpcError(status.FAILED_PRECONDITION, details);
export const unimplemented = (details: string): RpcError => new RpcError(status.UNIMPLEMENTED, details);
export const unavailable = (details: string): RpcError => new RpcError(status.UNAVAILABLE, details);

/** What went wrong as an `RpcError`; anything unforeseen becomes INTERNAL with its message. */
export function toRpcError(error: unknown): RpcError {
  if (error instanceof RpcError) return error;
  return new RpcError(status.INTERNAL, error instanceof Error ? error.message : String(error));
}
