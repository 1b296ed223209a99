// Plain JavaScript that any Node can parse: it runs before we know which Node the engine found on PATH.
import pulumi from '@pulumi/pulumi';

const { log, RunError } = pulumi;
const needed = 24;
if (Number(process.versions.node.split('.')[0]) < needed) {
  throw new RunError(
    `This program needs Node ${needed} or newer; the engine runs it with ${process.version} (${process.execPath}). ` +
      'Run it as `npx pulumi …` after `npm install` in the project, which puts Node 24 first on PATH, or install Node 24.',
  );
}
const { run } = await import('./index.ts');
export default await run({ warn: (message) => void log.warn(message) }).catch((error) => {
  // What is wrong with the settings is said whole by the message: the engine prints no stack of a RunError.
  throw error instanceof Error && error.name === 'StackSettingsError' ? new RunError(error.message) : error;
});
