/** A start that cannot go on for a reason that its message explains whole: shown without a stack. */
export class LaunchError extends Error {
  override name = 'LaunchError';
}
