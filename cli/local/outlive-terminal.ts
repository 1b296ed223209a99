const goneCodes: ReadonlySet<string | undefined> = new Set(['EPIPE', 'EIO']);

/**
 * A closed terminal (EIO) or pipe (EPIPE) does not end this process: it has parts to stop in order, and goes on unheard
 * until its signal. Other commands end with their reader (`| head`), see main.ts. Other errors are thrown.
 */
export function outliveTerminal(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.removeAllListeners('error');
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (!goneCodes.has(error.code)) throw error;
    });
  }
}
