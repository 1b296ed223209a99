/** How a command ends: 0 done, 1 it failed, 2 it was called wrongly; later commands add from 10 up. */
export const exitCodes = { ok: 0, failed: 1, usage: 2 } as const;

/** A failure that its message explains whole: printed without a stack. */
export class CommandError extends Error {
  readonly exitCode: number;
  constructor(message: string, options: { exitCode?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = 'CommandError';
    this.exitCode = options.exitCode ?? exitCodes.failed;
  }
}

/** The command line itself is wrong; says what, and what is allowed. */
export class UsageError extends CommandError {
  constructor(message: string) {
    super(message, { exitCode: exitCodes.usage });
    this.name = 'UsageError';
  }
}
