// Plain JavaScript that any Node can parse: it runs before we know which Node the engine found on PATH.
const needed = 24;
if (Number(process.versions.node.split('.')[0]) < needed) {
  throw new Error(
    `This program needs Node ${needed} or newer; the engine runs it with ${process.version} (${process.execPath}). ` +
      'Run it as `npx pulumi …` after `npm install` in the project, which puts Node 24 first on PATH, or install Node 24.',
  );
}
const { run } = await import('./index.ts');
const { log } = (await import('@pulumi/pulumi')).default;
export default await run({ warn: (message) => void log.warn(message) });
